import type { TraceRef } from '../../telemetry/events.ts'
import type { Role } from '../../telemetry/stats.ts'
import type { AcquireRequest, CallSite } from './acquire-request.ts'
import type { Clock } from './clock.ts'
import type { BindArguments, Connection, Cursor, Row, RunResult } from './connection.ts'
import { PoolError } from './errors.ts'
import { Statement } from './statement.ts'

/** One statement that ended, as its lease tells it. */
export interface StatementReport {
  readonly sql: string
  readonly startedMs: number
  readonly durationMs: number
  readonly rowCount: number | null
  readonly error: unknown
}

/** What a lease asks of the lane that gave it. */
export interface LeaseHost {
  readonly clock: Clock
  statementEnded(lease: Lease, report: StatementReport): void
  /** Takes the connection back; with `isDiscarded` it is closed instead of reused. */
  leaseEnded(lease: Lease, isDiscarded: boolean): Promise<void>
}

/**
 * One connection in one caller's hands, from acquire to release.
 *
 * - There is one lease per grant. After its release it refuses everything with `LEASE_RELEASED`; the raw
 *   connection never escapes, so nobody can use what belongs to the next caller.
 * - Calls run in the order in which they were made. Release waits for those in flight.
 * - Whatever is left open (a transaction, an iterator, a changed pragma) is undone at release.
 * - `await using lease = await pool.acquire()` releases on every way out.
 */
export class Lease {
  readonly id: number
  readonly role: Role
  readonly connectionId: number
  readonly label: string | null
  readonly trace: TraceRef | null
  /** Monotonic ms of the grant. */
  readonly grantedMs: number
  /** Where it was acquired; `null` unless leaks are looked for. */
  readonly site: CallSite | null
  readonly #connection: Connection
  readonly #host: LeaseHost
  #ending: Promise<void> | undefined
  /** Why it was taken away; a release by its holder needs no reason, and its error is made when it is asked for. */
  #revocation: PoolError | undefined
  #inFlightCount = 0
  #whenQuiet: (() => void) | undefined
  #statementCount = 0
  #lastSql: string | null = null
  #lastStartedMs: number | null = null

  /** Made by the pool only. */
  constructor(
    parts: { readonly id: number; readonly connectionId: number; readonly grantedMs: number },
    request: AcquireRequest,
    { connection, host }: { readonly connection: Connection; readonly host: LeaseHost },
  ) {
    this.id = parts.id
    this.connectionId = parts.connectionId
    this.grantedMs = parts.grantedMs
    this.role = connection.role
    this.label = request.label
    this.trace = request.trace
    this.site = request.site
    this.#connection = connection
    this.#host = host
  }

  get isReleased(): boolean {
    return this.#ending !== undefined
  }

  /** The statement that runs now, or the last one. */
  get lastSql(): string | null {
    return this.#lastSql
  }

  /** Monotonic ms; `null` before the first statement. */
  get lastStatementStartedMs(): number | null {
    return this.#lastStartedMs
  }

  get isRunning(): boolean {
    return this.#inFlightCount > 0
  }

  get statementCount(): number {
    return this.#statementCount
  }

  get inTransaction(): boolean {
    return this.#connection.inTransaction
  }

  /**
   * A statement of this lease, in the manner of better-sqlite3: `db.prepare(sql).all(...)`, awaited. Prepared
   * statements are cached by their text on the connection, so preparing the same text again is free.
   * Nothing is sent until it is run: an error in the SQL rejects there.
   */
  prepare<R = Row>(sql: string): Statement<R> {
    this.#assertGood()
    return new Statement<R>(this, sql)
  }

  /** All rows. Positional arguments in an array, named ones in an object inside it. */
  all<R = Row>(sql: string, args: BindArguments = []): Promise<R[]> {
    const call = (connection: Connection): Promise<Row[]> => connection.all(sql, args)
    return this.#run(sql, call, (rows) => rows.length) as Promise<R[]>
  }

  /** The first row, or `undefined`. */
  get<R = Row>(sql: string, args: BindArguments = []): Promise<R | undefined> {
    const call = (connection: Connection): Promise<Row | undefined> => connection.get(sql, args)
    return this.#run(sql, call, (row) => (row === undefined ? 0 : 1)) as Promise<R | undefined>
  }

  /** A statement that changes something. */
  run(sql: string, args: BindArguments = []): Promise<RunResult> {
    return this.#run(
      sql,
      (connection) => connection.run(sql, args),
      () => null,
    )
  }

  /** One or more statements without arguments and without rows: a schema, for instance. */
  exec(sql: string): Promise<void> {
    return this.#run(
      sql,
      (connection) => connection.exec(sql),
      () => null,
    )
  }

  /** A cursor: rows in batches, read as they are asked for. `Statement.iterate` is its comfortable form. */
  async iterate(sql: string, args: BindArguments = []): Promise<Cursor> {
    const cursor = await this.#run(
      sql,
      (connection) => connection.iterate(sql, args),
      () => null,
    )
    return {
      next: () => this.#use(() => cursor.next()),
      // Closing after release is what a `finally` does; the release has closed it.
      close: () => (this.isReleased ? Promise.resolve() : this.#use(() => cursor.close())),
    }
  }

  /**
   * Gives the connection back. Resolves when it is clean again or closed.
   *
   * @throws {LEASE_RELEASED} (a rejection) when it was released before.
   */
  release(): Promise<void> {
    if (this.#ending !== undefined) return Promise.reject(this.#refusal())
    return this.#end(false)
  }

  /** Gives the connection back to be closed, because the caller no longer trusts it. */
  destroy(): Promise<void> {
    if (this.#ending !== undefined) return Promise.reject(this.#refusal())
    return this.#end(true)
  }

  /** Releases, or waits for a release that is under way. Never refuses. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#ending ?? this.#end(false)
  }

  /** Whether `host` gave it out. By the pool. */
  isOf(host: LeaseHost): boolean {
    return this.#host === host
  }

  /** By the pool, when it closes while the lease is still out: refuses from now on, with `reason`. */
  revoke(reason: PoolError): void {
    if (this.#ending !== undefined) return
    this.#revocation = reason
    void this.#end(true)
  }

  /** Resolves when no call is in flight; `undefined` when none is. By the pool. */
  whenQuiet(): Promise<void> | undefined {
    if (this.#inFlightCount === 0) return undefined
    return new Promise((resolve) => (this.#whenQuiet = resolve))
  }

  #end(isDiscarded: boolean): Promise<void> {
    this.#ending = this.#host.leaseEnded(this, isDiscarded)
    return this.#ending
  }

  async #run<T>(
    sql: string,
    call: (connection: Connection) => Promise<T>,
    countRows: (result: T) => number | null,
  ): Promise<T> {
    this.#assertGood()
    const startedMs = this.#host.clock.nowMs()
    this.#statementCount += 1
    this.#lastSql = sql
    this.#lastStartedMs = startedMs
    try {
      const result = await this.#use(() => call(this.#connection))
      this.#report(sql, startedMs, { rowCount: countRows(result), error: undefined })
      return result
    } catch (error) {
      this.#report(sql, startedMs, { rowCount: null, error })
      throw this.#explain(error)
    }
  }

  async #use<T>(call: () => Promise<T>): Promise<T> {
    this.#assertGood()
    this.#inFlightCount += 1
    try {
      return await call()
    } finally {
      this.#inFlightCount -= 1
      if (this.#inFlightCount === 0) this.#whenQuiet?.()
    }
  }

  #report(
    sql: string,
    startedMs: number,
    outcome: Pick<StatementReport, 'rowCount' | 'error'>,
  ): void {
    const durationMs = this.#host.clock.nowMs() - startedMs
    this.#host.statementEnded(this, { sql, startedMs, durationMs, ...outcome })
  }

  /** SQLite only says "readonly database", which sends people to look at file modes. */
  #explain(error: unknown): unknown {
    const code = (error as { readonly code?: unknown } | null)?.code
    if (this.role !== 'reader' || code !== 'SQLITE_READONLY') return error
    return new PoolError('LEASE_READ_ONLY', 'this lease is on a reader, and the statement writes', {
      hint: "pass { mode: 'write' }, or use pool.run or pool.transaction",
      cause: error,
      outcome: 'not_started',
    })
  }

  #assertGood(): void {
    if (this.#ending !== undefined) throw this.#refusal()
  }

  #refusal(): PoolError {
    return (
      this.#revocation ??
      new PoolError(
        'LEASE_RELEASED',
        `lease ${this.id} was released: its connection may be in other hands`,
        { hint: 'await every call before the release, and acquire again for more' },
      )
    )
  }
}
