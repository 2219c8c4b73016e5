import type { HolderRef, PoolObserver } from '../../telemetry/events.ts'
import type { LaneStats, PoolStats } from '../../telemetry/stats.ts'
import type { AcquireRequest } from './acquire-request.ts'
import type { CapacityWatch } from './capacity-watch.ts'
import type { Clock } from './clock.ts'
import type { OpenConnection } from './connection.ts'
import { diagnostics } from './diagnostics.ts'
import { errorCodeOf } from './error-text.ts'
import { InvariantError, type PoolError } from './errors.ts'
import { Hold, type HoldHost, type HoldLimits, type StatementReport } from './hold.ts'
import { leaseEvent, statementEvent } from './lease-events.ts'
import { Lease } from './lease.ts'
import type { Scope } from './scope.ts'
import { currentScope } from './scope.ts'
import { type Slot, UNSTAMPED } from './slot.ts'
import { Slots } from './slots.ts'
import { isDoneWithin } from './time-limit.ts'
import type { Waiter } from './waiter-queue.ts'
import { WaitingLine } from './waiting-line.ts'

const DONE = Promise.resolve()

/** A connection that takes longer to be cleaned is closed: its place must not be lost to it. */
export const RESET_LIMIT_MS = 5000

/** What the lanes of one pool share. */
export interface LaneParts {
  readonly stats: PoolStats
  readonly observer: PoolObserver
  readonly clock: Clock
  readonly open: OpenConnection
  readonly limits: HoldLimits
  readonly maxLifetimeMs: number
  readonly shedTargetMs: number
  /** Counts up over both lanes, so that an id names one connection or lease of the pool. */
  nextConnectionId(): number
  nextLeaseId(): number
  readonly capacity: CapacityWatch
  /** Whether a caller inside `scope` would wait for itself. */
  isDeadlock(lane: Lane, scope: Scope): boolean
  /** The clock was read: in every lane what has no moment yet gets this one. */
  stamp(nowMs: number): void
  /** Told when a lease is collected as garbage. */
  readonly forgotten: FinalizationRegistry<Hold>
}

/**
 * The connections of one role and the callers that wait for them.
 *
 * Invariants, after every synchronous step:
 * - `idle + inUse + opening + resetting + zombie = size ≤ max`; see `Slots`.
 * - Nobody waits while a connection is idle, unless the lane is held back; a newcomer queues when anyone waits.
 * - A connection is clean before it is granted or idle.
 *
 * A grant, a release, and the beginning of a wait get their moment when the clock is next read, for a statement for
 * instance, and at the end of the turn of the event loop at the latest: reading it each time would cost as much as all
 * the rest. What begins and ends within one turn, with no statement in between, has taken 0 ms.
 */
export class Lane implements HoldHost {
  readonly stats: LaneStats
  readonly clock: Clock
  readonly limits: HoldLimits
  readonly #parts: LaneParts
  readonly #slots: Slots
  readonly #line: WaitingLine
  /** Leases whose connection was lost. */
  readonly #orphans = new Set<Hold>()
  #isStampDue = false
  #barrier: Hold | null = null
  /** Hears whether the barrier is reached, whenever that may have changed; until it is. */
  #onBarrier: ((isReached: boolean) => void) | undefined
  #whenDrained: (() => void) | undefined

  constructor(stats: LaneStats, parts: LaneParts) {
    this.stats = stats
    this.clock = parts.clock
    this.limits = parts.limits
    this.#parts = parts
    const { observer, clock } = parts
    this.#slots = new Slots({
      stats,
      observer,
      clock,
      host: this,
      maxLifetimeMs: parts.maxLifetimeMs,
      open: parts.open,
      nextConnectionId: () => parts.nextConnectionId(),
      wantedCount: () => this.#line.wantedCount,
      onOpened: (slot) => this.#supply(slot, null, this.clock.nowMs()),
      onOpenFailed: (error) => {
        this.#line.refuseOldest(error)
        this.#noteQuiet()
      },
      onGone: ({ hold }) => {
        if (hold !== null) this.#orphans.add(hold)
        this.#noteQuiet()
      },
    })
    this.#line = new WaitingLine({
      lane: stats,
      pool: parts.stats,
      observer,
      clock,
      shedTargetMs: parts.shedTargetMs,
      holds: () => this.holds(),
      lastOpenError: () => this.#slots.lastOpenError,
      stampSoon: () => this.#stampSoon(),
      onLeft: () => this.#noteQuiet(),
    })
  }

  get slots(): Iterable<Slot> {
    return this.#slots
  }

  /** What is wrong with the pool's own accounting; `null` as it should be. */
  get disagreement(): string | null {
    return this.#slots.disagreement
  }

  get waiters(): Iterable<Waiter> {
    return this.#line
  }

  /** A connection will become free without anyone giving one back. */
  get canMove(): boolean {
    const { idle, resetting, zombie } = this.stats
    if (this.#barrier === null) return idle + resetting + zombie > 0 || this.#slots.isGrowing
    // Behind a barrier only those are served who came before it, and none when it is reached.
    const isSomebodyBefore = !this.#line.isBarrierReached
    return (
      this.raisedBy !== null &&
      (resetting + zombie > 0 || (isSomebodyBefore && this.#slots.isGrowing))
    )
  }

  /** Whose barrier waits for the readers; `null` when there is none, or it is reached. */
  get raisedBy(): Hold | null {
    return this.#onBarrier === undefined ? null : this.#barrier
  }

  /** Who holds connections of this lane, the oldest first; during a barrier whoever raised it. */
  holds(): Hold[] {
    const holds = [...this.#orphans]
    if (this.#barrier !== null) holds.push(this.#barrier)
    for (const { hold } of this.#slots) if (hold !== null) holds.push(hold)
    return holds.sort((a, b) => a.id - b.id)
  }

  acquire(request: AcquireRequest): Promise<Lease> {
    if (this.#slots.isShut) return this.refuse(request)
    if (request.signal?.aborted === true) {
      this.#line.turnAway('aborted', request)
      return Promise.reject(request.signal.reason as Error)
    }
    const lease = this.#takeIdle(request)
    if (lease !== null) return Promise.resolve(lease)
    const refusal = this.#line.refusalOf(request)
    return refusal === null ? this.#wait(request) : Promise.reject(refusal)
  }

  /** A lease at once, or `null`. */
  tryAcquire(request: AcquireRequest): Lease | null {
    if (this.#slots.isShut) return null
    return this.#takeIdle(request) ?? this.#growForNext()
  }

  /** Refuses a caller that comes too late: the pool is closing, or has failed with `cause`. */
  refuse(request: AcquireRequest, cause?: unknown): Promise<never> {
    return Promise.reject(this.#line.turnAway('pool_closed', request, cause))
  }

  openMinimum(): Promise<void> {
    return this.#slots.openMinimum()
  }

  end(hold: Hold, isDiscarded: boolean): Promise<void> {
    if (hold.isReleased) throw new InvariantError(`lease ${hold.id} ends twice`)
    hold.isReleased = true
    // Of a lease that was taken away nobody can wait for the answers.
    const quiet = hold.revocation === undefined ? hold.whenQuiet() : undefined
    const ending =
      quiet === undefined
        ? this.#takeBack(hold, isDiscarded)
        : this.#takeBackAfter(quiet, hold, isDiscarded)
    hold.ending = ending
    return ending
  }

  revoke(hold: Hold, reason: PoolError): void {
    if (hold.isReleased) {
      // It waits for a call that is still sent again and again.
      if (hold.slot.hold === hold) hold.revocation ??= reason
      return
    }
    hold.revocation = reason
    this.stats.revoked += 1
    for (const stop of hold.calls?.stops ?? []) stop.revoked(reason)
    void this.end(hold, false)
    hold.onRevoked?.(reason)
  }

  statementEnded(hold: Hold, report: StatementReport): void {
    const { error } = report
    const errorCode = error === undefined ? null : errorCodeOf(error)
    this.#parts.stats.operationMs.record(report.durationMs, errorCode ?? undefined)
    if (errorCode === null && hold.trace?.isSampled !== true) return
    this.#parts.observer.emit(statementEvent(hold, report, errorCode))
  }

  stamp(nowMs: number): void {
    this.#parts.stamp(nowMs)
  }

  /** Gives a moment to what happened in this lane without a reading of the clock. */
  stampOwn(nowMs: number): void {
    this.#slots.stamp(nowMs)
    this.#line.stamp(nowMs)
  }

  /** Closes connections idle since before `sinceMs`, the longest idle first, down to the minimum. */
  evictIdle(sinceMs: number): void {
    this.#slots.evictIdle(sinceMs)
  }

  /** Closes idle connections that are past their lifetime. */
  evictRetired(): void {
    this.#slots.evictRetired()
  }

  /** Every connection of now is closed as soon as it is free, and replaced when one is wanted. */
  evictAll(): void {
    this.#slots.nextGeneration()
  }

  /** Connections above a lower maximum are closed as they are given back. */
  resize(limits: { readonly min: number; readonly max: number }): void {
    this.stats.min = limits.min
    this.stats.max = limits.max
    this.#parts.capacity.resized()
    this.#slots.evictRetired()
  }

  /** Whoever waits here goes on waiting in `other`. */
  moveWaitersTo(other: Lane): void {
    this.#line.moveTo(other.#line)
    other.#serve()
  }

  /** Nobody is served, for one more reason. */
  suspend(): void {
    this.#line.suspend()
  }

  /** For one reason less. */
  resume(): void {
    this.#line.resume()
    this.#serve()
  }

  /** Why nobody is served, as long as it is so; and whether those who wait, and who come, are refused for it. */
  blame(reason: (() => PoolError) | null, isRefused: boolean): void {
    this.#line.blame(reason, isRefused)
  }

  /**
   * Serves those who wait already, and nobody after them, on behalf of `hold`. Resolves when all of them have
   * given their connections back; `onWaiting` is told now, and each time one has while others have not.
   */
  raiseBarrier(hold: Hold, onWaiting: () => void): Promise<void> {
    this.#barrier = hold
    this.#line.raiseBarrier()
    return new Promise((resolve) => {
      this.#onBarrier = (isReached) => (isReached ? resolve() : onWaiting())
      this.#noteQuiet()
    })
  }

  lowerBarrier(): void {
    this.#barrier = null
    this.#onBarrier = undefined
    this.#line.lowerBarrier()
    this.#serve()
  }

  /** Resolves when nobody waits and every lease has ended. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenDrained = resolve
      this.#noteQuiet()
    })
  }

  /** Rejects whoever waits; with the cause where there is one. */
  refuseWaiters(cause?: unknown): void {
    this.#line.refuseAll(cause)
  }

  /** Rejects whoever still waits and revokes the leases that are out. New acquires are refused. */
  shut(reason: PoolError): void {
    this.#slots.shut()
    this.#line.refuseAll(reason)
    for (const hold of this.holds()) if (hold.host === this) this.revoke(hold, reason)
  }

  /** Closes every connection; after `shut`. Resolves when all are closed, also those that had left before. */
  closeConnections(): Promise<void> {
    return this.#slots.closeAll()
  }

  #takeIdle(request: AcquireRequest): Lease | null {
    if (!request.isExempt && (!this.#line.isEmpty || this.#line.isHeldBack)) return null
    const slot = this.#slots.takeIdle()
    if (slot === undefined) return null
    this.#line.servedAtOnce()
    // A span needs the moment itself.
    const nowMs = request.trace?.isSampled === true ? this.clock.nowMs() : UNSTAMPED
    const lease = this.#grant(slot, request, nowMs)
    this.#parts.capacity.granted()
    return lease
  }

  #wait(request: AcquireRequest): Promise<Lease> {
    const { stats } = this.#parts
    const isQueueFull = stats.reader.waiting + stats.writer.waiting >= stats.maxWaiters
    // While the lane is held back none is opened for a newcomer.
    if (isQueueFull && (this.#line.isHeldBack || !this.#slots.canOpen)) {
      return Promise.reject(this.#line.turnAway('queue_full', request))
    }
    if (request.timeoutMs === 0) {
      this.#growForNext()
      return Promise.reject(this.#line.turnAway('timeout', request))
    }
    const scope = currentScope()
    if (scope !== undefined && this.#parts.isDeadlock(this, scope)) {
      return Promise.reject(this.#line.turnAway('deadlock', request))
    }
    const lease = this.#line.join(request, scope)
    this.#slots.openMore()
    return lease
  }

  /** Else a pool whose callers never wait would never grow. */
  #growForNext(): null {
    if (this.#slots.canOpen && this.stats.opening === 0) this.#slots.openOne()
    return null
  }

  #grant(slot: Slot, request: AcquireRequest, nowMs: number): Lease {
    const hold = new Hold(this.#parts.nextLeaseId(), slot, request)
    const lease = new Lease(hold)
    slot.hold = hold
    slot.isFresh = false
    this.#slots.move(slot, 'inUse', nowMs)
    if (nowMs === UNSTAMPED) this.#stampSoon()
    if (request.canBeForgotten) this.#parts.forgotten.register(lease, hold, hold)
    this.stats.acquired += 1
    return lease
  }

  /** Hands a clean connection to whoever is next, or lets it idle. */
  #supply(slot: Slot, releasedBy: HolderRef | null, nowMs: number): void {
    const retirement = this.#slots.retirement(slot)
    if (retirement !== null) return void this.#slots.close(slot, retirement)
    const waiter = this.#line.isEmpty ? null : this.#line.takeNext(nowMs)
    if (waiter === null) this.#rest(slot, nowMs)
    else this.#hand(slot, waiter, { releasedBy, nowMs })
  }

  #hand(
    slot: Slot,
    waiter: Waiter,
    { releasedBy, nowMs }: { readonly releasedBy: HolderRef | null; readonly nowMs: number },
  ): void {
    const hasOpened = slot.isFresh
    const lease = this.#grant(slot, waiter.request, nowMs)
    if (nowMs !== UNSTAMPED) slot.hold!.deadlineMs = waiter.deadlineMs
    const serving = this.#parts.observer.isObserved
      ? { connectionId: slot.id, hasOpened, releasedBy }
      : null
    this.#line.serve(waiter, lease, waiter.waitedMs(nowMs), serving)
    this.#parts.capacity.granted()
  }

  /** Whoever was held back gets what is idle. */
  #serve(): void {
    const nowMs = this.clock.nowMs()
    while (!this.#line.isEmpty) {
      const slot = this.#slots.takeIdle()
      if (slot === undefined) break
      const waiter = this.#line.takeNext(nowMs)
      if (waiter === null) {
        this.#slots.rest(slot, nowMs)
        break
      }
      this.#hand(slot, waiter, { releasedBy: null, nowMs })
    }
    this.#slots.openMore()
  }

  #rest(slot: Slot, nowMs: number): void {
    this.#slots.rest(slot, nowMs)
    if (nowMs === UNSTAMPED) this.#stampSoon()
    this.#noteQuiet()
  }

  #takeBack(hold: Hold, isDiscarded: boolean): Promise<void> {
    const { slot } = hold
    // Held within one turn without a statement, and nobody waits for longer: there is nothing to measure.
    const isInstant = slot.sinceMs === UNSTAMPED && !this.#line.needsClock
    const nowMs = isInstant ? UNSTAMPED : this.clock.nowMs()
    this.#countRelease(hold, nowMs)
    // Before it is anyone else's.
    const isTold = !this.#line.isEmpty && this.#parts.observer.isObserved
    const releasedBy = isTold ? hold.toRef(nowMs) : null
    slot.hold = null
    // Its thread ended while the lease was out: the lane has already counted it off.
    if (slot.isGone) {
      this.#orphans.delete(hold)
      return DONE
    }
    if (hold.pendingCount > 0 && !isDiscarded) return this.#bury(slot, hold)
    if (isDiscarded || this.#slots.isShut) {
      return this.#slots.close(slot, this.#slots.isShut ? 'shutdown' : 'discarded')
    }
    if (slot.isDirty) return this.#reset(hold, releasedBy)
    this.#supply(slot, releasedBy, nowMs)
    return DONE
  }

  async #takeBackAfter(quiet: Promise<void>, hold: Hold, isDiscarded: boolean): Promise<void> {
    await quiet
    await this.#takeBack(hold, isDiscarded)
  }

  #countRelease(hold: Hold, nowMs: number): void {
    const useMs = nowMs === UNSTAMPED ? 0 : hold.slot.ageMs(nowMs)
    if (hold.request.canBeForgotten) this.#parts.forgotten.unregister(hold)
    hold.transaction?.watch?.stop()
    this.stats.released += 1
    if (useMs === 0) this.stats.useMs.recordZero()
    else this.stats.useMs.record(useMs)
    if (hold.trace?.isSampled === true) {
      this.#parts.observer.emit(leaseEvent(hold, { useMs, waiterCount: this.stats.waiting }))
    }
    if (diagnostics.leaseReleased.hasSubscribers) {
      const { id: connectionId } = hold.slot
      diagnostics.leaseReleased.publish({ leaseId: hold.id, connectionId, useMs })
    }
  }

  /** Nothing can stop what SQLite still runs for a holder who has left; the connection comes back after it. */
  #bury(slot: Slot, hold: Hold): Promise<void> {
    this.#slots.move(slot, 'zombie', this.clock.nowMs())
    slot.buried = hold
    hold.calls!.onAnswered = () => {
      if (slot.isGone) return
      void (this.#slots.isShut ? this.#slots.close(slot, 'shutdown') : this.#reset(hold, null))
    }
    return DONE
  }

  async #reset(hold: Hold, releasedBy: HolderRef | null): Promise<void> {
    const { slot } = hold
    slot.buried = null
    // A transaction that the pool began and could not end is nobody's fault.
    const isOurs = hold.transaction !== null
    this.#slots.move(slot, 'resetting', this.clock.nowMs())
    let failure: unknown = null
    try {
      const reset = slot.connection!.reset().then(({ hadTransaction, openCursorCount }) => {
        if ((hadTransaction && !isOurs) || openCursorCount > 0) this.stats.dirtyReleased += 1
      })
      if (!(await isDoneWithin(this.clock, RESET_LIMIT_MS, reset))) {
        failure = new Error(`the reset took longer than ${RESET_LIMIT_MS} ms`)
      }
    } catch (error) {
      failure = error
    }
    if (slot.isGone) return
    if (failure !== null) await this.#slots.close(slot, 'error', failure)
    else this.#supply(slot, releasedBy, this.clock.nowMs())
  }

  #stampSoon(): void {
    if (this.#isStampDue) return
    this.#isStampDue = true
    this.clock.atEndOfTurn(this.#stampNow)
  }

  /** Made once: a function that has a closure in it makes it at each call, also when it returns before. */
  readonly #stampNow = (): void => {
    this.#isStampDue = false
    this.#parts.stamp(this.clock.nowMs())
  }

  #noteQuiet(): void {
    if (this.#onBarrier === undefined && this.#whenDrained === undefined) return
    const { inUse, resetting, zombie } = this.stats
    const isFree = inUse + resetting + zombie === 0
    if (isFree && this.#line.isEmpty) this.#whenDrained?.()
    const onBarrier = this.#onBarrier
    const isReached = isFree && this.#line.isBarrierReached
    if (isReached) this.#onBarrier = undefined
    onBarrier?.(isReached)
  }
}
