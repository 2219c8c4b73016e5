import { after, before } from 'node:test'
import type { PoolStats } from '../stats.ts'
import type { Collector } from './collector.ts'
import type { Traces } from './pool-life.ts'
import { runToCollector } from './run-to-collector.ts'

interface LifeReport {
  readonly stats: PoolStats
  readonly traces: Traces
  readonly traceOutside: unknown
  readonly sinkErrors: number
}

export interface CollectedLife {
  readonly collector: Collector
  readonly report: LifeReport
}

/** One life of a pool is enough for everything that only looks at it: before the tests of this suite. */
export function collectedLife(): CollectedLife {
  const stops: (() => void | Promise<void>)[] = []
  const life = {} as { collector: Collector; report: LifeReport }
  before(async () => {
    const { collector, run } = await runToCollector({ after: (fn) => stops.push(fn) }, 'life')
    life.collector = collector
    life.report = run.report as LifeReport
  })
  after(async () => {
    for (const stop of stops) await stop()
  })
  return life
}
