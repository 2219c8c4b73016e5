import Database from 'better-sqlite3'
import { createPool, type ConnectionPool, type PoolOptions } from '../index.ts'

/** What every commit writes to: so many rows and one index, in the database file and with no log left. */
export function seedTable(path: string, rows: number): void {
  const db = new Database(path)
  db.pragma('journal_mode = wal')
  db.exec(`
    CREATE TABLE entry (id INTEGER PRIMARY KEY, bucket INTEGER, body TEXT);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    INSERT INTO entry (bucket, body) SELECT i * 7919 % 5000, hex(randomblob(50)) FROM n;
    CREATE INDEX entry_bucket ON entry (bucket)`)
  // The last connection copies everything back, and removes the log.
  db.close()
}

/** A TRUNCATE of others can hold the lock for longer than the 5 s of the default: the stall is to be measured, not refused. */
const PATIENCE_MS = 60_000

/** A pool of the default size, of which so many readers are open: none is to be opened in the middle of a sample. */
export async function openPool(
  path: string,
  checkpointer: NonNullable<PoolOptions['checkpointer']>,
  readers: number,
): Promise<ConnectionPool> {
  const pool = await createPool({
    path,
    checkpointer,
    minReaders: readers,
    acquireTimeoutMs: PATIENCE_MS,
  })
  for (const warm of await Promise.all(Array.from({ length: readers }, () => pool.acquire()))) {
    await warm.get(LOOKUP, [1])
    await warm.release()
  }
  return pool
}

export const INSERT = 'INSERT INTO entry (bucket, body) VALUES (?, hex(randomblob(50)))'
export const UPDATE = 'UPDATE entry SET body = hex(randomblob(50)) WHERE id = ?'
export const LOOKUP = 'SELECT body FROM entry WHERE id = ?'

/** One transaction in one message: one row more, and another one somewhere in the table changed. */
export function commitTo(pool: ConnectionPool, rows: number): (index: number) => Promise<unknown> {
  return (index) =>
    pool.batch([
      { sql: INSERT, args: [(index * 31) % 5000] },
      { sql: UPDATE, args: [1 + Math.floor(Math.random() * rows)] },
    ])
}
