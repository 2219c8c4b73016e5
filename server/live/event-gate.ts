import type { PoolEvent } from '../../telemetry/protocol.ts'
import { clipTexts } from './clip.ts'

/** Frames a second of one kind, such as acquires that timed out. */
export const EVENTS_PER_SECOND = 5

/** An event that goes to the viewers. */
export interface AdmittedEvent {
  readonly event: PoolEvent
  /** Events of its kind that were left out since the last one that was let through. */
  readonly droppedCount: number
}

interface Kind {
  secondAtMs: number
  admittedCount: number
  droppedCount: number
}

/**
 * Decides which of the pool's events viewers see, and keeps them until the next tick.
 *
 * An event is told while the pool is in the middle of something, so nothing is serialised or sent then.
 * Statements, leases and quick acquires are not marks on a chart. Of every other kind five a second get
 * through: 10,000 callers that time out together are one sentence and one line, not 10,000 frames. The
 * numbers of all of them are in the ticks.
 */
export class EventGate {
  readonly #slowWaitMs: number
  readonly #kinds = new Map<string, Kind>()
  #admitted: AdmittedEvent[] = []
  #droppedCount = 0

  /** A granted acquire counts as slow from `slowWaitMs` on. */
  constructor(slowWaitMs: number) {
    this.#slowWaitMs = slowWaitMs
  }

  /** Events left out since start because there were too many of their kind. */
  get droppedCount(): number {
    return this.#droppedCount
  }

  offer(event: PoolEvent): void {
    const name = this.#kindOf(event)
    if (name === null) return
    const kind = this.#kindNamed(name)
    const secondAtMs = Math.floor(event.atMs / 1000) * 1000
    if (secondAtMs !== kind.secondAtMs) {
      kind.secondAtMs = secondAtMs
      kind.admittedCount = 0
    }
    if (kind.admittedCount >= EVENTS_PER_SECOND) {
      kind.droppedCount += 1
      this.#droppedCount += 1
      return
    }
    kind.admittedCount += 1
    this.#admitted.push({ event: clipTexts(event), droppedCount: kind.droppedCount })
    kind.droppedCount = 0
  }

  /** What was let through since the last call. */
  drain(): readonly AdmittedEvent[] {
    const admitted = this.#admitted
    this.#admitted = []
    return admitted
  }

  #kindOf(event: PoolEvent): string | null {
    switch (event.type) {
      case 'lease':
      case 'statement':
        return null
      case 'acquire':
        if (event.outcome === 'granted' && event.waitMs < this.#slowWaitMs) return null
        return `acquire ${event.outcome}`
      case 'connection.opened':
      case 'connection.closed':
      case 'leak':
      case 'capacity':
      case 'checkpoint':
      case 'starvation':
      case 'backpressure':
      case 'pool':
        return event.type
    }
  }

  #kindNamed(name: string): Kind {
    let kind = this.#kinds.get(name)
    if (kind === undefined) {
      kind = { secondAtMs: 0, admittedCount: 0, droppedCount: 0 }
      this.#kinds.set(name, kind)
    }
    return kind
  }
}
