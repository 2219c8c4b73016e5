// One contender in a process of its own: in a shared one, call sites that have seen several pools make the
// good ones several times slower. The parent asks for one sample at a time.
import { contenders, type Contender } from './contenders.ts'

/** `callers` take turns on `size` connections; those that have none wait in the queue. */
export interface AcquireCase {
  readonly size: number
  readonly callers: number
  /** Least CPU time of a sample. */
  readonly sampleMs: number
}

/** CPU time of this thread, which a busy machine does not inflate as it does the time on the wall. */
function cpuNowUs(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/**
 * µs of CPU for `count` times acquire and release, once every caller has had its first turn: the queue is
 * then as long as it stays. The connection is kept for one turn of the microtask queue.
 */
async function work(pool: Contender, callers: number, count: number): Promise<number> {
  let served = 0
  let startUs = 0
  let endUs: number | null = null
  const call = async (): Promise<void> => {
    while (endUs === null) {
      const lease = await pool.acquire()
      served += 1
      if (served === callers) startUs = cpuNowUs()
      else if (served === callers + count) endUs = cpuNowUs()
      await pool.release(lease)
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return endUs! - startUs
}

const counts = new Map<string, number>()

/** ns of CPU for one acquire and release; more of them are done until a sample is long enough. */
export async function sample(name: string, given: AcquireCase): Promise<number> {
  const pool = await contenders[name]!(given.size)
  const key = `${given.size}/${given.callers}`
  try {
    for (let count = counts.get(key) ?? 1000; ; count *= 2) {
      counts.set(key, count)
      const elapsedUs = await work(pool, given.callers, count)
      if (elapsedUs >= given.sampleMs * 1000) return (elapsedUs * 1000) / count
    }
  } finally {
    await pool.close()
  }
}

if (process.send !== undefined && process.argv[1] === import.meta.filename) {
  const name = process.argv[2]!
  process.on('message', (given: AcquireCase) => {
    void sample(name, given).then((ns) => process.send!(ns))
  })
}
