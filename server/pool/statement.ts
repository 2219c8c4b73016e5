import type { BindArguments, Row, RunResult } from './connection.ts'
import type { Lease } from './lease.ts'

/** A statement of one lease: the verbs of better-sqlite3, each a promise. */
export class Statement<R = Row> {
  readonly sql: string
  readonly #lease: Lease

  constructor(lease: Lease, sql: string) {
    this.#lease = lease
    this.sql = sql
  }

  all(...args: BindArguments): Promise<R[]> {
    return this.#lease.all<R>(this.sql, args)
  }

  get(...args: BindArguments): Promise<R | undefined> {
    return this.#lease.get<R>(this.sql, args)
  }

  run(...args: BindArguments): Promise<RunResult> {
    return this.#lease.run(this.sql, args)
  }

  /**
   * Rows one after the other, fetched in batches as they are consumed, so that a large result never is in
   * memory as a whole. Leaving the loop early closes the cursor.
   */
  async *iterate(...args: BindArguments): AsyncGenerator<R, void, undefined> {
    const cursor = await this.#lease.iterate(this.sql, args)
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
}
