import type { Role } from '../../telemetry/stats.ts'
import type { Connection } from './connection.ts'
import type { Hold, HoldHost } from './hold.ts'

export type SlotState = 'opening' | 'idle' | 'inUse' | 'resetting' | 'zombie'

/** Not yet known: see `Lane` on when a moment is read. */
export const UNSTAMPED = -1

/** One place in the pool: a connection from its opening to its closing. Only its lane changes it. */
export class Slot {
  readonly id: number
  readonly role: Role
  readonly host: HoldHost
  /** Connections of an older generation are closed as soon as they are free. */
  readonly generation: number
  state: SlotState = 'opening'
  /** Monotonic: since when it is in this state, or `UNSTAMPED`. */
  sinceMs: number
  /** Monotonic: when it is too old to be used again. */
  expiresMs = Number.POSITIVE_INFINITY
  connection: Connection | null = null
  hold: Hold | null = null
  /** Whose statement a zombie still runs. */
  buried: Hold | null = null
  /** It has been opened and not been granted yet. */
  isFresh = true
  /** It is no longer part of the lane: closed, or its thread has ended. */
  isGone = false

  constructor(parts: {
    readonly id: number
    readonly role: Role
    readonly host: HoldHost
    readonly sinceMs: number
    readonly generation: number
  }) {
    this.id = parts.id
    this.role = parts.role
    this.host = parts.host
    this.sinceMs = parts.sinceMs
    this.generation = parts.generation
  }

  /** Something outlives its holder unless it is undone. */
  get isDirty(): boolean {
    const { inTransaction, openCursorCount, isAltered } = this.connection!
    return inTransaction || openCursorCount > 0 || isAltered
  }

  /** How long it has been in this state. */
  ageMs(nowMs: number): number {
    return this.sinceMs === UNSTAMPED ? 0 : nowMs - this.sinceMs
  }
}
