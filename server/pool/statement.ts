import type { BindArguments, Column, Row, RowShape, RunResult } from './connection.ts'
import type { Lease, LeaseCallOptions } from './lease.ts'

/** A statement of one lease: the verbs of better-sqlite3, each a promise. Its modes make a new statement of the same text. */
export class Statement<R = Row> {
  readonly sql: string
  readonly #lease: Lease
  readonly #options: LeaseCallOptions

  constructor(lease: Lease, sql: string, options: LeaseCallOptions = {}) {
    this.#lease = lease
    this.sql = sql
    this.#options = options
  }

  /** The first column of each row alone. */
  pluck<V = unknown>(): Statement<V> {
    return this.#with({ rows: 'pluck' })
  }

  /** Each row as an array, in the order of the columns. */
  raw<V = unknown[]>(): Statement<V> {
    return this.#with({ rows: 'raw' satisfies RowShape })
  }

  /** Integers as BigInt, so that none beyond 2⁵³ loses digits. */
  safeIntegers(): Statement<R> {
    return this.#with({ safeIntegers: true })
  }

  /** Stopped when the signal is aborted. */
  abortable(signal: AbortSignal): Statement<R> {
    return this.#with({ signal })
  }

  all(...args: BindArguments): Promise<R[]> {
    return this.#lease.all<R>(this.sql, args, this.#options)
  }

  get(...args: BindArguments): Promise<R | undefined> {
    return this.#lease.get<R>(this.sql, args, this.#options)
  }

  run(...args: BindArguments): Promise<RunResult> {
    return this.#lease.run(this.sql, args, this.#options)
  }

  columns(): Promise<readonly Column[]> {
    return this.#lease.columns(this.sql)
  }

  /**
   * Rows one after the other, fetched in batches as they are consumed, so that a large result never is in
   * memory as a whole. Leaving the loop early closes the cursor.
   */
  async *iterate(...args: BindArguments): AsyncGenerator<R, void, undefined> {
    const cursor = await this.#lease.iterate(this.sql, args, this.#options)
    try {
      for (;;) {
        const rows = await cursor.next()
        if (rows === undefined) return
        yield* rows as readonly R[]
      }
    } finally {
      await cursor.close()
    }
  }

  #with<V>(options: LeaseCallOptions): Statement<V> {
    return new Statement<V>(this.#lease, this.sql, { ...this.#options, ...options })
  }
}
