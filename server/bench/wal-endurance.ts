// The scene of the readers that overlap, for so long that a log without a bound would show.
import type { ConnectionPool } from '../index.ts'
import { startReaders, type OverlapCase } from './wal-overlap.ts'
import { commitTo } from './wal-table.ts'
import { writePaced } from './wal-writer.ts'

const EVERY_MS = 100
const MEGABYTE = 1e6

export interface EnduranceCase extends OverlapCase {
  /** Time between two lines on stderr. */
  readonly lineEveryMs: number
}

export interface EnduranceSample {
  /** Length of the log every 100 ms. */
  readonly sizesMb: readonly number[]
  readonly resets: number
  readonly commits: number
  readonly reads: number
  /** How long checkpoints held writers back, all together. */
  readonly heldBackMs: number
}

export async function sampleEndurance(
  pool: ConnectionPool,
  given: EnduranceCase,
): Promise<EnduranceSample> {
  const { wal, checkpoint } = pool.view.stats
  const sizesMb: number[] = []
  const startMs = performance.now()
  const sizeMb = (): number => (wal.sizeBytes ?? 0) / MEGABYTE
  const sampling = setInterval(() => sizesMb.push(sizeMb()), EVERY_MS)
  const telling = setInterval(() => {
    const seconds = Math.round((performance.now() - startMs) / 1000)
    console.error(`${seconds} s: log ${sizeMb().toFixed(1)} MB, ${wal.resets} resets`)
  }, given.lineEveryMs)
  const readers = startReaders(pool, given)
  const commits = await writePaced(commitTo(pool, given.rows), {
    perSecond: given.perSecond,
    isOver: (nowMs) => nowMs - startMs >= given.sampleMs,
  })
  clearInterval(sampling)
  clearInterval(telling)
  return {
    sizesMb,
    resets: wal.resets,
    commits: commits.length,
    reads: await readers.stop(),
    heldBackMs: checkpoint.stallMs.snapshot().sumMs,
  }
}
