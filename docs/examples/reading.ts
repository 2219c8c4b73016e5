// A snapshot over several statements, and more rows than fit in memory.
import { createPool } from '../../server/index.ts'

const pool = await createPool({ path: 'measurements.sqlite' })
await pool.transaction(async (db) => {
  await db.exec(`
    DROP TABLE IF EXISTS measurement;
    CREATE TABLE measurement (id INTEGER PRIMARY KEY, celsius REAL NOT NULL) STRICT`)
  await db.exec(`
    WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 10000)
    INSERT INTO measurement (celsius) SELECT i % 40 FROM number`)
})

// Both statements see the same moment, whatever is written between them.
const report = await pool.read(async (db) => {
  const count = db.prepare<{ n: number }>('SELECT count(*) AS n FROM measurement')
  const before = await count.get()
  await pool.run('INSERT INTO measurement (celsius) VALUES (?)', [41])
  const after = await count.get()
  return { before: before?.n, after: after?.n }
})
console.log('in the snapshot:', report)
console.log('now:', await pool.get('SELECT count(*) AS n FROM measurement'))

// Rows come in batches as they are consumed. Leaving the loop closes the cursor.
await pool.withConnection(async (db) => {
  const rows = db.prepare<{ id: number; celsius: number }>('SELECT * FROM measurement ORDER BY id')
  for await (const { id, celsius } of rows.iterate()) {
    if (celsius < 39) continue
    console.log(`the first with 39 degrees: ${id}`)
    break
  }
})

// Somebody who writes on a reader is told so.
const refused = await pool
  .withConnection((db) => db.prepare('DELETE FROM measurement').run())
  .catch((error: unknown) => error as { code: string; hint: string })
console.log('code' in refused ? `${refused.code}: ${refused.hint}` : refused)

await pool.close()

// Prints:
// in the snapshot: { before: 10000, after: 10000 }
// now: { n: 10001 }
// the first with 39 degrees: 39
// LEASE_READ_ONLY: pass { mode: 'write' }, or use pool.run or pool.transaction
