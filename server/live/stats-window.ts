import { quantileMs, subtract } from '../../telemetry/histogram.ts'
import type { Histogram, HistogramSnapshot } from '../../telemetry/histogram.ts'
import type { PoolStats } from '../../telemetry/stats.ts'

/** Rates and quantiles look back so far. */
const WINDOW_MS = 1000
/** A sample that came a little early still ends a window. */
const TOLERANCE_MS = 125

/** How much happened within the window. */
export interface WindowFigures {
  readonly waitP50Ms: number | null
  readonly waitP95Ms: number | null
  readonly waitP99Ms: number | null
  readonly useP99Ms: number | null
  /** `null` before there are two samples. */
  readonly acquiresPerSecond: number | null
  readonly failuresPerSecond: number | null
  readonly statementsPerSecond: number | null
  /** Acquires that failed within the window. */
  readonly failures: {
    readonly timeout: number
    readonly queue_full: number
    readonly shed: number
    readonly deadlock: number
    readonly open_failed: number
  }
}

/** The counters of one moment. */
interface Sample {
  readonly monoMs: number
  readonly waitMs: HistogramSnapshot
  readonly useMs: HistogramSnapshot
  readonly acquired: number
  readonly statements: number
  readonly failures: WindowFigures['failures']
}

const nothing: WindowFigures = {
  waitP50Ms: null,
  waitP95Ms: null,
  waitP99Ms: null,
  useP99Ms: null,
  acquiresPerSecond: null,
  failuresPerSecond: null,
  statementsPerSecond: null,
  failures: { timeout: 0, queue_full: 0, shed: 0, deadlock: 0, open_failed: 0 },
}

/**
 * What happened in the last second, by subtracting the counters of then from those of now. When samples
 * are further apart (a blocked event loop) the window is as long as the gap, and rates stay per second.
 */
export class StatsWindow {
  // Oldest first; the first is the latest that is at least a window old.
  #samples: Sample[] = []

  advance(stats: PoolStats, monoMs: number): WindowFigures {
    const now = takeSample(stats, monoMs)
    const lastOld = this.#samples.findLastIndex(
      (sample) => monoMs - sample.monoMs >= WINDOW_MS - TOLERANCE_MS,
    )
    if (lastOld > 0) this.#samples = this.#samples.slice(lastOld)
    const then = this.#samples[0]
    this.#samples.push(now)
    return then === undefined || monoMs <= then.monoMs ? nothing : difference(now, then)
  }
}

function difference(now: Sample, then: Sample): WindowFigures {
  const perSecond = (count: number): number =>
    round((count * 1000) / (now.monoMs - then.monoMs), 100)
  const waitMs = subtract(now.waitMs, then.waitMs)
  const failures = {
    timeout: now.failures.timeout - then.failures.timeout,
    queue_full: now.failures.queue_full - then.failures.queue_full,
    shed: now.failures.shed - then.failures.shed,
    deadlock: now.failures.deadlock - then.failures.deadlock,
    open_failed: now.failures.open_failed - then.failures.open_failed,
  }
  return {
    waitP50Ms: quantile(waitMs, 0.5),
    waitP95Ms: quantile(waitMs, 0.95),
    waitP99Ms: quantile(waitMs, 0.99),
    useP99Ms: quantile(subtract(now.useMs, then.useMs), 0.99),
    acquiresPerSecond: perSecond(now.acquired - then.acquired),
    failuresPerSecond: perSecond(failures.timeout + failures.queue_full + failures.shed),
    statementsPerSecond: perSecond(now.statements - then.statements),
    failures,
  }
}

function takeSample({ reader, writer, operationMs }: PoolStats, monoMs: number): Sample {
  return {
    monoMs,
    waitMs: both(reader.waitMs, writer.waitMs),
    useMs: both(reader.useMs, writer.useMs),
    acquired: reader.acquired + writer.acquired,
    statements: operationMs.count,
    failures: {
      timeout: reader.failed.timeout + writer.failed.timeout,
      queue_full: reader.failed.queue_full + writer.failed.queue_full,
      shed: reader.failed.shed + writer.failed.shed,
      deadlock: reader.failed.deadlock + writer.failed.deadlock,
      open_failed: reader.failed.open_failed + writer.failed.open_failed,
    },
  }
}

/** Two histograms as if they were one. */
function both(first: Histogram, second: Histogram): HistogramSnapshot {
  const sum = first.snapshot()
  const { buckets } = second.snapshot()
  for (let i = 0; i < buckets.length; i += 1) sum.buckets[i] = sum.buckets[i]! + buckets[i]!
  return {
    count: first.count + second.count,
    sumMs: first.sumMs + second.sumMs,
    buckets: sum.buckets,
  }
}

const quantile = (snapshot: HistogramSnapshot, q: number): number | null => {
  const valueMs = quantileMs(snapshot, q)
  return valueMs === null ? null : round(valueMs, 1000)
}

const round = (value: number, scale: number): number => Math.round(value * scale) / scale
