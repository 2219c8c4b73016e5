import type Database from 'better-sqlite3'
import { altersConnection } from './altering-sql.ts'

export interface CachedStatement {
  readonly statement: Database.Statement
  /** It leaves something on the connection that outlives the lease. */
  readonly isAltering: boolean
}

/**
 * The prepared statements of one connection by SQL text, the least recently used given up first.
 * Without a bound, generated SQL grows the process by 4.5 kB a statement and slows down `close()`.
 */
export class StatementCache {
  readonly #database: Database.Database
  readonly #capacity: number
  /** In the order of use: a hit moves to the end. */
  readonly #statements = new Map<string, CachedStatement>()

  constructor(database: Database.Database, capacity: number) {
    this.#database = database
    this.#capacity = capacity
  }

  get size(): number {
    return this.#statements.size
  }

  /** The statement of `sql`, prepared now if it is not here. */
  prepare(sql: string): CachedStatement {
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
  prepareAnew(sql: string): CachedStatement {
    return { statement: this.#database.prepare(sql), isAltering: altersConnection(sql) }
  }

  #dropOldest(): void {
    const oldest = this.#statements.keys().next()
    if (oldest.done !== true) this.#statements.delete(oldest.value)
  }
}
