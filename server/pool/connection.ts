import type { Role } from '../../telemetry/stats.ts'
import type { Cancellation } from './cancellation.ts'

export type Row = Record<string, unknown>

/** The arguments of one statement, exactly as better-sqlite3 takes them: positional values, or one object of named ones. */
export type BindArguments = readonly unknown[]

export interface RunResult {
  readonly changes: number
  readonly lastInsertRowid: number | bigint
}

/** `objects`: by column name. `raw`: arrays in the order of the columns. `pluck`: the first column alone. */
export type RowShape = 'objects' | 'raw' | 'pluck'

/** How one statement is to be answered. Everything has a default. */
export interface StatementOptions {
  /** *Default*: `objects`. */
  readonly rows?: RowShape
  /** Integers as BigInt, so that none beyond 2⁵³ loses digits. *Default*: `false`. */
  readonly safeIntegers?: boolean
}

/** `StatementOptions`, and what the pool adds. */
export interface StatementCall extends StatementOptions {
  /** More rows are `RESULT_TOO_BIG`, counted while they are read. *Default*: 0, no limit. */
  readonly maxRows?: number
  /** More bytes (text as UTF-8, blobs, 8 for a number) are `RESULT_TOO_BIG`. *Default*: 0, no limit. */
  readonly maxBytes?: number
  /** Given when somebody may end the call early; its rows are then stepped one by one. */
  readonly cancellation?: Cancellation
}

/** As better-sqlite3's `statement.columns()`. */
export interface Column {
  readonly name: string
  /** Where it comes from; `null` for an expression. */
  readonly column: string | null
  readonly table: string | null
  readonly database: string | null
  /** The declared type. */
  readonly type: string | null
}

/** One statement of a batch. */
export interface BatchStatement {
  readonly sql: string
  readonly args?: BindArguments
}

/** Of a statement without rows `rows` is empty; of one that reads, `changes` is 0. */
export interface BatchResult extends RunResult {
  readonly rows: readonly Row[]
}

/** What a reset found and undid. */
export interface ResetReport {
  readonly hadTransaction: boolean
  readonly openCursorCount: number
}

/** Rows of one statement, a batch at a time; `close()` ends it early and is idempotent. */
export interface Cursor {
  next(): Promise<readonly unknown[] | undefined>
  close(): Promise<void>
}

/**
 * One open SQLite handle as the pool needs it, wherever it runs. The pool never calls two methods of
 * one connection for different leases at once; calls of one lease run in the order they were made.
 *
 * Errors keep SQLite's `code`. After `onLost` was called every method rejects.
 *
 * A call that was cancelled rejects with a `StatementStopped` when it did not run to its end; else with its result.
 */
export interface Connection {
  readonly role: Role
  all(sql: string, args: BindArguments, call?: StatementCall): Promise<unknown[]>
  get(sql: string, args: BindArguments, call?: StatementCall): Promise<unknown>
  run(sql: string, args: BindArguments, call?: StatementCall): Promise<RunResult>
  /** One or more statements without arguments or rows: schema, BEGIN, COMMIT. */
  exec(sql: string, call?: StatementCall): Promise<void>
  iterate(sql: string, args: BindArguments, call?: StatementCall): Promise<Cursor>
  /** The columns of the rows of a statement, which is not run. */
  columns(sql: string): Promise<readonly Column[]>
  /**
   * Several statements in one message, in order; the first that fails ends it, and its error has the `index`.
   * With `isAtomic` they are one transaction (BEGIN IMMEDIATE on a writer, BEGIN on a reader): all or nothing.
   */
  batch(
    statements: readonly BatchStatement[],
    options: { readonly isAtomic: boolean },
    call?: StatementCall,
  ): Promise<BatchResult[]>
  /** Whether a transaction is open, as of the last answer. */
  readonly inTransaction: boolean
  /** Cursors opened and not yet closed or exhausted. */
  readonly openCursorCount: number
  /** Whether a pragma, an attached database or a temporary table outlives the lease unless it is reset. */
  readonly isAltered: boolean
  /** Whether a cancelled call ends within SQLite too, and not only between two rows. */
  readonly canInterrupt: boolean
  /** Closes every cursor and rolls back an open transaction: as good as new. Rejects if that failed. */
  reset(): Promise<ResetReport>
  /** Closes the handle and frees its thread. Idempotent. */
  close(): Promise<void>
  /** Called at most once, when the connection died by itself (its thread ended). */
  onLost: ((error: Error) => void) | undefined
}

export type OpenConnection = (role: Role) => Promise<Connection>
