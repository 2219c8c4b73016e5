// One checkpointer in a process of its own, for one sample: a fresh database, and the scene that it is given.
// `default`: SQLite inside commits. `truncate`: nobody, until somebody runs a TRUNCATE. `ours`: the engine of the pool.
// `nobody`: it as well, until the log has started over.
import type { ConnectionPool } from '../index.ts'
import { answerCases } from './rounds.ts'
import { Commits } from './wal-commits.ts'
import { openTruncator, sampleDrain, type DrainCase } from './wal-drain.ts'
import { sampleEndurance, type EnduranceCase } from './wal-endurance.ts'
import { sampleOverlap, type OverlapCase } from './wal-overlap.ts'
import { sampleSteady, type SteadyCase } from './wal-steady.ts'
import { openPool, seedTable } from './wal-table.ts'

export type WALCase = { readonly path: string } & (
  | ({ readonly scene: 'steady' } & SteadyCase)
  | ({ readonly scene: 'overlap' } & OverlapCase)
  | ({ readonly scene: 'drain' } & DrainCase)
  | ({ readonly scene: 'endurance' } & EnduranceCase)
)

export async function sample(name: string, given: WALCase): Promise<object> {
  seedTable(given.path, given.rows)
  switch (given.scene) {
    case 'steady':
      return withCommits(name, given, (writer) => sampleSteady(writer, given))
    case 'overlap':
      return withCommits(name, given, (writer) =>
        sampleOverlap(writer, { ...given, isLeftAlone: name === 'nobody' }),
      )
    case 'endurance':
      return withPool(name, given, given.readers, (pool) => sampleEndurance(pool, given))
    case 'drain':
      return withPool(name, given, 1, async (pool) => {
        pool.wal.stopAutoCheckpoint()
        const checkpoint =
          name === 'truncate'
            ? await openTruncator(given.path)
            : async () => (await pool.wal.checkpoint('RESTART')).busy
        return sampleDrain(pool, given, checkpoint)
      })
  }
}

async function withCommits(
  name: string,
  { path, rows }: WALCase,
  take: (writer: Commits) => Promise<object>,
): Promise<object> {
  const writer = new Commits(path, name === 'default' ? 'sqlite' : 'pool', rows)
  try {
    return await take(writer)
  } finally {
    await writer.close()
  }
}

async function withPool(
  name: string,
  { path }: WALCase,
  readers: number,
  take: (pool: ConnectionPool) => Promise<object>,
): Promise<object> {
  const pool = await openPool(path, name === 'truncate' ? 'external' : 'pool', readers)
  try {
    return await take(pool)
  } finally {
    await pool.close()
  }
}

answerCases(import.meta, sample)
