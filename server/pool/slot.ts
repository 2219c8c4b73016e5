import type { HolderRef } from '../../telemetry/events.ts'
import type { Role } from '../../telemetry/stats.ts'
import type { Connection } from './connection.ts'
import type { Lease } from './lease.ts'

export type SlotState = 'opening' | 'idle' | 'inUse' | 'resetting'

/** One place in the pool: a connection from its opening to its closing. Only its lane changes it. */
export class Slot {
  readonly id: number
  readonly role: Role
  state: SlotState = 'opening'
  /** Monotonic: since when it is in this state. */
  sinceMs: number
  connection: Connection | null = null
  lease: Lease | null = null
  /** It has been opened and not been granted yet. */
  isFresh = true
  /** It is no longer part of the lane: closed, or its thread has ended. */
  isGone = false

  constructor(parts: { readonly id: number; readonly role: Role; readonly sinceMs: number }) {
    this.id = parts.id
    this.role = parts.role
    this.sinceMs = parts.sinceMs
  }
}

/** A lease as those who wait for it see it. */
export function holderRef(lease: Lease, nowMs: number): HolderRef {
  return {
    connectionId: lease.connectionId,
    leaseId: lease.id,
    heldMs: nowMs - lease.grantedMs,
    label: lease.label,
    sql: lease.lastSql,
    trace: lease.trace,
  }
}
