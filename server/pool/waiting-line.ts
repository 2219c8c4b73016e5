import type { HolderRef, PoolObserver } from '../../telemetry/events.ts'
import type { AcquireFailure, LaneStats, PoolStats } from '../../telemetry/stats.ts'
import { acquireFailure } from './acquire-failure.ts'
import type { AcquireRequest } from './acquire-request.ts'
import { AlarmClock } from './alarm-clock.ts'
import type { Clock } from './clock.ts'
import type { Holder, PoolError } from './errors.ts'
import type { Hold } from './hold.ts'
import type { Lease } from './lease.ts'
import type { Scope } from './scope.ts'
import { Shedder } from './shedder.ts'
import { UNSTAMPED } from './slot.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'

/** Holders named to a waiter. */
const MAX_HOLDERS = 4

export interface WaitingLineParts {
  readonly lane: LaneStats
  readonly pool: PoolStats
  readonly observer: PoolObserver
  readonly clock: Clock
  /** 0: nobody is turned away because the line is slow. */
  readonly shedTargetMs: number
  /** Those who hold connections of the lane, oldest first. */
  holds(): readonly Hold[]
  /** Why the last connection could not be opened, as long as none could. */
  lastOpenError(): unknown
  /** Calls `stamp` at the end of this turn of the event loop. */
  stampSoon(): void
  /** Someone left the line without a lease. */
  onLeft(): void
}

/** How a wait ended with a lease. */
export interface Serving {
  readonly connectionId: number
  readonly hasOpened: boolean
  readonly releasedBy: HolderRef | null
}

/**
 * The callers that wait for one lane, and every way in which a wait ends. A waiter is settled by whoever
 * takes it out of the queue, once: grant, timeout, abort and close all begin with `#take`.
 */
export class WaitingLine {
  readonly #parts: WaitingLineParts
  readonly #queue = new WaiterQueue()
  readonly #deadlines: AlarmClock
  readonly #shedder: Shedder
  /** Why nobody is served now, where that is not the doing of whoever holds a connection. */
  #reason: (() => PoolError) | null = null
  #isRefusing = false
  /** Reasons for which nobody is served now. */
  #suspensionCount = 0
  /** Somebody waits who has one. */
  #hasPriorities = false
  /** Those who came before a barrier, and are served before it; `null` without one. */
  #before: Set<Waiter> | null = null

  constructor(parts: WaitingLineParts) {
    this.#parts = parts
    this.#deadlines = new AlarmClock(parts.clock, () => this.#expire())
    this.#shedder = new Shedder(parts.shedTargetMs)
  }

  get isEmpty(): boolean {
    return this.#queue.size === 0
  }

  /** Whoever is served next waits since a known moment, so that now must be known too. */
  get needsClock(): boolean {
    if (this.isEmpty) return false
    return this.#queue.head?.startedMs !== UNSTAMPED || this.#parts.shedTargetMs > 0
  }

  /** Whoever comes now must queue, although a connection may be idle. */
  get isHeldBack(): boolean {
    return this.#suspensionCount > 0 || this.#before !== null
  }

  /** Those who wait and may be served now: before a barrier only who came before it. */
  get wantedCount(): number {
    if (this.#suspensionCount > 0) return this.#nextExempt() === null ? 0 : 1
    return this.#before?.size ?? this.#queue.size
  }

  /** Nobody waits any more who came before the barrier. */
  get isBarrierReached(): boolean {
    return this.#before?.size === 0
  }

  [Symbol.iterator](): Iterator<Waiter> {
    return this.#queue[Symbol.iterator]()
  }

  /** From now on only those are served who are exempt, until `resume` was called as often. */
  suspend(): void {
    this.#suspensionCount += 1
  }

  resume(): void {
    this.#suspensionCount -= 1
  }

  /** From now on only those are served who wait already. */
  raiseBarrier(): void {
    this.#before = new Set(this.#queue)
  }

  lowerBarrier(): void {
    this.#before = null
  }

  /** Somebody was served without queueing. */
  servedAtOnce(): void {
    this.#parts.lane.waitMs.recordZero()
    this.#shedder.idle()
  }

  /** Queues a caller. The promise is settled by a grant or one of the failures. */
  join(request: AcquireRequest, scope: Scope | undefined): Promise<Lease> {
    const { lane, observer } = this.#parts
    lane.queueDepth.record(lane.waiting)
    const startedMs = this.#startOf(request)
    // Cheaper than a function with all this in its closure.
    const { promise, resolve, reject } = Promise.withResolvers<Lease>()
    const moment = { startedMs, queueDepth: lane.waiting, scope }
    const waiter = new Waiter(request, moment, resolve, reject)
    if (observer.isObserved) waiter.holders = this.#oldestHolders()
    this.#add(waiter)
    if (request.signal !== undefined) this.#listen(waiter, request.signal)
    return promise
  }

  /** Gives a moment to those who came without a reading of the clock, and looks after their deadlines. */
  stamp(nowMs: number): void {
    this.#queue.stamp(nowMs, ({ deadlineMs }) => this.#deadlines.ringBy(deadlineMs))
  }

  /** Takes the next waiter out, to be served in this same step; `null` when there is none to be served. */
  takeNext(nowMs: number): Waiter | null {
    for (;;) {
      const waiter = this.#next()
      if (waiter === null) return null
      if (!this.#shedder.refuses(waiter, nowMs)) {
        this.#take(waiter)
        return waiter
      }
      this.#refuse(waiter, 'shed')
    }
  }

  /** Hands the lease to a waiter that was taken out. Telling comes after it: nobody waits for telemetry. */
  serve(waiter: Waiter, lease: Lease, waitMs: number, serving: Serving | null): void {
    this.#parts.lane.waitMs.record(waitMs)
    waiter.resolve(lease)
    if (serving !== null) this.#tell(waiter, { outcome: 'granted', waitMs, ...serving })
  }

  /** Ends the oldest wait because no connection could be opened for it. */
  refuseOldest(cause: unknown): void {
    const waiter = this.#queue.head
    if (waiter !== null) this.#refuse(waiter, 'open_failed', { cause })
  }

  /** Ends every wait: the pool closes, or has failed for the reason given as the cause. */
  refuseAll(cause?: unknown): void {
    // From the head each time: whoever hears of a refusal may end other waits.
    for (let waiter = this.#queue.head; waiter !== null; waiter = this.#queue.head) {
      this.#refuse(waiter, 'pool_closed', { cause })
    }
  }

  /**
   * From now on whoever waits does because of this, and is told so if it waits in vain; with `null` no longer. With
   * `isRefused` every wait ends and nobody else is let in, but those who are exempt.
   */
  blame(reason: (() => PoolError) | null, isRefused: boolean): void {
    this.#reason = reason
    this.#isRefusing = isRefused
    if (reason === null || !isRefused) return
    const waiters = Array.from(this.#queue)
    for (const waiter of waiters) {
      if (!waiter.request.isExempt) this.#refuse(waiter, 'wal_full', { cause: reason() })
    }
  }

  /** Why a caller is not let in. */
  refusalOf(request: AcquireRequest): PoolError | null {
    if (this.#reason === null || request.isExempt) return null
    if (!this.#isRefusing && request.timeoutMs > 0) return null
    return this.turnAway('wal_full', request, this.#reason())
  }

  /** Everyone goes on waiting in another line, among those there as if they had come to it, until the same deadline. */
  moveTo(other: WaitingLine): void {
    const nowMs = this.#parts.clock.nowMs()
    // Those without a moment must be the last of a line, and two lines become one.
    this.stamp(nowMs)
    other.stamp(nowMs)
    const hasPriorities = this.#hasPriorities || other.#hasPriorities
    const [here, there] = [[...this.#queue], [...other.#queue]]
    for (const waiter of here) this.#take(waiter)
    for (const waiter of there) other.#take(waiter)
    // An empty line has forgotten it.
    other.#hasPriorities = hasPriorities
    for (const waiter of [...here, ...there].sort((a, b) => a.rankMs - b.rankMs)) {
      other.#add(waiter)
      if (waiter.request.signal !== undefined) other.#listen(waiter, waiter.request.signal)
    }
    this.#parts.onLeft()
  }

  /** Counts and tells a caller that is refused without queueing, and returns its error. */
  turnAway(failure: AcquireFailure, request: AcquireRequest, cause?: unknown): PoolError {
    this.#count(failure, 0)
    const { lane } = this.#parts
    const holders = this.#oldestHolders()
    this.#tell({ request, queueDepth: lane.waiting, holders }, { outcome: failure })
    return this.#describe(failure, { waitMs: 0, position: 0, cause })
  }

  #add(waiter: Waiter): void {
    this.#queue.push(waiter)
    this.#parts.lane.waiting += 1
    if (waiter.startedMs === UNSTAMPED) this.#parts.stampSoon()
    else this.#deadlines.ringBy(waiter.deadlineMs)
  }

  /** Only where it decides the place in the line the clock is read now. */
  #startOf({ priority }: AcquireRequest): number {
    const hasRank = priority !== 0 || this.#hasPriorities
    if (!hasRank) return UNSTAMPED
    this.#hasPriorities = true
    const nowMs = this.#parts.clock.nowMs()
    this.stamp(nowMs)
    return nowMs
  }

  #listen(waiter: Waiter, signal: AbortSignal): void {
    const onAbort = (): void => this.#refuse(waiter, 'aborted')
    signal.addEventListener('abort', onAbort, { once: true })
    waiter.stopListening = () => signal.removeEventListener('abort', onAbort)
  }

  #next(): Waiter | null {
    if (this.#suspensionCount > 0) return this.#nextExempt()
    if (this.#before === null) return this.#queue.head
    // They are in the order in which they are to be served.
    for (const waiter of this.#before) return waiter
    return null
  }

  #nextExempt(): Waiter | null {
    for (const waiter of this.#queue) if (waiter.request.isExempt) return waiter
    return null
  }

  #take(waiter: Waiter): boolean {
    if (!this.#queue.remove(waiter)) return false
    this.#parts.lane.waiting -= 1
    waiter.stopListening?.()
    this.#before?.delete(waiter)
    if (this.isEmpty) {
      this.#deadlines.stop()
      this.#hasPriorities = false
    }
    return true
  }

  #expire(): void {
    const nowMs = this.#parts.clock.nowMs()
    // First all, then their ends: whoever hears of one may end others, or join.
    const due: [waiter: Waiter, position: number][] = []
    let position = 0
    for (const waiter of this.#queue) {
      position += 1
      if (waiter.startedMs !== UNSTAMPED && waiter.deadlineMs <= nowMs) due.push([waiter, position])
    }
    for (const [waiter, position] of due) this.#expireOne(waiter, position)
    if (this.isEmpty) return
    let earliestMs = Number.POSITIVE_INFINITY
    for (const { startedMs, deadlineMs } of this.#queue) {
      if (startedMs !== UNSTAMPED) earliestMs = Math.min(earliestMs, deadlineMs)
    }
    this.#deadlines.ringBy(earliestMs)
  }

  #expireOne(waiter: Waiter, position: number): void {
    if (this.#reason === null || waiter.request.isExempt)
      this.#refuse(waiter, 'timeout', { position })
    else this.#refuse(waiter, 'wal_full', { position, cause: this.#reason() })
  }

  /** Ends a wait without a lease. Has no effect on a waiter that was just granted one. */
  #refuse(
    waiter: Waiter,
    failure: AcquireFailure,
    { position = 0, cause }: { readonly position?: number; readonly cause?: unknown } = {},
  ): void {
    if (!this.#take(waiter)) return
    const { request } = waiter
    const nowMs = this.#parts.clock.nowMs()
    this.stamp(nowMs)
    const waitMs = waiter.waitedMs(nowMs)
    this.#count(failure, waitMs)
    if (failure === 'aborted') waiter.reject(request.signal?.reason)
    else waiter.reject(this.#describe(failure, { waitMs, position, cause }))
    this.#tell(waiter, { outcome: failure, waitMs })
    this.#parts.onLeft()
  }

  #count(failure: AcquireFailure, waitMs: number): void {
    this.#parts.lane.failed[failure] += 1
    this.#parts.lane.waitMs.record(waitMs, failure)
  }

  #describe(
    failure: AcquireFailure,
    moment: { readonly waitMs: number; readonly position: number; readonly cause: unknown },
  ): PoolError {
    return acquireFailure(failure, {
      stats: this.#parts.lane,
      maxWaiters: this.#parts.pool.maxWaiters,
      holders: this.#oldest((hold, nowMs) => hold.toHolder(nowMs)),
      ...moment,
      cause: moment.cause ?? this.#parts.lastOpenError(),
    })
  }

  #oldestHolders(): readonly HolderRef[] {
    return this.#oldest((hold, nowMs) => hold.toRef(nowMs))
  }

  #oldest<T extends HolderRef | Holder>(show: (hold: Hold, nowMs: number) => T): readonly T[] {
    const nowMs = this.#parts.clock.nowMs()
    return this.#parts
      .holds()
      .slice(0, MAX_HOLDERS)
      .map((hold) => show(hold, nowMs))
  }

  #tell(
    waiter: Pick<Waiter, 'request' | 'queueDepth' | 'holders'>,
    end: {
      readonly outcome: 'granted' | AcquireFailure
      readonly waitMs?: number
    } & Partial<Serving>,
  ): void {
    const { lane, observer, clock } = this.#parts
    observer.emit({
      type: 'acquire',
      role: lane.role,
      outcome: end.outcome,
      startedAtMs: clock.timeOriginMs + clock.nowMs() - (end.waitMs ?? 0),
      waitMs: end.waitMs ?? 0,
      queueDepth: waiter.queueDepth,
      connectionId: end.connectionId ?? null,
      hasOpened: end.hasOpened ?? false,
      label: waiter.request.label,
      trace: waiter.request.trace,
      releasedBy: end.releasedBy ?? null,
      holders: waiter.holders,
    })
  }
}
