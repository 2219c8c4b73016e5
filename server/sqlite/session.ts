import type Database from 'better-sqlite3'
import type { Role } from '../../telemetry/stats.ts'
import type {
  BatchResult,
  BatchStatement,
  BindArguments,
  Column,
  ResetReport,
  Row,
  RunResult,
  StatementOptions,
} from '../pool/connection.ts'
import { altersConnection } from './altering-sql.ts'
import { runBatch, type BatchHost, type ExecutedStatement } from './batch.ts'
import { Cursors, readAll, type OpenedCursor, type RowBatch } from './cursors.ts'
import { resetInMemory } from './memory-reset.ts'
import { openDatabase } from './open-database.ts'
import { isInMemory, type SqliteOptions } from './options.ts'
import { refusePragmas } from './refused-pragmas.ts'
import { ResultLimits } from './result-limits.ts'
import type { SessionCall, StopCheck } from './session-call.ts'
import { isScript } from '../sql-statements.ts'
import { StatementCache } from './statement-cache.ts'

const DEFAULTS: SessionCall = {}
const LOOK_AT_SCHEMA = 'SELECT 1 FROM sqlite_schema LIMIT 1'
const CHANGES = 'SELECT total_changes(), changes(), last_insert_rowid()'

/** Called with each handle that the session opens, a reset's included. */
export type HandleOpened = (database: Database.Database) => void

/**
 * One open SQLite handle, synchronous: what both executions of a connection share.
 *
 * - A statement that is in the middle of its rows is never used twice: the second use prepares anew.
 * - A statement that writes is never left in the middle of its rows. SQLite has made all its changes at the
 *   first of them, and an early end would commit those without a word.
 */
export class Session {
  readonly #role: Role
  readonly #options: SqliteOptions
  readonly #cursors = new Cursors()
  readonly #handleOpened: HandleOpened
  #database: Database.Database
  #statements: StatementCache
  #isAltered = false

  /** @throws the driver's error when the file cannot be opened; nothing stays open then. */
  constructor(role: Role, options: SqliteOptions, handleOpened: HandleOpened = () => {}) {
    this.#role = role
    this.#options = options
    this.#handleOpened = handleOpened
    this.#database = openDatabase(role, options, { fileMustExist: role === 'reader' })
    this.#statements = new StatementCache(this.#database, options.statementCacheSize)
    handleOpened(this.#database)
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

  all(sql: string, args: BindArguments, call: SessionCall = DEFAULTS): unknown[] {
    const statement = this.#prepare(sql, call)
    const limits = statement.readonly ? ResultLimits.of(call) : null
    return allOf(statement, args, {
      limits,
      stop: statement.readonly ? steppedStop(call) : undefined,
    })
  }

  get(sql: string, args: BindArguments, call: SessionCall = DEFAULTS): unknown {
    return this.#prepare(sql, call).get(...args)
  }

  run(sql: string, args: BindArguments, call: SessionCall = DEFAULTS): RunResult {
    return this.#prepare(sql, call).run(...args)
  }

  exec(sql: string, call: SessionCall = DEFAULTS): void {
    this.#admit(sql)
    // What its first statements have done stays done when a later one is stopped.
    if (call.stop !== undefined && isScript(sql)) call.stop.release()
    this.#database.exec(sql)
  }

  columns(sql: string): Column[] {
    this.#admit(sql)
    // Compiling trusts the schema that this connection has read last; only a read finds out that another one has
    // changed it. And a cached statement would have the columns of its last use.
    this.#prepare(LOOK_AT_SCHEMA, DEFAULTS).get()
    return this.#statements.prepareAnew(sql).statement.columns()
  }

  batch(
    statements: readonly BatchStatement[],
    { isAtomic }: { readonly isAtomic: boolean },
    call: SessionCall = DEFAULTS,
  ): BatchResult[] {
    const { safeIntegers = false, stop } = call
    const each: SessionCall = stop === undefined ? { safeIntegers } : { safeIntegers, stop }
    const host: BatchHost = {
      role: this.#role,
      isInTransaction: () => this.inTransaction,
      exec: (sql) => void this.#database.exec(sql),
      execute: (statement) => this.#execute(statement, each),
    }
    return runBatch(host, statements, { isAtomic, stop })
  }

  /** Opens a cursor and takes its first rows; all of them when the statement writes. */
  openCursor(sql: string, args: BindArguments, call: SessionCall = DEFAULTS): OpenedCursor {
    const statement = this.#prepare(sql, call)
    if (!statement.readonly) return { cursorId: 0, rows: statement.all(...args), isDone: true }
    return this.#cursors.open(rowsOf(statement, args), ResultLimits.of(call), call.stop)
  }

  fetch(cursorId: number, stop?: StopCheck): RowBatch {
    return this.#cursors.fetch(cursorId, stop)
  }

  closeCursor(cursorId: number): void {
    this.#cursors.close(cursorId)
  }

  closeCursors(): void {
    this.#cursors.closeAll()
  }

  reset(): ResetReport {
    if (!this.#database.open) throw new TypeError('The database connection is not open')
    const openCursorCount = this.#cursors.size
    this.#cursors.closeAll()
    const hadTransaction = this.#database.inTransaction
    if (hadTransaction) this.#database.exec('ROLLBACK')
    if (this.#isAltered) this.#undoAlterations()
    return { hadTransaction, openCursorCount }
  }

  close(): void {
    this.#cursors.closeAll()
    this.#database.close()
  }

  #prepare(sql: string, options: StatementOptions): Database.Statement {
    if (!this.#statements.has(sql)) this.#admit(sql)
    let prepared = this.#statements.prepare(sql)
    if (this.#cursors.size > 0 && prepared.statement.busy) {
      prepared = this.#statements.prepareAnew(sql)
    }
    if (prepared.isAltering) this.#isAltered = true
    return prepared.as(options)
  }

  /** Before the text is compiled: some pragmas work while they are, even if that fails in the end. */
  #admit(sql: string): void {
    // What is not a string is for the driver to refuse.
    if (typeof sql !== 'string') return
    refusePragmas(sql)
    if (altersConnection(sql)) this.#isAltered = true
  }

  #execute({ sql, args = [] }: BatchStatement, call: SessionCall): ExecutedStatement {
    const statement = this.#prepare(sql, call)
    const isReadonly = statement.readonly
    if (!statement.reader) {
      return { result: { rows: [], ...statement.run(...args) }, isReadonly }
    }
    if (isReadonly) {
      const rows = allOf(statement, args, { limits: null, stop: steppedStop(call) }) as Row[]
      return { result: { rows, changes: 0, lastInsertRowid: 0 }, isReadonly }
    }
    const [totalBefore] = this.#changes(call)
    const rows = statement.all(...args) as Row[]
    const [total, changes, lastInsertRowid] = this.#changes(call)
    // `changes()` is that of an earlier statement when this one was none that counts.
    const result = {
      rows,
      changes: total === totalBefore ? 0 : Number(changes),
      lastInsertRowid,
    }
    return { result, isReadonly }
  }

  #changes({ safeIntegers = false }: StatementOptions): ChangeCounters {
    return this.#prepare(CHANGES, { rows: 'raw', safeIntegers }).get() as ChangeCounters
  }

  #undoAlterations(): void {
    if (isInMemory(this.#options)) resetInMemory(this.#database, this.#options)
    else this.#reopen()
    this.#isAltered = false
  }

  /** About 0.5 ms: the one way to undo any pragma, attached database and temporary table. */
  #reopen(): void {
    this.#database.close()
    // A file that vanished in the meantime must be an error and not a new, empty database.
    this.#database = openDatabase(this.#role, this.#options, { fileMustExist: true })
    this.#statements = new StatementCache(this.#database, this.#options.statementCacheSize)
    this.#handleOpened(this.#database)
  }
}

type ChangeCounters = readonly [
  total: number | bigint,
  changes: number | bigint,
  lastInsertRowid: number | bigint,
]

function rowsOf(statement: Database.Statement, args: BindArguments): IterableIterator<unknown> {
  return statement.iterate(...args) as IterableIterator<unknown>
}

/** Stepping costs more per row, and is for those that nothing else ends. */
function steppedStop({ stop }: SessionCall): StopCheck | undefined {
  return stop?.isInterrupt === true ? undefined : stop
}

/** Stepping costs more than twice as much a row, so only those pay who may end it early. */
function allOf(
  statement: Database.Statement,
  args: BindArguments,
  { limits, stop }: { readonly limits: ResultLimits | null; readonly stop: StopCheck | undefined },
): unknown[] {
  if (limits === null && stop === undefined) return statement.all(...args)
  return readAll(rowsOf(statement, args), limits, stop)
}
