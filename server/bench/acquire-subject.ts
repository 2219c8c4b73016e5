// One contender in a process of its own: in a shared one, call sites that have seen several pools make the
// good ones several times slower. The parent asks for one sample at a time.
import { getHeapStatistics } from 'node:v8'
import type { Contender } from './contender.ts'
import { contenders } from './contenders.ts'
import { answerCases } from './rounds.ts'

/** `callers` take turns on `size` connections; those that have none wait in the queue. */
export interface AcquireCase {
  readonly size: number
  readonly callers: number
  /** An async function that awaits, or one callback for all. */
  readonly caller: 'function' | 'callback'
  /** Least CPU time of a sample. */
  readonly sampleMs: number
}

/** Of one acquire and release. */
export interface AcquireSample {
  /** CPU time. */
  readonly ns: number
  /** Allocated, what the harness allocates included. Hardly varies, from run to run or between machines. */
  readonly bytes: number
}

/** The first attempt at a case, and how much larger than the last one the next may be. */
const FIRST_COUNT = 1000
const MAX_GROWTH = 10
/** Aims a little above the least time: otherwise half of the attempts would miss it. */
const MARGIN = 1.1

/** CPU time of this thread, which a busy machine does not inflate as it does the time on the wall. */
function cpuNowUs(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

interface Usage {
  readonly cpuUs: number
  readonly bytes: number
}

function usage(): Usage {
  return { cpuUs: cpuNowUs(), bytes: getHeapStatistics().total_allocated_bytes }
}

/**
 * What `count` times acquire and release take, once every caller has had its first turn: the queue is then as
 * long as it stays. The connection is kept for one turn of the microtask queue.
 */
async function workOfFunctions(pool: Contender, callers: number, count: number): Promise<Usage> {
  let served = 0
  let start: Usage | null = null
  let end: Usage | null = null
  const call = async (): Promise<void> => {
    while (end === null) {
      const lease = await pool.acquire()
      served += 1
      if (served === callers) start = usage()
      else if (served === callers + count) end = usage()
      await pool.release(lease)
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return between(start!, end!)
}

/** The same by callers that keep nothing of their own while they wait. */
function workOfCallbacks(pool: Contender, callers: number, count: number): Promise<Usage> {
  return new Promise((resolve, reject) => {
    let served = 0
    let endedCount = 0
    let start: Usage | null = null
    let end: Usage | null = null
    const onServed = (lease: unknown): void => {
      served += 1
      if (served === callers) start = usage()
      else if (served === callers + count) end = usage()
      if (end === null) pool.acquire().then(onServed, reject)
      else if ((endedCount += 1) === callers) resolve(between(start!, end))
      void pool.release(lease)
    }
    for (let i = 0; i < callers; i += 1) pool.acquire().then(onServed, reject)
  })
}

const between = (start: Usage, end: Usage): Usage => ({
  cpuUs: end.cpuUs - start.cpuUs,
  bytes: end.bytes - start.bytes,
})

const counts = new Map<string, number>()

/** More is done until the sample is long enough. */
export async function sample(name: string, given: AcquireCase): Promise<AcquireSample> {
  const pool = await contenders[name]!(given.size)
  const work = given.caller === 'function' ? workOfFunctions : workOfCallbacks
  const key = `${given.size}/${given.callers}/${given.caller}`
  const leastUs = given.sampleMs * 1000
  try {
    for (let count = counts.get(key) ?? FIRST_COUNT; ;) {
      const { cpuUs, bytes } = await work(pool, given.callers, count)
      counts.set(key, count)
      if (cpuUs >= leastUs) return { ns: (cpuUs * 1000) / count, bytes: bytes / count }
      // The clock may not have moved at all: its steps are as long as a tick of the kernel.
      const growth = (leastUs * MARGIN) / Math.max(cpuUs, 1)
      count = Math.ceil(count * Math.min(growth, MAX_GROWTH))
    }
  } finally {
    await pool.close()
  }
}

answerCases(import.meta, sample)
