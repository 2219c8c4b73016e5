import { inspect } from 'node:util'
import type { HolderRef, PoolObserver, PoolState } from '../../telemetry/events.ts'
import type { ConnectionRow, WaiterRow } from '../../telemetry/protocol.ts'
import type { PoolStats, Role } from '../../telemetry/stats.ts'
import type { AcquireMode, AcquireRequest, CallOptions, CallSite } from './acquire-request.ts'
import { connectionRows, waiterRows } from './activity.ts'
import { CapacityWatch } from './capacity-watch.ts'
import type { Clock, Timer } from './clock.ts'
import type { BindArguments, OpenConnection, Row, RunResult } from './connection.ts'
import { PoolError } from './errors.ts'
import { Housekeeper } from './housekeeper.ts'
import { Lane } from './lane.ts'
import { Lease } from './lease.ts'
import type { ResolvedPoolOptions } from './options.ts'
import { inTransaction, type TransactionKind } from './transaction.ts'

/** What closing may take after its deadline: statements that nothing can interrupt, and a last checkpoint of up to 1 s. */
const CLOSE_GRACE_MS = 3000
const CLOSE_TIMEOUT_MS = 5000
/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Frames of the acquiring code that a leak report shows. */
const SITE_FRAMES = 12

export interface PoolParts {
  readonly options: Pick<
    ResolvedPoolOptions,
    'acquireTimeoutMs' | 'idleTimeoutMs' | 'leakThresholdMs'
  >
  /** Written by the pool, read by everyone. */
  readonly stats: PoolStats
  readonly observer: PoolObserver
  readonly clock: Clock
  readonly open: OpenConnection
  /** What else lives with the connections, in the order in which it must happen. */
  readonly hooks?: PoolHooks
}

export interface PoolHooks {
  /** The writer is open: the file exists and is in its journal mode. */
  writerOpened?(): Promise<void>
  /** The readers are closed, the writer is idle and still open. Never rejects. */
  readersClosed?(): Promise<void>
  /** Everything of the pool is closed. Never rejects. */
  closed?(): Promise<void>
}

/**
 * Who gets which connection, and when. It knows a `Connection`, not SQLite, and telemetry as types only.
 *
 * - Two lanes: one writer, many readers. With a size of 1 the writer serves both.
 * - First come, first served, within each lane. A released connection goes straight to the oldest waiter.
 * - An acquire that fails has started nothing: its error says `outcome: 'not_started'`.
 * - `close()` settles every promise that the pool has given out.
 */
export class Pool {
  readonly #parts: PoolParts
  readonly #reader: Lane
  readonly #writer: Lane
  readonly #housekeeper: Housekeeper
  #state: PoolState = 'starting'
  #opening: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #connectionCount = 0
  #leaseCount = 0

  constructor(parts: PoolParts) {
    this.#parts = parts
    const { stats, observer, clock, open } = parts
    const capacity = new CapacityWatch({ stats, observer, clock })
    const laneParts = {
      stats,
      observer,
      clock,
      open,
      nextConnectionId: () => (this.#connectionCount += 1),
      nextLeaseId: () => (this.#leaseCount += 1),
      onGranted: () => capacity.granted(),
    }
    this.#writer = new Lane(stats.writer, laneParts)
    this.#reader = new Lane(stats.reader, laneParts)
    const lanes = [this.#writer, this.#reader]
    this.#housekeeper = new Housekeeper({ lanes, capacity, observer, clock }, parts.options)
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
    this.#housekeeper.start()
    this.#enter('ready')
  }

  /**
   * A lease of your own, to be released by you: `await using lease = await pool.acquire()`.
   *
   * @throws {POOL_ACQUIRE_TIMEOUT} nothing became free in time
   * @throws {POOL_QUEUE_FULL} too many wait already
   * @throws {POOL_OPEN_FAILED} a connection was needed and could not be opened
   * @throws {POOL_CLOSED} after `close()`
   * @throws `signal.reason` when the signal was aborted before there was a connection
   */
  async acquire(options: CallOptions = {}): Promise<Lease> {
    return this.#acquire(options, 'read', captureSite(this.#looksForLeaks))
  }

  /**
   * Gives a lease back.
   *
   * @throws {LEASE_RELEASED} it was given back before
   * @throws {LEASE_FOREIGN} it is not a lease of this pool
   */
  async release(lease: Lease): Promise<void> {
    const isOwn = lease instanceof Lease && (lease.isOf(this.#writer) || lease.isOf(this.#reader))
    if (!isOwn) {
      throw new PoolError('LEASE_FOREIGN', 'this is not a lease of this pool', {
        hint: 'release what acquire() of the same pool returned',
      })
    }
    await lease.release()
  }

  /** Several statements on one connection: it is released when what `fn` returns has settled. */
  async withConnection<T>(
    fn: (db: Lease) => T | Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    assertFunction(fn)
    const site = captureSite(this.#looksForLeaks)
    await using lease = await this.#acquire(options, 'read', site)
    return await fn(lease)
  }

  /** As `withConnection`, in one transaction on a reader: everything that `fn` reads is of one moment. */
  async read<T>(fn: (db: Lease) => T | Promise<T>, options: CallOptions = {}): Promise<T> {
    const site = captureSite(this.#looksForLeaks)
    return this.#inTransaction('snapshot', { fn, options: { ...options, mode: 'read' }, site })
  }

  /**
   * As `withConnection`, in a transaction on the writer: BEGIN IMMEDIATE, then COMMIT, or ROLLBACK when `fn`
   * throws. A success is reported after COMMIT has answered, never before. The error of `fn` always wins.
   */
  async transaction<T>(fn: (db: Lease) => T | Promise<T>, options: CallOptions = {}): Promise<T> {
    const site = captureSite(this.#looksForLeaks)
    return this.#inTransaction('immediate', { fn, options: { ...options, mode: 'write' }, site })
  }

  /** The same as `transaction`: the pair of `read`. */
  async write<T>(fn: (db: Lease) => T | Promise<T>, options: CallOptions = {}): Promise<T> {
    return this.transaction(fn, options)
  }

  /** One statement, its first row or `undefined`. On a reader, unless `mode` is `write`. */
  async get<R = Row>(
    sql: string,
    args: BindArguments = [],
    options: CallOptions = {},
  ): Promise<R | undefined> {
    await using lease = await this.#acquire(options, 'read', null)
    return await lease.get<R>(sql, args)
  }

  /** One statement, all its rows. On a reader, unless `mode` is `write`. */
  async all<R = Row>(
    sql: string,
    args: BindArguments = [],
    options: CallOptions = {},
  ): Promise<R[]> {
    await using lease = await this.#acquire(options, 'read', null)
    return await lease.all<R>(sql, args)
  }

  /** One statement that changes something, on the writer. */
  async run(sql: string, args: BindArguments = [], options: CallOptions = {}): Promise<RunResult> {
    await using lease = await this.#acquire(options, 'write', null)
    return await lease.run(sql, args)
  }

  /** Leases of one role, oldest first. Reading changes nothing. */
  holders(role: Role): readonly HolderRef[] {
    return (role === 'reader' ? this.#reader : this.#writer).holders()
  }

  /** Open and opening connections, in order of their ids. */
  connections(): readonly ConnectionRow[] {
    return connectionRows([this.#writer, this.#reader], this.#housekeeper, this.#parts.clock)
  }

  /** Callers queued now, each lane in the order in which it will be served. */
  waiters(): readonly WaiterRow[] {
    return waiterRows([this.#writer, this.#reader], this.#parts.clock)
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
  close({ timeoutMs = CLOSE_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    const problem = wrongTimeout(timeoutMs)
    if (problem !== null) return Promise.reject(problem)
    if (this.#closing !== undefined) return this.#closing
    // Set before anyone is told, who may close or acquire in turn.
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closing = promise
    resolve(this.#close(timeoutMs))
    return promise
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#enter('draining')
    this.#housekeeper.stop()
    const lanes = [this.#reader, this.#writer]
    await this.#within(timeoutMs, Promise.all(lanes.map((lane) => lane.drained())))
    const reason = new PoolError('POOL_CLOSED', 'the pool was closed while this lease was out', {
      hint: 'release every lease before close(), or give close() more time',
    })
    for (const lane of lanes) lane.shut(reason)
    const hasClosed = await this.#within(CLOSE_GRACE_MS, this.#closeInOrder())
    this.#enter('closed')
    if (hasClosed) return
    throw new PoolError('POOL_CLOSE_TIMEOUT', 'a statement or an opening did not end in time', {
      hint: 'SQLite cannot be interrupted: end the process, or wait for the statement',
    })
  }

  async #closeInOrder(): Promise<void> {
    const { hooks } = this.#parts
    // What is being opened must be there before it can be closed.
    await this.#opening?.catch(() => undefined)
    await this.#reader.closeConnections()
    await hooks?.readersClosed?.()
    await this.#writer.closeConnections()
    await hooks?.closed?.()
  }

  /** Whether `work` was done in time. */
  async #within(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
    let timer: Timer | undefined
    const { clock } = this.#parts
    const late = new Promise<boolean>((resolve) => {
      const delayMs = Math.min(timeoutMs, LONGEST_TIMER_MS)
      timer = clock.setTimer(() => resolve(false), delayMs, { isVital: true })
    })
    try {
      return await Promise.race([work.then(() => true), late])
    } finally {
      clock.clearTimer(timer!)
    }
  }

  async #inTransaction<T>(
    kind: TransactionKind,
    call: {
      readonly fn: (db: Lease) => T | Promise<T>
      readonly options: CallOptions
      readonly site: CallSite | null
    },
  ): Promise<T> {
    assertFunction(call.fn)
    await using lease = await this.#acquire(call.options, 'write', call.site)
    return await inTransaction(kind, lease, call.fn)
  }

  #acquire(options: CallOptions, mode: AcquireMode, site: CallSite | null): Promise<Lease> {
    const lane = this.#laneOf(options.mode ?? mode)
    const request = this.#requestOf(options, site)
    return this.#closing === undefined ? lane.acquire(request) : lane.refuse(request)
  }

  #laneOf(mode: AcquireMode): Lane {
    if (mode !== 'read' && mode !== 'write') {
      throw invalid('mode must be read or write', mode)
    }
    return mode === 'write' || this.#parts.stats.reader.max === 0 ? this.#writer : this.#reader
  }

  #requestOf(options: CallOptions, site: CallSite | null): AcquireRequest {
    const { label = null, signal, timeoutMs = this.#parts.options.acquireTimeoutMs } = options
    const problem = wrongTimeout(timeoutMs) ?? wrongLabel(label) ?? wrongSignal(signal)
    if (problem !== null) throw problem
    return {
      label,
      signal,
      timeoutMs,
      trace: this.#parts.observer.captureTrace(),
      site,
    }
  }

  get #looksForLeaks(): boolean {
    return this.#parts.options.leakThresholdMs > 0
  }

  #enter(state: PoolState): void {
    if (this.#state === state) return
    this.#state = state
    this.#parts.observer.emit({ type: 'pool', state, reason: null })
  }
}

/** Where the caller is, not yet formatted: that costs only when a leak is reported. */
function captureSite(isWanted: boolean): CallSite | null {
  if (!isWanted) return null
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = SITE_FRAMES
  const site: CallSite = {}
  Error.captureStackTrace(site, captureSite)
  Error.stackTraceLimit = limit
  return site
}

function assertFunction(fn: unknown): void {
  if (typeof fn !== 'function') throw new TypeError(`expected a function, and got ${inspect(fn)}`)
}

function wrongTimeout(timeoutMs: unknown): PoolError | null {
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return null
  return invalid('timeoutMs must be a number of at least 0', timeoutMs)
}

function wrongLabel(label: unknown): PoolError | null {
  return label === null || typeof label === 'string'
    ? null
    : invalid('label must be a string', label)
}

/** One that cannot be listened to would leave its caller in the queue for ever. */
function wrongSignal(signal: unknown): PoolError | null {
  return signal === undefined || signal instanceof AbortSignal
    ? null
    : invalid('signal must be an AbortSignal', signal)
}

function invalid(rule: string, value: unknown): PoolError {
  return new PoolError('POOL_INVALID_OPTION', `${rule}, and is ${inspect(value, { depth: 0 })}`, {
    hint: 'docs/pool.md has what every call takes',
    outcome: 'not_started',
  })
}
