// One way to run statements in a process of its own: a real pool on the file it is given, 50 clients that ask
// for one heavy aggregate after the other, and a light request every 5 ms, which finds the event loop as it is.
import { createPool, type ConnectionPool, type PoolOptions } from '../index.ts'
import { LightRequests } from './light-requests.ts'
import { answerCases } from './rounds.ts'

/** By name; a pool of `size` has one writer, so one reader less. */
export const variants: Readonly<
  Record<string, Required<Pick<PoolOptions, 'execution' | 'size' | 'minReaders'>>>
> = {
  inline: { execution: 'inline', size: 2, minReaders: 1 },
  '1_reader': { execution: 'thread', size: 2, minReaders: 1 },
  '2_readers': { execution: 'thread', size: 3, minReaders: 2 },
}

export interface ThreadsCase {
  readonly path: string
  readonly aggregate: string
  readonly clients: number
  readonly sampleMs: number
}

export interface ThreadsSample {
  readonly aggregatesPerS: number
  /** How late each light request came to run, that was due every 5 ms. */
  readonly latenessMs: readonly number[]
  /** From there through one turn of the event loop. */
  readonly lightTurnMs: readonly number[]
}

let open: Promise<ConnectionPool> | undefined

export async function sample(name: string, given: ThreadsCase): Promise<ThreadsSample> {
  open ??= openWarm(name, given)
  const pool = await open
  const light = new LightRequests()
  const startMs = performance.now()
  let finished = 0
  let endMs: number | null = null
  const isOver = new AbortController()
  const client = async (): Promise<void> => {
    for (;;) {
      // A request of a service comes through the event loop, and its answer leaves through it. Without this,
      // clients of an inline pool would follow each other in microtasks, and nothing else would ever run.
      await new Promise((resolve) => setImmediate(resolve))
      if (endMs !== null) return
      await pool.get(given.aggregate, [], { signal: isOver.signal })
      if (endMs !== null) return
      finished += 1
      const nowMs = performance.now()
      if (nowMs - startMs < given.sampleMs) continue
      endMs = nowMs
      light.stop(endMs)
      isOver.abort()
    }
  }
  const all = await Promise.allSettled(Array.from({ length: given.clients }, client))
  for (const each of all) {
    if (each.status === 'rejected' && each.reason !== isOver.signal.reason) throw each.reason
  }
  return {
    aggregatesPerS: (finished * 1000) / (endMs! - startMs),
    latenessMs: light.latenessMs,
    lightTurnMs: light.turnMs,
  }
}

/** Each connection has read the table once: the first sample pays for no cold cache. */
async function openWarm(name: string, given: ThreadsCase): Promise<ConnectionPool> {
  const options = variants[name]!
  const pool = await createPool({
    path: given.path,
    ...options,
    acquireTimeoutMs: 60_000,
    checkpointer: 'external',
  })
  const leases = await Promise.all(Array.from({ length: options.minReaders }, () => pool.acquire()))
  await Promise.all(leases.map((lease) => lease.get(given.aggregate)))
  for (const lease of leases) await lease.release()
  return pool
}

answerCases(import.meta, sample)
