/** What the tracer watches: single commits, a checkpoint, the commit that starts the log over, a TRUNCATE. */
import { createPool } from '../../../index.ts'
import type { PoolOptions } from '../../../pool/options.ts'
import { order, tell } from './tell.ts'

export interface TracedOrder {
  readonly path: string
  readonly durability: NonNullable<PoolOptions['durability']>
  readonly commitCount: number
}

const { path, durability, commitCount } = order<TracedOrder>()
const pool = await createPool({ path, durability, size: 2, checkpointIntervalMs: 0 })
pool.wal.stopAutoCheckpoint()
await pool.run('CREATE TABLE entry (id INTEGER PRIMARY KEY, body TEXT)')

/** The tracer sees these lines between the calls that they are about. */
async function step(name: string, work: () => Promise<unknown>): Promise<void> {
  tell(`begins ${name}`)
  await work()
  tell(`ended ${name}`)
}

const commit = (): Promise<unknown> =>
  pool.run('INSERT INTO entry (body) VALUES (?)', ['x'.repeat(2000)])
const commits = async (): Promise<void> => {
  for (let i = 0; i < commitCount; i += 1) await step('commit', commit)
}

await commits()
await step('PASSIVE', () => pool.wal.checkpoint('PASSIVE'))
await step('first commit', commit)
await commits()
await step('RESTART', () => pool.wal.checkpoint('RESTART'))
await step('first commit', commit)
await commits()
await step('TRUNCATE', () => pool.wal.checkpoint('TRUNCATE'))
await step('first commit', commit)
await commits()
await step('close', () => pool.close())
