// One writer by the clock, and nobody else.
import type { Commits } from './wal-commits.ts'
import { dueUs, quantile, serviceUs } from './wal-latency.ts'
import { LogLength } from './wal-log.ts'
import { writePaced } from './wal-writer.ts'

const SLOW_US = 5000

export interface SteadyCase {
  readonly rows: number
  readonly sampleMs: number
  readonly perSecond: number
}

export const steadyMeasures = [
  'commits',
  'p50_us',
  'p99_us',
  'p999_us',
  'max_us',
  'due_p50_us',
  'due_p99_us',
  'due_p999_us',
  'due_max_us',
  'over_5_ms',
  'largest_wal_mb',
  'resets',
] as const

export async function sampleSteady(
  writer: Commits,
  { sampleMs, perSecond }: SteadyCase,
): Promise<Record<(typeof steadyMeasures)[number], number>> {
  await writer.warmUp()
  const endMs = performance.now() + sampleMs
  const log = new LogLength(writer)
  const isOver = (nowMs: number): boolean => nowMs >= endMs
  const commits = await writePaced(() => writer.commit(), { perSecond, isOver })
  await log.stop()
  const service = serviceUs(commits)
  const due = dueUs(commits)
  return {
    commits: commits.length,
    p50_us: quantile(service, 0.5),
    p99_us: quantile(service, 0.99),
    p999_us: quantile(service, 0.999),
    max_us: quantile(service, 1),
    due_p50_us: quantile(due, 0.5),
    due_p99_us: quantile(due, 0.99),
    due_p999_us: quantile(due, 0.999),
    due_max_us: quantile(due, 1),
    over_5_ms: service.filter((us) => us > SLOW_US).length,
    largest_wal_mb: log.largestMb,
    resets: log.resets,
  }
}
