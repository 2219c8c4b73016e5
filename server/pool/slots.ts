import type { PoolObserver } from '../../telemetry/events.ts'
import type { CloseReason, LaneStats } from '../../telemetry/stats.ts'
import { openFailure } from './acquire-failure.ts'
import type { Clock } from './clock.ts'
import type { Connection, OpenConnection } from './connection.ts'
import { diagnostics } from './diagnostics.ts'
import { errorCodeOf, messageOf } from './error-text.ts'
import type { HoldHost } from './hold.ts'
import { OpenBackOff } from './open-back-off.ts'
import { Slot, type SlotState, UNSTAMPED } from './slot.ts'
import { isDoneWithin } from './time-limit.ts'

/** What is wrong with a thread that does not end in this time, no further waiting mends. */
export const CLOSE_LIMIT_MS = 5000

/** A lifetime is shortened or lengthened by up to this share, so that not all end at once. */
const LIFETIME_JITTER = 0.1

export interface SlotsParts {
  readonly stats: LaneStats
  readonly observer: PoolObserver
  readonly clock: Clock
  readonly host: HoldHost
  readonly maxLifetimeMs: number
  readonly open: OpenConnection
  nextConnectionId(): number
  /** Callers that wait and may be served now. */
  wantedCount(): number
  /** A connection is open, clean, and nobody's. */
  onOpened(slot: Slot): void
  onOpenFailed(error: unknown): void
  /** A connection left; its lease may still be out. */
  onGone(slot: Slot): void
}

/**
 * The connections of one lane, from their opening to their closing.
 *
 * `idle + inUse + opening + resetting + zombie = size ≤ max`: a slot changes its state in `move` and nowhere else.
 */
export class Slots {
  readonly #parts: SlotsParts
  readonly #slots = new Set<Slot>()
  /** The most recently used last, and granted first: its cache is warm, and the others can idle out. */
  readonly #idle: Slot[] = []
  readonly #backOff: OpenBackOff
  /** Settled when no connection is being opened any more. */
  #opening: Promise<unknown> = Promise.resolve()
  /** Connections that have left and are not yet closed. */
  readonly #closings = new Set<Promise<unknown>>()
  /** Of these, those whose successor waits until they are closed. */
  #blockingCount = 0
  #generation = 0
  /** Whether any ever can: in most pools none does, and this is asked at each release. */
  #canRetire: boolean
  #isShut = false

  constructor(parts: SlotsParts) {
    this.#parts = parts
    this.#canRetire = parts.maxLifetimeMs > 0
    this.#backOff = new OpenBackOff(parts.clock, () => this.openMore())
  }

  [Symbol.iterator](): Iterator<Slot> {
    return this.#slots[Symbol.iterator]()
  }

  get isShut(): boolean {
    return this.#isShut
  }

  /** Why the last connection could not be opened, as long as none could. */
  get lastOpenError(): unknown {
    return this.#backOff.lastError
  }

  get canOpen(): boolean {
    return (
      !this.#isShut &&
      this.#slots.size < this.#parts.stats.max &&
      this.#blockingCount === 0 &&
      !this.#backOff.isWaiting
    )
  }

  /** Without any release there will be another connection. */
  get isGrowing(): boolean {
    const { stats } = this.#parts
    return stats.opening > 0 || this.canOpen || this.#backOff.isWaiting || this.#blockingCount > 0
  }

  takeIdle(): Slot | undefined {
    return this.#idle.pop()
  }

  rest(slot: Slot, nowMs: number): void {
    this.move(slot, 'idle', nowMs)
    this.#idle.push(slot)
  }

  move(slot: Slot, state: SlotState, nowMs: number): void {
    const { stats } = this.#parts
    count(stats, slot.state, -1)
    count(stats, state, 1)
    slot.state = state
    slot.sinceMs = nowMs
  }

  /** Where the numbers and the connections themselves disagree; `null` when they agree. */
  get disagreement(): string | null {
    const { stats } = this.#parts
    for (const state of ['idle', 'inUse', 'opening', 'resetting', 'zombie'] as const) {
      const count = [...this.#slots].filter((slot) => slot.state === state).length
      if (count !== stats[state]) {
        return `${stats.role}: ${count} connections are ${state}, and ${stats[state]} are counted`
      }
    }
    return null
  }

  /** Gives a moment to what happened without a reading of the clock. */
  stamp(nowMs: number): void {
    for (const slot of this.#slots) if (slot.sinceMs === UNSTAMPED) slot.sinceMs = nowMs
  }

  /** Why a connection that is free should not be used again; `null` when it should. */
  retirement(slot: Slot): CloseReason | null {
    if (!this.#canRetire) return null
    const { stats, clock } = this.#parts
    if (slot.generation < this.#generation || this.#slots.size > stats.max) return 'evicted'
    // Most have none, and then the clock is not read.
    const hasLifetime = slot.expiresMs < Number.POSITIVE_INFINITY
    return hasLifetime && clock.nowMs() >= slot.expiresMs ? 'lifetime' : null
  }

  /** Closes connections idle since before `sinceMs`, the longest idle first, down to the minimum. */
  evictIdle(sinceMs: number): void {
    while (this.#slots.size > this.#parts.stats.min) {
      const slot = this.#idle[0]
      // One that was given back in this turn has no moment yet.
      if (slot === undefined || slot.sinceMs === UNSTAMPED || slot.sinceMs > sinceMs) return
      void this.close(slot, 'idle')
    }
  }

  /** Closes what is idle and should not be used again. */
  evictRetired(): void {
    this.#canRetire = true
    for (const slot of this.#idle.slice()) {
      // Whoever hears of one that was closed may have acquired the next.
      const reason = slot.state === 'idle' ? this.retirement(slot) : null
      if (reason !== null) void this.close(slot, reason)
    }
    this.openMore()
  }

  /** Every connection of now is closed as soon as it is free. */
  nextGeneration(): void {
    this.#generation += 1
    this.evictRetired()
  }

  /** Opens up to the minimum. Rejects with the first that cannot be opened. */
  async openMinimum(): Promise<void> {
    const missing = this.#parts.stats.min - this.#slots.size
    await Promise.all(Array.from({ length: Math.max(missing, 0) }, () => this.#startOpening()))
  }

  /** Opens as many as are waited for and not on their way, and keeps the minimum. */
  openMore(): void {
    while (this.canOpen) {
      const { opening, resetting, min } = this.#parts.stats
      const isWanted = this.#parts.wantedCount() > opening + resetting || this.#slots.size < min
      if (!isWanted) return
      this.openOne()
    }
  }

  /** Opens one that nobody waits for; its failure is heard by `onOpenFailed`. */
  openOne(): void {
    this.#startOpening().catch(() => undefined)
  }

  /** Closes a connection that nobody may use again. */
  async close(slot: Slot, reason: CloseReason, error: unknown = null): Promise<void> {
    const { connection } = slot
    if (connection === null || slot.isGone) return
    this.#forget(slot)
    this.#tellClosed(slot, reason, error)
    const closing = connection.close().catch(() => undefined)
    this.#closings.add(closing)
    const closed = closing.then(() => this.#closings.delete(closing))
    // Whoever gave it back, and its successor, need not wait for ever for a thread that hangs.
    const waited = this.#isShut ? closed : isDoneWithin(this.#parts.clock, CLOSE_LIMIT_MS, closed)
    // Two writers on one file would meet in SQLite's lock and not in our line.
    const isBlocking = slot.role === 'writer' && !this.#isShut
    if (isBlocking) this.#block(waited)
    this.openMore()
    this.#parts.onGone(slot)
    await waited
  }

  /** Opens nothing more. */
  shut(): void {
    this.#isShut = true
  }

  /** Closes every connection. Resolves when all are closed, also those that had left before. */
  async closeAll(): Promise<void> {
    this.#isShut = true
    await this.#opening
    // Not before: an opening that failed has set it.
    this.#backOff.stop()
    for (const slot of this.#slots) void this.close(slot, 'shutdown')
    await Promise.all(this.#closings)
  }

  #block(closing: Promise<unknown>): void {
    this.#blockingCount += 1
    void closing.then(() => {
      this.#blockingCount -= 1
      this.openMore()
    })
  }

  #startOpening(): Promise<void> {
    const opening = this.#open()
    this.#opening = Promise.allSettled([this.#opening, opening])
    return opening
  }

  async #open(): Promise<void> {
    const { stats, clock, host, open } = this.#parts
    const startedMs = clock.nowMs()
    const slot = new Slot({
      id: this.#parts.nextConnectionId(),
      role: stats.role,
      host,
      sinceMs: startedMs,
      generation: this.#generation,
    })
    this.#slots.add(slot)
    stats.opening += 1
    let connection: Connection
    try {
      connection = await open(slot.role)
    } catch (error) {
      this.#forget(slot)
      stats.createMs.record(clock.nowMs() - startedMs, errorCodeOf(error))
      this.#backOff.fail(error)
      this.#parts.onOpenFailed(error)
      throw openFailure(error)
    }
    this.#opened(slot, connection, startedMs)
  }

  #opened(slot: Slot, connection: Connection, startedMs: number): void {
    const { stats, clock, observer, maxLifetimeMs } = this.#parts
    slot.connection = connection
    connection.onLost = (error) => this.#lose(slot, error)
    const nowMs = clock.nowMs()
    if (maxLifetimeMs > 0) slot.expiresMs = nowMs + maxLifetimeMs * jitter()
    stats.opened += 1
    stats.createMs.record(nowMs - startedMs)
    this.#backOff.succeed()
    observer.emit({
      type: 'connection.opened',
      role: slot.role,
      connectionId: slot.id,
      startedAtMs: clock.timeOriginMs + startedMs,
      createMs: nowMs - startedMs,
    })
    if (diagnostics.connectionOpened.hasSubscribers) {
      diagnostics.connectionOpened.publish({ connectionId: slot.id, role: slot.role })
    }
    // When the lane closes it waits for this opening, and then closes what was opened.
    if (!this.#isShut) this.#parts.onOpened(slot)
  }

  /** Its thread ended by itself. */
  #lose(slot: Slot, error: Error): void {
    if (slot.isGone) return
    // Its lease may be out, and from now on nobody else gives it a moment.
    this.stamp(this.#parts.clock.nowMs())
    this.#forget(slot)
    this.#tellClosed(slot, 'lost', error)
    // A thread that dies as soon as it starts must not be started without a pause.
    this.#backOff.fail(error)
    this.openMore()
    this.#parts.onGone(slot)
  }

  #tellClosed(slot: Slot, reason: CloseReason, error: unknown): void {
    const { stats, observer } = this.#parts
    stats.closed[reason] += 1
    const text = error === null ? null : messageOf(error)
    observer.emit({
      type: 'connection.closed',
      role: slot.role,
      connectionId: slot.id,
      reason,
      error: text,
    })
    if (diagnostics.connectionClosed.hasSubscribers) {
      diagnostics.connectionClosed.publish({ connectionId: slot.id, role: slot.role, reason })
    }
  }

  #forget(slot: Slot): void {
    const place = this.#idle.indexOf(slot)
    if (place >= 0) this.#idle.splice(place, 1)
    slot.isGone = true
    this.#slots.delete(slot)
    count(this.#parts.stats, slot.state, -1)
  }
}

/** A switch, because a property whose name is computed is looked up each time. */
function count(stats: LaneStats, state: SlotState, by: 1 | -1): void {
  switch (state) {
    case 'idle':
      stats.idle += by
      break
    case 'inUse':
      stats.inUse += by
      break
    case 'opening':
      stats.opening += by
      break
    case 'resetting':
      stats.resetting += by
      break
    case 'zombie':
      stats.zombie += by
  }
}

function jitter(): number {
  return 1 + (Math.random() * 2 - 1) * LIFETIME_JITTER
}
