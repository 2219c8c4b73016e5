import type { HolderRef, PoolObserver } from '../../telemetry/events.ts'
import type { AcquireFailure, LaneStats, PoolStats } from '../../telemetry/stats.ts'
import { acquireFailure } from './acquire-failure.ts'
import type { AcquireRequest } from './acquire-request.ts'
import { AlarmClock } from './alarm-clock.ts'
import type { Clock } from './clock.ts'
import type { PoolError } from './errors.ts'
import type { Lease } from './lease.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'

/** Holders named to a waiter. */
const MAX_HOLDERS = 4

export interface WaitingLineParts {
  readonly lane: LaneStats
  readonly pool: PoolStats
  readonly observer: PoolObserver
  readonly clock: Clock
  /** The oldest `limit` leases of the lane, oldest first. */
  holders(limit: number): readonly HolderRef[]
  /** Why the last connection could not be opened, as long as none could. */
  lastOpenError(): unknown
  /** Someone left the line without a lease. */
  onLeft(): void
}

/** How one wait ended. */
export interface WaitEnd {
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

  constructor(parts: WaitingLineParts) {
    this.#parts = parts
    this.#deadlines = new AlarmClock(parts.clock, () => this.#expire())
  }

  get isEmpty(): boolean {
    return this.#queue.size === 0
  }

  [Symbol.iterator](): Iterator<Waiter> {
    return this.#queue[Symbol.iterator]()
  }

  /** Queues a caller. The promise is settled by a grant or one of the failures. */
  join(request: AcquireRequest): Promise<Lease> {
    const { lane, clock } = this.#parts
    lane.queueDepth.record(lane.waiting)
    return new Promise((resolve, reject) => {
      const waiter = new Waiter({
        request,
        startedMs: clock.nowMs(),
        resolve,
        reject,
        queueDepth: lane.waiting,
        holders: this.#oldestHolders(),
      })
      this.#queue.push(waiter)
      lane.waiting += 1
      this.#listen(waiter)
      this.#deadlines.ringBy(waiter.deadlineMs)
    })
  }

  /** Takes the oldest waiter out, to be served in this same step; `null` when nobody waits. */
  takeOldest(): Waiter | null {
    const waiter = this.#queue.head
    return waiter !== null && this.#take(waiter) ? waiter : null
  }

  /** Hands the lease to a waiter that was taken out. Telling comes after it: nobody waits for telemetry. */
  serve(waiter: Waiter, lease: Lease, end: WaitEnd): void {
    const waitMs = lease.grantedMs - waiter.startedMs
    this.#parts.lane.waitMs.record(waitMs)
    waiter.resolve(lease)
    this.#tell(waiter, { outcome: 'granted', waitMs, ...end })
  }

  /** Ends the oldest wait because no connection could be opened for it. */
  refuseOldest(cause: unknown): void {
    const waiter = this.#queue.head
    if (waiter !== null) this.#refuse(waiter, 'open_failed', { cause })
  }

  /** Ends every wait: the pool closes. */
  refuseAll(): void {
    // From the head each time: whoever hears of a refusal may end other waits.
    for (let waiter = this.#queue.head; waiter !== null; waiter = this.#queue.head) {
      this.#refuse(waiter, 'pool_closed')
    }
  }

  /** Counts and tells a caller that is refused without queueing, and returns its error. */
  turnAway(failure: AcquireFailure, request: AcquireRequest): PoolError {
    this.#count(failure, 0)
    const { lane, clock } = this.#parts
    const startedMs = clock.nowMs()
    const holders = this.#oldestHolders()
    this.#tell({ request, startedMs, queueDepth: lane.waiting, holders }, { outcome: failure })
    return this.#describe(failure, { waitMs: 0, position: 0, cause: undefined })
  }

  #listen(waiter: Waiter): void {
    const { signal } = waiter.request
    if (signal === undefined) return
    const onAbort = (): void => this.#refuse(waiter, 'aborted')
    signal.addEventListener('abort', onAbort, { once: true })
    waiter.stopListening = () => signal.removeEventListener('abort', onAbort)
  }

  #take(waiter: Waiter): boolean {
    if (!this.#queue.remove(waiter)) return false
    this.#parts.lane.waiting -= 1
    waiter.stopListening?.()
    if (this.isEmpty) this.#deadlines.stop()
    return true
  }

  #expire(): void {
    const nowMs = this.#parts.clock.nowMs()
    // First all, then their ends: whoever hears of one may end others, or join.
    const due: [waiter: Waiter, position: number][] = []
    let position = 0
    for (const waiter of this.#queue) {
      position += 1
      if (waiter.deadlineMs <= nowMs) due.push([waiter, position])
    }
    for (const [waiter, position] of due) this.#refuse(waiter, 'timeout', { position })
    if (this.isEmpty) return
    let earliestMs = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#queue) earliestMs = Math.min(earliestMs, deadlineMs)
    this.#deadlines.ringBy(earliestMs)
  }

  /** Ends a wait without a lease. Has no effect on a waiter that was just granted one. */
  #refuse(
    waiter: Waiter,
    failure: AcquireFailure,
    { position = 0, cause }: { readonly position?: number; readonly cause?: unknown } = {},
  ): void {
    if (!this.#take(waiter)) return
    const { request } = waiter
    const waitMs = this.#parts.clock.nowMs() - waiter.startedMs
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
      holders: this.#oldestHolders(),
      ...moment,
      cause: moment.cause ?? this.#parts.lastOpenError(),
    })
  }

  #oldestHolders(): readonly HolderRef[] {
    return this.#parts.holders(MAX_HOLDERS)
  }

  #tell(
    waiter: Pick<Waiter, 'request' | 'startedMs' | 'queueDepth' | 'holders'>,
    end: {
      readonly outcome: 'granted' | AcquireFailure
      readonly waitMs?: number
    } & Partial<WaitEnd>,
  ): void {
    const { lane, observer, clock } = this.#parts
    observer.emit({
      type: 'acquire',
      role: lane.role,
      outcome: end.outcome,
      startedAtMs: clock.timeOriginMs + waiter.startedMs,
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
