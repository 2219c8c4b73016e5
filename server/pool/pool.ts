import type { HolderRef, PoolObserver, PoolState } from '../../telemetry/events.ts'
import type { ConnectionRow, WaiterRow } from '../../telemetry/protocol.ts'
import type { PoolStats, Role } from '../../telemetry/stats.ts'
import type { AcquireMode, AcquireRequest, CallOptions, ScopeOptions } from './acquire-request.ts'
import { connectionRows, waiterRows } from './activity.ts'
import { assertReadsNothing, behindBarrier } from './barrier.ts'
import { callBatch } from './call-batch.ts'
import type { CallSite } from './call-site.ts'
import { CapacityWatch } from './capacity-watch.ts'
import { assertAge, assertFunction, invalid, wrongTimeout } from './check-call.ts'
import type { Clock } from './clock.ts'
import { CLOSE_TIMEOUT_MS, closePool, type CloseOptions, type PoolHooks } from './closing.ts'
import type {
  BatchResult,
  BatchStatement,
  BindArguments,
  OpenConnection,
  Row,
  RunResult,
} from './connection.ts'
import { isDeadlock } from './deadlock.ts'
import { diagnostics, traced } from './diagnostics.ts'
import { PoolError } from './errors.ts'
import type { Hold } from './hold.ts'
import { Housekeeper } from './housekeeper.ts'
import { Lane } from './lane.ts'
import { Lease, type LeaseCallOptions } from './lease.ts'
import { LogSide } from './log-side.ts'
import { assertSize, type ResolvedPoolOptions } from './options.ts'
import { NO_OPTIONS, Requests } from './requests.ts'
import { currentScope, nest, runScope, type Scope } from './scope.ts'
import { begin, inTransaction, isConflict, type TransactionKind } from './transaction.ts'

export type { CloseOptions, PoolHooks } from './closing.ts'

export interface PoolParts {
  readonly options: Pick<
    ResolvedPoolOptions,
    | 'acquireTimeoutMs'
    | 'idleInTransactionTimeoutMs'
    | 'idleTimeoutMs'
    | 'leakReclaimMs'
    | 'leakThresholdMs'
    | 'maxBytes'
    | 'maxLifetimeMs'
    | 'maxRows'
    | 'minReaders'
    | 'shedTargetMs'
    | 'statementTimeoutMs'
    | 'transactionTimeoutMs'
  >
  /** Written by the pool, read by everyone. */
  readonly stats: PoolStats
  readonly observer: PoolObserver
  readonly clock: Clock
  readonly open: OpenConnection
  readonly hooks?: PoolHooks
}

type ScopeFunction<T> = (db: Lease) => T | Promise<T>

/** One call of a scope. */
interface ScopeCall<T> {
  readonly kind: TransactionKind | null
  readonly mode: AcquireMode
  readonly fn: ScopeFunction<T>
  readonly site: CallSite | null
}

/**
 * Who gets which connection, and when. It knows a `Connection`, not SQLite, and telemetry as types only.
 *
 * - Two lanes: one writer, many readers. With a size of 1 the writer serves both.
 * - First come, first served, within each lane and priority. A released connection goes straight to whoever is next.
 * - An acquire that fails has started nothing: its error says `outcome: 'not_started'`.
 * - `close()` settles every promise that the pool has given out.
 */
export class Pool {
  readonly #parts: PoolParts
  readonly #reader: Lane
  readonly #writer: Lane
  readonly #housekeeper: Housekeeper
  readonly #requests: Requests
  /** For whoever looks after the write-ahead log. */
  protected readonly logSide: LogSide
  #state: PoolState = 'starting'
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #failure: PoolError | undefined
  #connectionCount = 0
  #leaseCount = 0

  constructor(parts: PoolParts) {
    this.#parts = parts
    const { stats, observer, clock, open, options } = parts
    const capacity = new CapacityWatch({ stats, observer, clock })
    const laneParts = {
      stats,
      observer,
      clock,
      open,
      limits: { ...options, looksForLeaks: options.leakThresholdMs > 0 },
      maxLifetimeMs: options.maxLifetimeMs,
      shedTargetMs: options.shedTargetMs,
      nextConnectionId: () => (this.#connectionCount += 1),
      nextLeaseId: () => (this.#leaseCount += 1),
      capacity,
      stamp: (nowMs: number) => {
        this.#writer.stampOwn(nowMs)
        this.#reader.stampOwn(nowMs)
      },
      isDeadlock: (lane: Lane, scope: Scope) => isDeadlock(lane, scope, this.#lanes),
      forgotten: new FinalizationRegistry<Hold>((hold) => this.#housekeeper.forgotten(hold)),
    }
    this.#writer = new Lane(stats.writer, laneParts)
    this.#reader = new Lane(stats.reader, laneParts)
    this.#housekeeper = new Housekeeper({ lanes: this.#lanes, capacity, observer, clock }, options)
    this.#requests = new Requests(observer, options)
    const [writer, reader] = this.#lanes
    this.logSide = new LogSide({ writer, reader, requests: this.#requests, clock })
  }

  get state(): PoolState {
    return this.#state
  }

  /**
   * Opens the writer, then the readers that always stay open. Closes everything again when one fails.
   * Every call gets the same promise.
   *
   * @throws {POOL_OPEN_FAILED} with the reason as its cause
   * @throws {POOL_CLOSED} `close()` was called meanwhile
   */
  async open(): Promise<void> {
    this.#opening ??= this.#openInOrder()
    try {
      await this.#opening
    } catch (error) {
      // Why it could not be opened says more than that closing it took too long.
      await this.close({ timeoutMs: 0 }).catch(() => undefined)
      throw error
    }
  }

  /**
   * A lease of your own, to be released by you: `await using lease = await pool.acquire()`.
   *
   * @throws {POOL_ACQUIRE_TIMEOUT} nothing became free in time
   * @throws {POOL_QUEUE_FULL} too many wait already
   * @throws {POOL_OVERLOADED} the line has been slow for too long; only with `shedTargetMs`
   * @throws {POOL_DEADLOCK} only the caller itself could give one back
   * @throws {POOL_OPEN_FAILED} a connection was needed and could not be opened
   * @throws {POOL_CLOSED} after `close()`
   * @throws {DB_REPLACED} the file is no longer the one that was opened
   * @throws `signal.reason` when the signal was aborted before there was a connection
   */
  acquire(options: CallOptions = NO_OPTIONS): Promise<Lease> {
    try {
      return this.#acquire(this.#requests.ofLease(options), options.mode ?? 'read')
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  /** A lease of your own if one is free now, else `null`. It never waits, and fails only for a wrong option. */
  tryAcquire(options: Omit<CallOptions, 'timeoutMs' | 'priority'> = NO_OPTIONS): Lease | null {
    const request = this.#requests.ofLease(options)
    return this.#refusal === null ? this.#laneOf(options.mode ?? 'read').tryAcquire(request) : null
  }

  /**
   * Gives a lease back.
   *
   * @throws {LEASE_RELEASED} it was given back before
   * @throws {LEASE_FOREIGN} it is not a lease of this pool
   */
  async release(lease: Lease): Promise<void> {
    const host = Lease.holdOf(lease)?.host
    if (host === undefined || (host !== this.#writer && host !== this.#reader)) {
      throw new PoolError('LEASE_FOREIGN', 'this is not a lease of this pool', {
        hint: 'release what acquire() of the same pool returned',
      })
    }
    await lease.release()
  }

  /** Several statements on one connection: it is released when what `fn` returns has settled. */
  async withConnection<T>(fn: ScopeFunction<T>, options: ScopeOptions = NO_OPTIONS): Promise<T> {
    const mode = options.mode ?? 'read'
    return this.#scoped({ kind: null, mode, fn, site: this.#requests.site() }, options)
  }

  /** As `withConnection`, in one transaction on a reader: everything that `fn` reads is of one moment. */
  async read<T>(fn: ScopeFunction<T>, options: ScopeOptions = NO_OPTIONS): Promise<T> {
    return this.#scoped(
      { kind: 'snapshot', mode: 'read', fn, site: this.#requests.site() },
      options,
    )
  }

  /**
   * As `read`, of a moment after every write that was asked for before, also those that still wait or run; of those
   * that wait, the ones with the same or a higher `priority`.
   */
  async readAfterWrite<T>(fn: ScopeFunction<T>, options: CallOptions = NO_OPTIONS): Promise<T> {
    assertFunction(fn)
    const { timeoutMs = this.#parts.options.acquireTimeoutMs } = options
    const endMs = this.#parts.clock.nowMs() + timeoutMs
    // First come, first served: when it is our turn, all those before us have ended.
    const request = this.#requests.ofScope(options, this.#requests.site())
    await (await this.#acquire(request, 'write')).release()
    return this.read(fn, { ...options, timeoutMs: this.#restMs(endMs) })
  }

  /**
   * As `withConnection`, in a transaction on the writer: BEGIN IMMEDIATE, then COMMIT, or ROLLBACK when `fn`
   * throws. A success is reported after COMMIT has answered, never before. The error of `fn` always wins.
   * Inside another transaction of the same async context it is a savepoint of that one.
   *
   * @throws {DB_BUSY} another process held the write lock until the deadline
   * @throws {TRANSACTION_TIMEOUT} {TRANSACTION_IDLE} past a limit of the pool; it was rolled back
   */
  async transaction<T>(fn: ScopeFunction<T>, options: ScopeOptions = NO_OPTIONS): Promise<T> {
    const outer = this.#writerScope()
    if (outer !== undefined) {
      assertFunction(fn)
      this.#requests.ofScope(options, null).signal?.throwIfAborted()
      return nest(outer.lease, outer.hold, fn)
    }
    return this.#scoped(
      { kind: 'immediate', mode: 'write', fn, site: this.#requests.site() },
      options,
    )
  }

  /** The same as `transaction`: the pair of `read`. */
  async write<T>(fn: ScopeFunction<T>, options: ScopeOptions = NO_OPTIONS): Promise<T> {
    return this.transaction(fn, options)
  }

  /**
   * Runs `fn` on the writer while nobody reads: for VACUUM, a schema change, a TRUNCATE checkpoint. Readers that
   * wait already are served first, later ones wait. `timeoutMs` covers all of the waiting.
   *
   * @throws {POOL_ACQUIRE_TIMEOUT} the writer or a reader did not come back in time
   * @throws {POOL_DEADLOCK} the caller holds a reader itself
   */
  async barrier<T>(fn: ScopeFunction<T>, options: CallOptions = NO_OPTIONS): Promise<T> {
    assertFunction(fn)
    const { clock } = this.#parts
    const { timeoutMs = this.#parts.options.acquireTimeoutMs } = options
    const endMs = clock.nowMs() + timeoutMs
    assertReadsNothing(this.#reader, currentScope(), clock)
    const behind = (db: Lease): Promise<T> => {
      const hold = Lease.holdOf(db)!
      const scope = currentScope()!
      const isStuck = (): boolean => isDeadlock(this.#reader, scope, this.#lanes)
      const parts = { hold, clock, endMs, isStuck }
      return behindBarrier(this.#reader, parts, () => runScope(db, hold, fn))
    }
    const site = this.#requests.site()
    return this.#scoped({ kind: null, mode: 'write', fn: behind, site }, options)
  }

  /**
   * A lease on a reader whose every statement sees the database as it is now. It keeps the log from being
   * reset, so it ends by itself after `maxAgeMs` (required; from 1 to 2147483647): from then on it refuses with `SNAPSHOT_EXPIRED`.
   */
  async snapshot(options: CallOptions & { readonly maxAgeMs: number }): Promise<Lease> {
    assertAge(options?.maxAgeMs)
    const lease = await this.#acquire(this.#requests.ofLease(options), 'read')
    try {
      const limits = { wholeMs: options.maxAgeMs, pauseMs: 0, code: 'SNAPSHOT_EXPIRED' } as const
      await begin('snapshot', Lease.holdOf(lease)!, limits)
    } catch (error) {
      await lease[Symbol.asyncDispose]()
      throw error
    }
    return lease
  }

  /** One statement, its first row or `undefined`. On a reader, unless `mode` is `write`. */
  async get<R = Row>(
    sql: string,
    args: BindArguments = [],
    options: CallOptions & LeaseCallOptions = NO_OPTIONS,
  ): Promise<R | undefined> {
    await using lease = await this.#lend(options, 'read')
    return await lease.get<R>(sql, args, shapeOf(options))
  }

  /** One statement, all its rows. On a reader, unless `mode` is `write`. */
  async all<R = Row>(
    sql: string,
    args: BindArguments = [],
    options: CallOptions & LeaseCallOptions = NO_OPTIONS,
  ): Promise<R[]> {
    await using lease = await this.#lend(options, 'read')
    return await lease.all<R>(sql, args, shapeOf(options))
  }

  /** One statement that changes something, on the writer. */
  async run(
    sql: string,
    args: BindArguments = [],
    options: CallOptions & LeaseCallOptions = NO_OPTIONS,
  ): Promise<RunResult> {
    await using lease = await this.#lend(options, 'write')
    return await lease.run(sql, args, shapeOf(options))
  }

  /**
   * Several statements in one transaction and one message, on the writer unless `mode` is `read`: all or nothing.
   * The error of the one that failed has its `index`.
   */
  async batch(
    statements: readonly BatchStatement[],
    options: CallOptions = NO_OPTIONS,
  ): Promise<BatchResult[]> {
    await using lease = await this.#lend(options, 'write')
    return await callBatch(Lease.holdOf(lease)!, statements, { isAtomic: true })
  }

  /** Leases of one role, oldest first. Reading changes nothing. */
  holders(role: Role): readonly HolderRef[] {
    const nowMs = this.#parts.clock.nowMs()
    const lane = role === 'reader' ? this.#reader : this.#writer
    return lane.holds().map((hold) => hold.toRef(nowMs))
  }

  /** Open and opening connections, in order of their ids. */
  connections(): readonly ConnectionRow[] {
    return connectionRows(this.#lanes, this.#housekeeper, this.#parts.clock)
  }

  /** Callers queued now, each lane in the order in which it will be served. */
  waiters(): readonly WaiterRow[] {
    return waiterRows(this.#lanes, this.#parts.clock)
  }

  /**
   * Changes the number of connections, the writer included. More are opened as they are wanted; what is too many
   * is closed when it is free, and nothing is taken from anyone.
   *
   * @throws {POOL_INVALID_OPTION} from 1 to 64
   */
  resize(size: number): void {
    assertSize(size)
    const max = size - 1
    this.#reader.resize({ min: Math.min(this.#parts.options.minReaders, max), max })
    if (max === 0) this.#reader.moveWaitersTo(this.#writer)
  }

  /** Closes every connection, those in use when they are released, and opens new ones as they are wanted. */
  evictAll(): void {
    for (const lane of this.#lanes) lane.evictAll()
  }

  /** From now on every acquire waits, until its deadline or `resume()`. Leases that are out go on. */
  suspend(): void {
    if (this.#state !== 'ready') return
    for (const lane of this.#lanes) lane.suspend()
    this.#enter('suspended')
  }

  /** Serves again, those first who have waited. */
  resume(): void {
    if (this.#state !== 'suspended') return
    this.#enter('ready')
    for (const lane of this.#lanes) lane.resume()
  }

  /** Refuses everything from now on with `reason`, and closes without writing. By whoever guards the file. */
  fail(reason: PoolError): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return
    this.#failure = reason
    this.#housekeeper.stop()
    this.#enter('failed', reason.code)
    for (const lane of this.#lanes) {
      lane.shut(reason)
      void lane.closeConnections()
    }
  }

  /**
   * Refuses new acquires, serves those who wait and waits for the leases that are out, for `timeoutMs` at most
   * (*default* 5,000; *0*: not at all; `Infinity`: without a limit). Then it rejects and revokes what is left,
   * closes the readers, then the writer. Idempotent: every call gets the same promise.
   *
   * @throws {POOL_CLOSE_TIMEOUT} a statement inside SQLite did not end within another 3 s; nothing can
   *   interrupt it, and its thread is left to end by itself
   * @throws {POOL_INVALID_OPTION} nothing was closed
   */
  close({ timeoutMs = CLOSE_TIMEOUT_MS, drainWaiters = true }: CloseOptions = {}): Promise<void> {
    const problem =
      wrongTimeout(timeoutMs) ??
      (typeof drainWaiters === 'boolean'
        ? null
        : invalid('drainWaiters must be a boolean', drainWaiters))
    if (problem !== null) return Promise.reject(problem)
    if (this.#closing !== undefined) return this.#closing
    // Set before anyone is told, who may close or acquire in turn.
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closing = promise
    resolve(this.#close({ timeoutMs, drainWaiters }))
    return promise
  }

  async #close(options: Required<CloseOptions>): Promise<void> {
    const wasSuspended = this.#state === 'suspended'
    this.#enter('draining')
    this.#housekeeper.stop()
    if (wasSuspended) for (const lane of this.#lanes) lane.resume()
    const { clock, hooks = {} } = this.#parts
    hooks.draining?.()
    const [writer, reader] = [this.#writer, this.#reader]
    const hasFailed = this.#failure !== undefined
    try {
      await closePool({ reader, writer, clock, hooks, opening: this.#opening, hasFailed }, options)
    } finally {
      this.#enter('closed')
    }
  }

  async #openInOrder(): Promise<void> {
    const steps = [
      () => this.#writer.openMinimum(),
      () => this.#parts.hooks?.writerOpened?.(),
      () => this.#reader.openMinimum(),
    ]
    for (const step of steps) {
      if (this.#closing === undefined) await step()
    }
    if (this.#closing !== undefined) {
      throw new PoolError('POOL_CLOSED', 'the pool was closed while it was being opened')
    }
    if (this.#failure !== undefined) throw this.#failure
    this.#housekeeper.start()
    this.#enter('ready')
  }

  async #scoped<T>(call: ScopeCall<T>, { maxRetries = 0, ...options }: ScopeOptions): Promise<T> {
    assertFunction(call.fn)
    if (!Number.isInteger(maxRetries) || maxRetries < 0) {
      throw invalid('maxRetries must be a whole number of at least 0', maxRetries)
    }
    let request = this.#requests.ofScope(options, call.site)
    const endMs = maxRetries > 0 ? this.#parts.clock.nowMs() + request.timeoutMs : 0
    for (let attempt = 0; attempt < maxRetries; attempt += 1) {
      try {
        return await this.#attempt(call, request)
      } catch (error) {
        if (!isConflict(error)) throw error
      }
      request = { ...request, timeoutMs: this.#restMs(endMs) }
    }
    return this.#attempt(call, request)
  }

  async #attempt<T>(call: ScopeCall<T>, request: AcquireRequest): Promise<T> {
    await using lease = await this.#acquire(request, call.mode)
    return await this.#runOnce(call, lease)
  }

  #runOnce<T>({ kind, fn }: ScopeCall<T>, lease: Lease): Promise<T> {
    const hold = Lease.holdOf(lease)!
    const work = (): Promise<T> => runScope(lease, hold, fn, { isOwner: true })
    if (kind === null) return work()
    return traced(
      diagnostics.transaction,
      () => ({ leaseId: hold.id, connectionId: hold.slot.id, kind }),
      () => inTransaction(kind, hold, work),
    )
  }

  /** The scope around the caller that holds the writer, to write. */
  #writerScope(): Scope | undefined {
    for (const scope of currentScope() ?? []) {
      if (scope.hold.host === this.#writer && scope.hold.transaction?.isSnapshot !== true)
        return scope
    }
    return undefined
  }

  /** For one statement. */
  #lend(options: CallOptions, mode: AcquireMode): Promise<Lease> {
    return this.#acquire(this.#requests.ofStatement(options), options.mode ?? mode)
  }

  #acquire(request: AcquireRequest, mode: AcquireMode): Promise<Lease> {
    const isTraced = diagnostics.acquire.hasSubscribers
    return isTraced ? this.#acquireTraced(request, mode) : this.#acquireIn(request, mode)
  }

  #acquireTraced(request: AcquireRequest, mode: AcquireMode): Promise<Lease> {
    const message = { pool: this.#parts.stats.name, mode, label: request.label }
    return diagnostics.acquire.tracePromise(() => this.#acquireIn(request, mode), message)
  }

  #acquireIn(request: AcquireRequest, mode: AcquireMode): Promise<Lease> {
    const lane = this.#laneOf(mode)
    const refusal = this.#refusal
    return refusal === null ? lane.acquire(request) : lane.refuse(request, refusal.cause)
  }

  /** Why nobody gets a lease any more; the cause is `undefined` when the pool only closes. */
  get #refusal(): { readonly cause: PoolError | undefined } | null {
    if (this.#failure !== undefined) return { cause: this.#failure }
    return this.#closing === undefined ? null : { cause: undefined }
  }

  get #lanes(): readonly [writer: Lane, reader: Lane] {
    return [this.#writer, this.#reader]
  }

  #laneOf(mode: AcquireMode): Lane {
    return mode === 'write' || this.#reader.stats.max === 0 ? this.#writer : this.#reader
  }

  #restMs(endMs: number): number {
    return Math.max(endMs - this.#parts.clock.nowMs(), 0)
  }

  #enter(state: PoolState, reason: string | null = null): void {
    this.#state = state
    this.#parts.observer.emit({ type: 'pool', state, reason })
  }
}

/** Of one-shot calls the signal is the lease's already. */
function shapeOf({ rows, safeIntegers }: LeaseCallOptions): LeaseCallOptions {
  return {
    ...(rows !== undefined && { rows }),
    ...(safeIntegers !== undefined && { safeIntegers }),
  }
}
