import { Histogram, quantileMs, type HistogramSnapshot } from '../../telemetry/histogram.ts'
import { KINDS, type Kind } from './mix.ts'

/** Durations with their exact maximum, which a histogram alone does not keep. */
export class Durations {
  readonly histogram: Histogram = new Histogram()
  maxMs = 0

  record(valueMs: number): void {
    this.histogram.record(valueMs)
    if (valueMs > this.maxMs) this.maxMs = valueMs
  }

  summary(): DurationSummary {
    return summarizeDurations(this.histogram.snapshot(), this.maxMs)
  }
}

/** `null` when nothing was recorded. */
export interface DurationSummary {
  readonly count: number
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
  readonly max: number | null
}

function summarizeDurations(snapshot: HistogramSnapshot, maxMs: number): DurationSummary {
  // The middle of a bucket can lie above everything that fell into it.
  const quantile = (q: number): number | null => {
    const valueMs = quantileMs(snapshot, q)
    return valueMs === null ? null : round(Math.min(valueMs, maxMs))
  }
  return {
    count: snapshot.count,
    p50: quantile(0.5),
    p90: quantile(0.9),
    p99: quantile(0.99),
    max: snapshot.count === 0 ? null : round(maxMs),
  }
}

const round = (valueMs: number): number => Math.round(valueMs * 1000) / 1000

/** Everything that is counted while the load runs. */
export class Tally {
  /** Answered requests, whatever the answer. */
  readonly all: Durations = new Durations()
  readonly byKind: Readonly<Record<Kind, Durations>> = Object.fromEntries(
    KINDS.map((kind) => [kind, new Durations()]),
  ) as Record<Kind, Durations>
  /** How long after its intended start a request was sent; open loop only. */
  readonly lateness: Durations = new Durations()
  /** Answers by status. */
  readonly statuses = new Map<number, number>()
  /** Refusals by the code in their body. */
  readonly codes = new Map<string, number>()
  /** Requests without an answer, by the code of the error. */
  readonly errors = new Map<string, number>()
  errorCount = 0
  /** Pauses after a refusal or an error. */
  pauseCount = 0

  recordAnswer(
    kind: Kind,
    latencyMs: number,
    answer: { status: number; code: string | null },
  ): void {
    this.all.record(latencyMs)
    this.byKind[kind].record(latencyMs)
    count(this.statuses, answer.status)
    if (answer.code !== null) count(this.codes, answer.code)
  }

  recordError(code: string): void {
    this.errorCount += 1
    count(this.errors, code)
  }
}

const count = <K>(counts: Map<K, number>, key: K): void => {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
