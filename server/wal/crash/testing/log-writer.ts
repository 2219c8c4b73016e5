/**
 * Fills a log with numbered commits and waits to be killed, so that the log stays behind. Each commit writes its number
 * into every row of `slot`, each on a page of its own, and adds a row to `history`: parts of two commits show.
 */
import { createPool } from '../../../index.ts'
import { SLOTS, type LogOrder } from './numbered-commits.ts'
import { order, tell } from './tell.ts'

const { path, baseCount, logCount, isRestarted } = order<LogOrder>()
// Nothing may be copied but what is asked for.
const pool = await createPool({ path, size: 2, checkpointer: 'pool', checkpointIntervalMs: 0 })
pool.wal.stopAutoCheckpoint()

await pool.transaction(async (db) => {
  await db.exec(`
    CREATE TABLE slot (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, filler BLOB NOT NULL);
    CREATE TABLE history (n INTEGER PRIMARY KEY, filler BLOB NOT NULL);
  `)
  const filler = Buffer.alloc(3000, 0x5a)
  for (let id = 1; id <= SLOTS; id += 1)
    await db.run('INSERT INTO slot VALUES (?, 0, ?)', [id, filler])
})

let n = 0
async function commit(count: number): Promise<void> {
  for (const last = n + count; n < last;) {
    n += 1
    await pool.transaction(async (db) => {
      await db.run('UPDATE slot SET n = ?', [n])
      await db.run('INSERT INTO history VALUES (?, ?)', [n, Buffer.alloc(500, n)])
    })
  }
}

await commit(baseCount)
// RESTART leaves the frames of the old log where they are, and the next commits go in front of them.
const { busy } = await pool.wal.checkpoint(isRestarted ? 'RESTART' : 'TRUNCATE')
await commit(logCount)
tell(`written ${busy}`)
// A timer, not a promise: something has to keep the process there.
setInterval(() => undefined, 60_000)
