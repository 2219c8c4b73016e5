import Database from 'better-sqlite3'
import type { Role } from '../../telemetry/stats.ts'
import type { BindArguments, ResetReport, Row, RunResult } from '../pool/connection.ts'
import { altersConnection } from './altering-sql.ts'
import type { SqliteOptions } from './options.ts'
import { applyPragmas } from './pragmas.ts'
import { StatementCache } from './statement-cache.ts'

/** A caller that wants only the first row pays for few; one that reads on gets four times more each time. */
const FIRST_BATCH_ROWS = 16
const LAST_BATCH_ROWS = 256

/** Some rows of a cursor; it is already closed when `isDone`. */
export interface RowBatch {
  readonly rows: Row[]
  readonly isDone: boolean
}

export interface OpenedCursor extends RowBatch {
  readonly cursorId: number
}

interface SessionCursor {
  readonly rows: IterableIterator<Row>
  batchRows: number
}

/**
 * One open SQLite handle, synchronous: what both executions of a connection share.
 *
 * - A statement that is in the middle of its rows is never used twice: the second use prepares anew.
 * - A cursor left open makes SQLite refuse every write and the closing of the handle, even after it
 *   was collected as garbage; so all are known here and closed by `reset()` and `close()`.
 */
export class Session {
  readonly #role: Role
  readonly #options: SqliteOptions
  readonly #cursors = new Map<number, SessionCursor>()
  #database: Database.Database
  #statements: StatementCache
  #lastCursorId = 0
  #isAltered = false

  /** @throws the driver's error when the file cannot be opened; nothing stays open then. */
  constructor(role: Role, options: SqliteOptions) {
    this.#role = role
    this.#options = options
    this.#database = openDatabase(role, options, { fileMustExist: role === 'reader' })
    this.#statements = new StatementCache(this.#database, options.statementCacheSize)
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction
  }

  get openCursorCount(): number {
    return this.#cursors.size
  }

  /** Something was left on the connection that a ROLLBACK does not undo. */
  get isAltered(): boolean {
    return this.#isAltered
  }

  all(sql: string, args: BindArguments): Row[] {
    return this.#prepare(sql).all(...args) as Row[]
  }

  get(sql: string, args: BindArguments): Row | undefined {
    return this.#prepare(sql).get(...args) as Row | undefined
  }

  run(sql: string, args: BindArguments): RunResult {
    return this.#prepare(sql).run(...args)
  }

  exec(sql: string): void {
    if (altersConnection(sql)) this.#isAltered = true
    this.#database.exec(sql)
  }

  /** Opens a cursor and takes its first rows: a short result needs no second call. */
  openCursor(sql: string, args: BindArguments): OpenedCursor {
    const rows = this.#prepare(sql).iterate(...args) as IterableIterator<Row>
    this.#lastCursorId += 1
    const cursorId = this.#lastCursorId
    this.#cursors.set(cursorId, { rows, batchRows: FIRST_BATCH_ROWS })
    return { cursorId, ...this.fetch(cursorId) }
  }

  fetch(cursorId: number): RowBatch {
    const cursor = this.#cursors.get(cursorId)
    // An answer of no rows would pass for the end of the result.
    if (cursor === undefined) throw new TypeError('The cursor is closed')
    const rows: Row[] = []
    try {
      while (rows.length < cursor.batchRows) {
        const step = cursor.rows.next()
        if (step.done === true) {
          this.#cursors.delete(cursorId)
          return { rows, isDone: true }
        }
        rows.push(step.value)
      }
    } catch (error) {
      this.closeCursor(cursorId)
      throw error
    }
    cursor.batchRows = Math.min(cursor.batchRows * 4, LAST_BATCH_ROWS)
    return { rows, isDone: false }
  }

  closeCursor(cursorId: number): void {
    const cursor = this.#cursors.get(cursorId)
    if (cursor === undefined) return
    this.#cursors.delete(cursorId)
    cursor.rows.return?.()
  }

  reset(): ResetReport {
    if (!this.#database.open) throw new TypeError('The database connection is not open')
    const openCursorCount = this.#cursors.size
    this.#closeCursors()
    const hadTransaction = this.#database.inTransaction
    if (hadTransaction) this.#database.exec('ROLLBACK')
    if (this.#isAltered) this.#reopen()
    return { hadTransaction, openCursorCount }
  }

  close(): void {
    this.#closeCursors()
    this.#database.close()
  }

  #prepare(sql: string): Database.Statement {
    let prepared = this.#statements.prepare(sql)
    if (this.#cursors.size > 0 && prepared.statement.busy) {
      prepared = this.#statements.prepareAnew(sql)
    }
    if (prepared.isAltering) this.#isAltered = true
    return prepared.statement
  }

  #closeCursors(): void {
    for (const cursorId of this.#cursors.keys()) this.closeCursor(cursorId)
  }

  /** About 0.5 ms: the one way to undo any pragma, attached database and temporary table. */
  #reopen(): void {
    this.#database.close()
    // A file that vanished in the meantime must be an error and not a new, empty database.
    this.#database = openDatabase(this.#role, this.#options, { fileMustExist: true })
    this.#statements = new StatementCache(this.#database, this.#options.statementCacheSize)
    this.#isAltered = false
  }
}

function openDatabase(
  role: Role,
  options: SqliteOptions,
  { fileMustExist }: { readonly fileMustExist: boolean },
): Database.Database {
  const path = options.path.trim()
  if (path === '' || path === ':memory:') {
    throw new TypeError('a pooled database is a file: in memory each connection would have its own')
  }
  const database = new Database(path, {
    readonly: role === 'reader',
    fileMustExist,
    timeout: options.busyTimeoutMs,
  })
  try {
    applyPragmas(database, role, options)
    // The first read finds out what opening does not: that the file is no database. It also creates
    // the log and its index, which a readonly connection cannot do by itself.
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
  } catch (error) {
    database.close()
    throw error
  }
  return database
}
