// One writer by the clock, and readers whose transactions overlap for ever: there is no moment without a snapshot.
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ConnectionPool } from '../index.ts'
import { quantile, serviceUs } from './wal-latency.ts'
import { LogLength } from './wal-log.ts'
import type { Commits } from './wal-commits.ts'
import type { ReaderData } from './wal-reader-thread.ts'
import { LOOKUP } from './wal-table.ts'
import { sleep, writePaced } from './wal-writer.ts'

export interface OverlapCase {
  readonly rows: number
  readonly sampleMs: number
  readonly perSecond: number
  readonly readers: number
  /** How long each read transaction stays open. */
  readonly holdMs: number
}

export const overlapMeasures = [
  'commits',
  'p50_us',
  'p90_us',
  'p99_us',
  'max_us',
  'largest_wal_mb',
  'resets',
  'reads',
] as const

export async function sampleOverlap(
  writer: Commits,
  given: OverlapCase & {
    readonly path: string
    /** Nobody checkpoints while it is measured. */
    readonly isLeftAlone: boolean
  },
): Promise<Record<(typeof overlapMeasures)[number], number>> {
  await writer.warmUp()
  if (given.isLeftAlone) writer.wal.stopAutoCheckpoint()
  const readers = await startThreads(given)
  const endMs = performance.now() + given.sampleMs
  const log = new LogLength(writer)
  const commits = await writePaced(() => writer.commit(), {
    perSecond: given.perSecond,
    isOver: (nowMs) => nowMs >= endMs,
  })
  await log.stop()
  const reads = await readers.stop()
  const service = serviceUs(commits)
  return {
    commits: commits.length,
    p50_us: quantile(service, 0.5),
    p90_us: quantile(service, 0.9),
    p99_us: quantile(service, 0.99),
    max_us: quantile(service, 1),
    largest_wal_mb: log.largestMb,
    resets: log.resets,
    reads,
  }
}

/** The same as `startReaders`, each on a thread and a connection of its own; all read when this resolves. */
async function startThreads({
  path,
  rows,
  readers,
  holdMs,
}: OverlapCase & { readonly path: string }): Promise<{ stop(): Promise<number> }> {
  const end = new Int32Array(new SharedArrayBuffer(4))
  const file = join(import.meta.dirname, 'wal-reader-thread.ts')
  const threads = Array.from({ length: readers }, (_, index) => {
    const delayMs = (index * holdMs) / readers
    const workerData: ReaderData = { path, rows, holdMs, delayMs, end }
    return new Worker(file, { workerData })
  })
  await Promise.all(threads.map((thread) => once(thread, 'message')))
  return {
    async stop() {
      const answers = threads.map((thread) => once(thread, 'message') as Promise<[number]>)
      Atomics.store(end, 0, 1)
      Atomics.notify(end, 0)
      return (await Promise.all(answers)).reduce((sum, [reads]) => sum + reads, 0)
    },
  }
}

/** Each begins when an equal share of the hold has passed since the one before; `stop` says how many reads ended. */
export function startReaders(
  pool: ConnectionPool,
  { readers, holdMs, rows }: Pick<OverlapCase, 'readers' | 'holdMs' | 'rows'>,
): { stop(): Promise<number> } {
  let isOver = false
  let reads = 0
  const reader = async (index: number): Promise<void> => {
    await sleep((index * holdMs) / readers)
    while (!isOver) {
      await pool.read(async (db) => {
        const startMs = performance.now()
        const id = 1 + Math.floor(Math.random() * rows)
        await db.get(LOOKUP, [id])
        await sleep(startMs + holdMs - performance.now())
        await db.get(LOOKUP, [id])
      })
      reads += 1
    }
  }
  const all = Promise.all(Array.from({ length: readers }, (_, index) => reader(index)))
  return {
    async stop() {
      isOver = true
      await all
      return reads
    },
  }
}
