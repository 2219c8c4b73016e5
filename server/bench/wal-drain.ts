// A long log that nobody copied back, and a writer that does not stop while somebody does.
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ConnectionPool } from '../index.ts'
import { worstStallMs } from './wal-latency.ts'
import { commitTo } from './wal-table.ts'
import { sleep, writePaced } from './wal-writer.ts'

/** A row of these fills a page, so that every frame is of a page of its own and has to be copied. */
const BODY_BYTES = 3900
/** As many as fit in the writer's cache: pages that do not would be written to the log twice. */
const ROWS_PER_COMMIT = 2000

export interface DrainCase {
  readonly path: string
  readonly rows: number
  readonly backlogBytes: number
  readonly perSecond: number
  /** The writer runs for so long before the checkpoint and after it. */
  readonly aroundMs: number
}

export const drainMeasures = ['stall_ms', 'checkpoint_ms', 'backlog_mb', 'busy'] as const

export type DrainSample = Record<(typeof drainMeasures)[number], number>

/** `checkpoint` resolves with 1 when it did not get all the way. */
export async function sampleDrain(
  pool: ConnectionPool,
  given: DrainCase,
  checkpoint: () => Promise<number>,
): Promise<DrainSample> {
  const backlogBytes = await fillLog(pool, given.backlogBytes)
  let endMs = Infinity
  const isOver = (nowMs: number): boolean => nowMs >= endMs
  const writing = writePaced(commitTo(pool, given.rows), { perSecond: given.perSecond, isOver })
  await Promise.race([sleep(given.aroundMs), writing])
  const startedMs = performance.now()
  const busy = await Promise.race([checkpoint(), writing.then(endedTooSoon)])
  const endedMs = performance.now()
  endMs = endedMs + given.aroundMs
  const commits = await writing
  return {
    stall_ms: worstStallMs(commits, startedMs, endMs),
    checkpoint_ms: endedMs - startedMs,
    backlog_mb: backlogBytes / 1e6,
    busy,
  }
}

function endedTooSoon(): never {
  throw new Error('BUG: the writer ended before the checkpoint')
}

async function fillLog(pool: ConnectionPool, leastBytes: number): Promise<number> {
  await pool.run('CREATE TABLE bulk (id INTEGER PRIMARY KEY, body BLOB)')
  for (;;) {
    const { sizeBytes } = await pool.wal.getWALInfo()
    if (sizeBytes !== null && sizeBytes >= leastBytes) return sizeBytes
    await pool.run(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @count)
       INSERT INTO bulk (body) SELECT randomblob(@bytes) FROM n`,
      [{ count: ROWS_PER_COMMIT, bytes: BODY_BYTES }],
    )
  }
}

/** The connection is open already: what is measured is the checkpoint alone. */
export async function openTruncator(path: string): Promise<() => Promise<number>> {
  const file = join(import.meta.dirname, 'wal-truncate-thread.ts')
  const worker = new Worker(file, { workerData: path })
  await once(worker, 'message')
  return async () => {
    const answer = once(worker, 'message')
    worker.postMessage('now')
    const [busy] = (await answer) as [number]
    return busy
  }
}
