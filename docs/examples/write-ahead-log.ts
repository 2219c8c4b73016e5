// Looking at the log, shortening it by hand, and seeing which reader is in the way.
import { createPool } from '../../server/index.ts'

const pool = await createPool({ path: 'log.sqlite', checkpointIntervalMs: 0 })
await pool.run('CREATE TABLE IF NOT EXISTS entry (text TEXT) STRICT')
pool.onEvent((event) => {
  if (event.type === 'checkpoint') console.log('event:', event.mode, event.outcome)
})

async function write(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) await pool.run('INSERT INTO entry VALUES (?)', ['more'])
}

await write(50)
// Asking never checkpoints.
const { journalMode, pendingFrames } = await pool.wal.getWALInfo()
console.log(journalMode, 'with frames to copy:', (pendingFrames ?? 0) >= 50)

// A reader that stays in its transaction pins the log.
await pool.read(
  async (db) => {
    await db.prepare('SELECT count(*) FROM entry').get()
    await write(10)
    const stuck = await pool.wal.checkpoint('PASSIVE')
    console.log('not all copied, because of:', stuck.blockedBy[0]?.label)
  },
  { label: 'slow export' },
)

const done = await pool.wal.checkpoint('TRUNCATE')
console.log('size afterwards:', done.sizeAfterBytes)
await pool.close()

// Prints:
// wal with frames to copy: true
// event: PASSIVE partial_reader
// not all copied, because of: slow export
// event: TRUNCATE complete_reset
// size afterwards: 0
