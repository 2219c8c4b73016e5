import type { TraceRef } from '../../telemetry/events.ts'
import type { Role } from '../../telemetry/stats.ts'
import { assertGood, callCursor, callStatement, refusal } from './call.ts'
import { callBatch } from './call-batch.ts'
import { captureSite } from './call-site.ts'
import type { Cancellation } from './cancellation.ts'
import type {
  BatchResult,
  BatchStatement,
  BindArguments,
  Column,
  Cursor,
  Row,
  RunResult,
  StatementCall,
  StatementOptions,
} from './connection.ts'
import type { Hold } from './hold.ts'
import { nest } from './scope.ts'
import { Statement } from './statement.ts'

/** How one statement of a lease is asked. */
export interface LeaseCallOptions extends StatementOptions {
  /** Stops this statement; see `CallOptions.signal`, which stops every statement of the lease. */
  readonly signal?: AbortSignal
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
  readonly #hold: Hold

  /** Made by the pool only. */
  constructor(hold: Hold) {
    this.#hold = hold
  }

  /** What the pool knows of it; `undefined` for what is no lease. By the pool. */
  static holdOf(lease: unknown): Hold | undefined {
    return typeof lease === 'object' && lease !== null && #hold in lease ? lease.#hold : undefined
  }

  get id(): number {
    return this.#hold.id
  }

  get role(): Role {
    return this.#hold.slot.role
  }

  get connectionId(): number {
    return this.#hold.slot.id
  }

  get label(): string | null {
    return this.#hold.request.label
  }

  get trace(): TraceRef | null {
    return this.#hold.request.trace
  }

  get isReleased(): boolean {
    return this.#hold.isReleased
  }

  /** The statement that runs now, or the last one. */
  get lastSql(): string | null {
    return this.#hold.lastSql
  }

  get statementCount(): number {
    return this.#hold.statementCount
  }

  /** Of this lease, as of the last answer; after its release `false`. */
  get inTransaction(): boolean {
    return !this.#hold.isReleased && this.#hold.connection.inTransaction
  }

  /**
   * A statement of this lease, in the manner of better-sqlite3: `db.prepare(sql).all(...)`, awaited. Prepared
   * statements are cached by their text on the connection, so preparing the same text again is free.
   * Nothing is sent until it is run: an error in the SQL rejects there.
   */
  prepare<R = Row>(sql: string): Statement<R> {
    assertGood(this.#hold)
    return new Statement<R>(this, sql)
  }

  /**
   * All rows. Positional arguments in an array, named ones in an object inside it.
   *
   * @throws {RESULT_TOO_BIG} more than the pool's `maxRows` or `maxBytes`
   */
  all<R = Row>(
    sql: string,
    args: BindArguments = [],
    options: LeaseCallOptions = {},
  ): Promise<R[]> {
    return callStatement(this.#hold, {
      sql,
      call: this.#limited(options),
      signal: options.signal,
      isSingle: true,
      send: (call) => this.#hold.connection.all(sql, args, call) as Promise<R[]>,
      countRows: (rows) => rows.length,
    })
  }

  /** The first row, or `undefined`. */
  get<R = Row>(
    sql: string,
    args: BindArguments = [],
    options: LeaseCallOptions = {},
  ): Promise<R | undefined> {
    return callStatement(this.#hold, {
      sql,
      call: options,
      signal: options.signal,
      isSingle: true,
      send: (call) => this.#hold.connection.get(sql, args, call) as Promise<R | undefined>,
      countRows: (row) => (row === undefined ? 0 : 1),
    })
  }

  /** A statement that changes something. */
  run(sql: string, args: BindArguments = [], options: LeaseCallOptions = {}): Promise<RunResult> {
    return callStatement(this.#hold, {
      sql,
      call: options,
      signal: options.signal,
      isSingle: true,
      send: (call) => this.#hold.connection.run(sql, args, call),
      countRows: () => null,
    })
  }

  /** One or more statements without arguments and without rows: a schema, for instance. */
  exec(sql: string): Promise<void> {
    return callStatement(this.#hold, {
      sql,
      isSingle: false,
      send: (call) => this.#hold.connection.exec(sql, call),
      countRows: () => null,
    })
  }

  /** Several statements in one message, in order. The first that fails ends it; its error has the `index`. */
  batch(statements: readonly BatchStatement[]): Promise<BatchResult[]> {
    return callBatch(this.#hold, statements, { isAtomic: false })
  }

  /** The columns of a statement, which is not run. */
  columns(sql: string): Promise<readonly Column[]> {
    return callStatement(this.#hold, {
      sql,
      isSingle: false,
      send: () => this.#hold.connection.columns(sql),
      countRows: () => null,
    })
  }

  /** A cursor: rows in batches, read as they are asked for. `Statement.iterate` is its comfortable form. */
  async iterate(
    sql: string,
    args: BindArguments = [],
    options: LeaseCallOptions = {},
  ): Promise<Cursor> {
    const hold = this.#hold
    // What stops the opening of a cursor stops its later rows too.
    let stopped: Cancellation | undefined
    const cursor = await callStatement(hold, {
      sql,
      call: this.#limited(options),
      signal: options.signal,
      isSingle: true,
      send: (call) => {
        stopped = call?.cancellation
        return hold.connection.iterate(sql, args, call)
      },
      countRows: () => null,
    })
    const { cursors } = hold.calls!
    // By way of the lease, which must not be taken for forgotten while its rows are read.
    const close = async (): Promise<void> => {
      cursors.delete(close)
      // Closing after release is what a `finally` does; the release has closed it.
      if (!this.isReleased) await cursor.close()
    }
    cursors.add(close)
    const next = async (): Promise<readonly unknown[] | undefined> => {
      const rows = await callCursor(hold, options.signal, (call) => {
        call?.cancellation?.onCancel(() => stopped?.cancel())
        return cursor.next()
      })
      if (rows === undefined) cursors.delete(close)
      return rows
    }
    return { next, close }
  }

  /**
   * Runs `fn` in a transaction on this lease: BEGIN IMMEDIATE on the writer, BEGIN on a reader, and a savepoint
   * inside another transaction. Transactions begun side by side in one scope run one after the other.
   */
  transaction<T>(fn: (db: Lease) => T | Promise<T>): Promise<T> {
    return nest(this, this.#hold, fn)
  }

  /**
   * Gives the connection back. Resolves when it is clean again or closed.
   *
   * @throws {LEASE_RELEASED} (a rejection) when it was released before; its cause says where, while leaks are looked for
   */
  release(): Promise<void> {
    return this.#end(false)
  }

  /**
   * Gives the connection back to be closed, because the caller no longer trusts it.
   *
   * @throws {LEASE_RELEASED} (a rejection) when it was released before
   */
  destroy(): Promise<void> {
    return this.#end(true)
  }

  /** Releases, or waits for a release that is under way. Never refuses. */
  [Symbol.asyncDispose](): Promise<void> {
    const hold = this.#hold
    return hold.isReleased ? (hold.ending ?? Promise.resolve()) : hold.host.end(hold, false)
  }

  #end(isDiscarded: boolean): Promise<void> {
    const hold = this.#hold
    const { host } = hold
    if (hold.isReleased) {
      if (hold.revocation === undefined) host.stats.doubleReleased += 1
      return Promise.reject(refusal(hold))
    }
    if (host.limits.looksForLeaks) hold.releaseSite = captureSite()
    return host.end(hold, isDiscarded)
  }

  #limited(options: StatementOptions): StatementCall {
    const { maxRows, maxBytes } = this.#hold.host.limits
    return maxRows === 0 && maxBytes === 0 ? options : { ...options, maxRows, maxBytes }
  }
}
