import type Database from 'better-sqlite3'
import type { RowShape, StatementOptions } from '../pool/connection.ts'
import { altersConnection } from './altering-sql.ts'

/**
 * One prepared statement. Its row shape and its integers are modes of the driver's object, which outlive
 * a use; so every use goes through `as()`, and none gets the mode of the one before.
 */
export class PreparedStatement {
  readonly statement: Database.Statement
  /** It leaves something on the connection that outlives the lease. */
  readonly isAltering: boolean
  #rows: RowShape = 'objects'
  #safeIntegers = false

  constructor(statement: Database.Statement, isAltering: boolean) {
    this.statement = statement
    this.isAltering = isAltering
  }

  /** The statement, in the mode of this use. It must not be in the middle of its rows. */
  as({ rows = 'objects', safeIntegers = false }: StatementOptions): Database.Statement {
    const { statement } = this
    // The driver refuses a shape for a statement without rows.
    if (rows !== this.#rows && statement.reader) {
      if (rows === 'objects') statement.raw(false).pluck(false)
      else if (rows === 'raw') statement.raw(true)
      else statement.pluck(true)
      this.#rows = rows
    }
    if (safeIntegers !== this.#safeIntegers) {
      statement.safeIntegers(safeIntegers)
      this.#safeIntegers = safeIntegers
    }
    return statement
  }
}

/**
 * The prepared statements of one connection by SQL text, the least recently used given up first.
 * Without a bound, generated SQL grows the process by 4.5 kB a statement and slows down `close()`.
 */
export class StatementCache {
  readonly #database: Database.Database
  readonly #capacity: number
  /** In the order of use: a hit moves to the end. */
  readonly #statements = new Map<string, PreparedStatement>()

  constructor(database: Database.Database, capacity: number) {
    this.#database = database
    this.#capacity = capacity
  }

  get size(): number {
    return this.#statements.size
  }

  has(sql: string): boolean {
    return this.#statements.has(sql)
  }

  /** The statement of `sql`, prepared now if it is not here. */
  prepare(sql: string): PreparedStatement {
    const cached = this.#statements.get(sql)
    if (cached !== undefined) {
      this.#statements.delete(sql)
      this.#statements.set(sql, cached)
      return cached
    }
    const prepared = this.prepareAnew(sql)
    if (this.#capacity > 0) {
      this.#statements.set(sql, prepared)
      if (this.#statements.size > this.#capacity) this.#dropOldest()
    }
    return prepared
  }

  /** A second statement of the same text, outside the cache: the cached one is in the middle of its rows. */
  prepareAnew(sql: string): PreparedStatement {
    return new PreparedStatement(this.#database.prepare(sql), altersConnection(sql))
  }

  #dropOldest(): void {
    const oldest = this.#statements.keys().next()
    if (oldest.done !== true) this.#statements.delete(oldest.value)
  }
}
