import type { HolderRef, PoolObserver } from '../../telemetry/events.ts'
import type { CloseReason, LaneStats, PoolStats } from '../../telemetry/stats.ts'
import type { AcquireRequest } from './acquire-request.ts'
import { openFailure } from './acquire-failure.ts'
import type { Clock } from './clock.ts'
import type { Connection, OpenConnection } from './connection.ts'
import { InvariantError, type PoolError } from './errors.ts'
import { Lease, type LeaseHost, type StatementReport } from './lease.ts'
import { OpenBackOff } from './open-back-off.ts'
import { holderRef, Slot, type SlotState } from './slot.ts'
import type { Waiter } from './waiter-queue.ts'
import { WaitingLine } from './waiting-line.ts'

const DONE = Promise.resolve()

/** What the lanes of one pool share. */
export interface LaneParts {
  readonly stats: PoolStats
  readonly observer: PoolObserver
  readonly clock: Clock
  readonly open: OpenConnection
  /** Counts up over both lanes, so that an id names one connection or lease of the pool. */
  nextConnectionId(): number
  nextLeaseId(): number
  /** Hears every change that can raise the number in use. */
  onGranted(): void
}

/**
 * The connections of one role and the callers that wait for them.
 *
 * Invariants, after every synchronous step:
 * - `idle + inUse + opening + resetting = size ≤ max`: a slot changes state in `#move` and nowhere else.
 * - Nobody waits while a connection is idle; a newcomer queues when anyone waits.
 * - A connection is clean before it is granted or idle.
 */
export class Lane implements LeaseHost {
  readonly stats: LaneStats
  readonly clock: Clock
  readonly #parts: LaneParts
  readonly #slots = new Set<Slot>()
  /** Leases that are out, in the order in which they were granted, so the oldest come first. */
  readonly #leases = new Map<Lease, Slot>()
  /** The most recently used last, and granted first: its cache is warm, and the others can idle out. */
  readonly #idle: Slot[] = []
  readonly #line: WaitingLine
  /** Settled when no connection is being opened any more. */
  #opening: Promise<unknown> = DONE
  /** Connections that have left the lane and are not yet closed. */
  readonly #closings = new Set<Promise<void>>()
  readonly #openBackOff: OpenBackOff
  #isClosed = false
  #whenDrained: (() => void) | undefined

  constructor(stats: LaneStats, parts: LaneParts) {
    this.stats = stats
    this.clock = parts.clock
    this.#parts = parts
    this.#openBackOff = new OpenBackOff(parts.clock, () => this.#openMore())
    this.#line = new WaitingLine({
      lane: stats,
      pool: parts.stats,
      observer: parts.observer,
      clock: parts.clock,
      holders: (limit) => this.holders(limit),
      lastOpenError: () => this.#openBackOff.lastError,
      onLeft: () => this.#noteDrained(),
    })
  }

  get slots(): ReadonlySet<Slot> {
    return this.#slots
  }

  get waiters(): Iterable<Waiter> {
    return this.#line
  }

  /** The oldest `limit` leases of this lane, oldest first. */
  holders(limit = Number.POSITIVE_INFINITY): HolderRef[] {
    const nowMs = this.clock.nowMs()
    const holders: HolderRef[] = []
    for (const lease of this.#leases.keys()) {
      if (holders.length >= limit) break
      holders.push(holderRef(lease, nowMs))
    }
    return holders
  }

  acquire(request: AcquireRequest): Promise<Lease> {
    if (this.#isClosed) return this.refuse(request)
    if (request.signal?.aborted === true) {
      this.#line.turnAway('aborted', request)
      return Promise.reject(request.signal.reason as Error)
    }
    const slot = this.#line.isEmpty ? this.#idle.pop() : undefined
    if (slot === undefined) return this.#wait(request)
    this.stats.waitMs.record(0)
    return Promise.resolve(this.#grant(slot, request, this.clock.nowMs()))
  }

  /** Refuses a caller that comes too late: the pool is closing. */
  refuse(request: AcquireRequest): Promise<never> {
    return Promise.reject(this.#line.turnAway('pool_closed', request))
  }

  /** Opens connections up to the minimum. Rejects with the first that cannot be opened. */
  async openMinimum(): Promise<void> {
    const missing = this.stats.min - this.#slots.size
    await Promise.all(Array.from({ length: Math.max(missing, 0) }, () => this.#startOpening()))
  }

  leaseEnded(lease: Lease, isDiscarded: boolean): Promise<void> {
    const slot = this.#leases.get(lease)
    if (slot === undefined) throw new InvariantError(`lease ${lease.id} ends twice`)
    const quiet = lease.whenQuiet()
    if (quiet !== undefined) return quiet.then(() => this.#takeBack(lease, slot, isDiscarded))
    return this.#takeBack(lease, slot, isDiscarded)
  }

  statementEnded(lease: Lease, report: StatementReport): void {
    const { error } = report
    const errorCode = error === undefined ? null : errorCodeOf(error)
    this.#parts.stats.operationMs.record(report.durationMs, errorCode ?? undefined)
    if (errorCode === null && lease.trace?.isSampled !== true) return
    this.#parts.observer.emit({
      type: 'statement',
      role: lease.role,
      connectionId: lease.connectionId,
      sql: report.sql,
      startedAtMs: this.#epochMs(report.startedMs),
      durationMs: report.durationMs,
      rowCount: report.rowCount,
      errorCode,
      trace: lease.trace,
    })
  }

  /** Closes connections idle since before `sinceMs`, the longest idle first, down to the minimum. */
  evictIdle(sinceMs: number): void {
    while (this.#slots.size > this.stats.min) {
      const slot = this.#idle[0]
      if (slot === undefined || slot.sinceMs > sinceMs) return
      this.#idle.shift()
      void this.#close(slot, 'idle')
    }
  }

  /** Resolves when nobody waits and every lease has ended. */
  drained(): Promise<void> {
    if (this.#isDrained) return DONE
    return new Promise((resolve) => (this.#whenDrained = resolve))
  }

  /** Rejects whoever still waits and revokes the leases that are out. New acquires are refused. */
  shut(reason: PoolError): void {
    this.#isClosed = true
    this.#line.refuseAll()
    for (const lease of this.#leases.keys()) lease.revoke(reason)
  }

  /**
   * Closes every connection; after `shut` and, for good manners, `drained`. Resolves when all are closed, also
   * those that had left the lane before.
   */
  async closeConnections(): Promise<void> {
    this.#isClosed = true
    await this.#opening
    // Not before: an opening that failed has set it.
    this.#openBackOff.stop()
    this.#idle.length = 0
    for (const slot of this.#slots) void this.#close(slot, 'shutdown')
    await Promise.all(this.#closings)
  }

  get #isDrained(): boolean {
    return this.#line.isEmpty && this.stats.inUse === 0 && this.stats.resetting === 0
  }

  #wait(request: AcquireRequest): Promise<Lease> {
    const { stats } = this.#parts
    const isQueueFull = stats.reader.waiting + stats.writer.waiting >= stats.maxWaiters
    if (isQueueFull && !this.#canOpen) {
      return Promise.reject(this.#line.turnAway('queue_full', request))
    }
    if (request.timeoutMs === 0) {
      // Else a pool whose callers never wait would never grow. The next one finds it.
      if (this.#canOpen && this.stats.opening === 0) this.#startOpening().catch(() => undefined)
      return Promise.reject(this.#line.turnAway('timeout', request))
    }
    const lease = this.#line.join(request)
    this.#openMore()
    return lease
  }

  #grant(slot: Slot, request: AcquireRequest, nowMs: number): Lease {
    const { connection } = slot
    if (connection === null) throw new InvariantError('a slot without a connection is granted')
    const ids = { id: this.#parts.nextLeaseId(), connectionId: slot.id, grantedMs: nowMs }
    const lease = new Lease(ids, request, { connection, host: this })
    slot.lease = lease
    this.#leases.set(lease, slot)
    slot.isFresh = false
    this.#move(slot, 'inUse', nowMs)
    this.stats.acquired += 1
    this.#parts.onGranted()
    return lease
  }

  /** Hands a clean connection to the oldest waiter, or lets it idle. */
  #supply(slot: Slot, releasedBy: Lease | null): void {
    const waiter = this.#line.takeOldest()
    const nowMs = this.clock.nowMs()
    if (waiter === null) {
      this.#move(slot, 'idle', nowMs)
      this.#idle.push(slot)
      this.#noteDrained()
      return
    }
    const hasOpened = slot.isFresh
    const lease = this.#grant(slot, waiter.request, nowMs)
    this.#line.serve(waiter, lease, {
      connectionId: slot.id,
      hasOpened,
      releasedBy: releasedBy === null ? null : holderRef(releasedBy, nowMs),
    })
  }

  #takeBack(lease: Lease, slot: Slot, isDiscarded: boolean): Promise<void> {
    const nowMs = this.clock.nowMs()
    const useMs = nowMs - lease.grantedMs
    this.#leases.delete(lease)
    this.stats.released += 1
    this.stats.useMs.record(useMs)
    this.#tellLease(lease, useMs)
    // Its thread ended while the lease was out: the lane has already counted it off.
    if (slot.isGone) return DONE
    slot.lease = null
    const connection = slot.connection!
    if (isDiscarded || this.#isClosed) {
      return this.#replace(slot, this.#isClosed ? 'shutdown' : 'discarded')
    }
    if (connection.inTransaction || connection.openCursorCount > 0 || connection.isAltered) {
      return this.#reset(slot, lease)
    }
    this.#supply(slot, lease)
    return DONE
  }

  #tellLease(lease: Lease, useMs: number): void {
    if (lease.trace?.isSampled !== true) return
    this.#parts.observer.emit({
      type: 'lease',
      role: lease.role,
      connectionId: lease.connectionId,
      leaseId: lease.id,
      startedAtMs: this.#epochMs(lease.grantedMs),
      useMs,
      statementCount: lease.statementCount,
      waiterCount: this.stats.waiting,
      label: lease.label,
      trace: lease.trace,
    })
  }

  async #reset(slot: Slot, releasedBy: Lease): Promise<void> {
    this.#move(slot, 'resetting', this.clock.nowMs())
    try {
      const { hadTransaction, openCursorCount } = await slot.connection!.reset()
      if (hadTransaction || openCursorCount > 0) this.stats.dirtyReleased += 1
    } catch (error) {
      await this.#replace(slot, 'error', error)
      return
    }
    if (!slot.isGone) this.#supply(slot, releasedBy)
  }

  /** Closes a connection that nobody may use again, and opens another if one is wanted. */
  async #replace(slot: Slot, reason: CloseReason, error: unknown = null): Promise<void> {
    const closed = this.#close(slot, reason, error)
    this.#openMore()
    this.#noteDrained()
    await closed
  }

  get #canOpen(): boolean {
    return !this.#isClosed && this.#slots.size < this.stats.max && !this.#openBackOff.isWaiting
  }

  /** Opens as many as are waited for and not on their way, and keeps the minimum. */
  #openMore(): void {
    while (this.#canOpen) {
      const { waiting, opening, resetting, min } = this.stats
      const isWanted = waiting > opening + resetting || this.#slots.size < min
      if (!isWanted) return
      this.#startOpening().catch(() => undefined)
    }
  }

  #startOpening(): Promise<void> {
    const opening = this.#open()
    this.#opening = Promise.allSettled([this.#opening, opening])
    return opening
  }

  async #open(): Promise<void> {
    const startedMs = this.clock.nowMs()
    const slot = new Slot({
      id: this.#parts.nextConnectionId(),
      role: this.stats.role,
      sinceMs: startedMs,
    })
    this.#slots.add(slot)
    this.stats.opening += 1
    let connection: Connection
    try {
      connection = await this.#parts.open(slot.role)
    } catch (error) {
      this.#forget(slot)
      this.stats.createMs.record(this.clock.nowMs() - startedMs, errorCodeOf(error))
      this.#openBackOff.fail(error)
      this.#line.refuseOldest(error)
      this.#noteDrained()
      throw openFailure(error)
    }
    this.#opened(slot, connection, startedMs)
  }

  #opened(slot: Slot, connection: Connection, startedMs: number): void {
    slot.connection = connection
    connection.onLost = (error) => this.#lose(slot, error)
    const createMs = this.clock.nowMs() - startedMs
    this.stats.opened += 1
    this.stats.createMs.record(createMs)
    this.#openBackOff.succeed()
    this.#parts.observer.emit({
      type: 'connection.opened',
      role: slot.role,
      connectionId: slot.id,
      startedAtMs: this.#epochMs(startedMs),
      createMs,
    })
    // When the lane closes it waits for this opening, and then closes what was opened.
    if (!this.#isClosed) this.#supply(slot, null)
  }

  /** Its thread ended by itself. */
  #lose(slot: Slot, error: Error): void {
    if (slot.isGone) return
    const index = this.#idle.indexOf(slot)
    if (index >= 0) this.#idle.splice(index, 1)
    this.#forget(slot)
    this.#tellClosed(slot, 'lost', error)
    // A thread that dies as soon as it starts must not be started without a pause.
    this.#openBackOff.fail(error)
    this.#openMore()
    this.#noteDrained()
  }

  async #close(slot: Slot, reason: CloseReason, error: unknown = null): Promise<void> {
    const { connection } = slot
    if (connection === null || slot.isGone) return
    this.#forget(slot)
    this.#tellClosed(slot, reason, error)
    const closing = connection.close().catch(() => undefined)
    this.#closings.add(closing)
    await closing
    this.#closings.delete(closing)
  }

  #tellClosed(slot: Slot, reason: CloseReason, error: unknown): void {
    this.stats.closed[reason] += 1
    this.#parts.observer.emit({
      type: 'connection.closed',
      role: slot.role,
      connectionId: slot.id,
      reason,
      error: error === null ? null : messageOf(error),
    })
  }

  #forget(slot: Slot): void {
    slot.isGone = true
    this.#slots.delete(slot)
    this.stats[slot.state] -= 1
  }

  #move(slot: Slot, state: SlotState, nowMs: number): void {
    this.stats[slot.state] -= 1
    this.stats[state] += 1
    slot.state = state
    slot.sinceMs = nowMs
  }

  #noteDrained(): void {
    if (this.#whenDrained === undefined || !this.#isDrained) return
    this.#whenDrained()
    this.#whenDrained = undefined
  }

  #epochMs(monoMs: number): number {
    return this.clock.timeOriginMs + monoMs
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function errorCodeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : 'Error'
}
