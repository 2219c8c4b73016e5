import type { Role } from '../../telemetry/stats.ts'

export type Row = Record<string, unknown>

/** The arguments of one statement, exactly as better-sqlite3 takes them: positional values, or one object of named ones. */
export type BindArguments = readonly unknown[]

export interface RunResult {
  readonly changes: number
  readonly lastInsertRowid: number | bigint
}

/** What a reset found and undid. */
export interface ResetReport {
  readonly hadTransaction: boolean
  readonly openCursorCount: number
}

/** Rows of one statement, a batch at a time; `close()` ends it early and is idempotent. */
export interface Cursor {
  next(): Promise<readonly Row[] | undefined>
  close(): Promise<void>
}

/**
 * One open SQLite handle as the pool needs it, wherever it runs. The pool never calls two methods of
 * one connection for different leases at once; calls of one lease run in the order they were made.
 *
 * Errors keep SQLite's `code`. After `onLost` was called every method rejects.
 */
export interface Connection {
  readonly role: Role
  all(sql: string, args: BindArguments): Promise<Row[]>
  get(sql: string, args: BindArguments): Promise<Row | undefined>
  run(sql: string, args: BindArguments): Promise<RunResult>
  /** One or more statements without arguments or rows: schema, BEGIN, COMMIT. */
  exec(sql: string): Promise<void>
  iterate(sql: string, args: BindArguments): Promise<Cursor>
  /** Whether a transaction is open, as of the last answer. */
  readonly inTransaction: boolean
  /** Cursors opened and not yet closed or exhausted. */
  readonly openCursorCount: number
  /** Whether a pragma, an attached database or a temporary table outlives the lease unless it is reset. */
  readonly isAltered: boolean
  /** Closes every cursor and rolls back an open transaction: as good as new. Rejects if that failed. */
  reset(): Promise<ResetReport>
  /** Closes the handle and frees its thread. Idempotent. */
  close(): Promise<void>
  /** Called at most once, when the connection died by itself (its thread ended). */
  onLost: ((error: Error) => void) | undefined
}

export type OpenConnection = (role: Role) => Promise<Connection>
