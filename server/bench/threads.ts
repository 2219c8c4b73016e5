// `npm run bench -- threads`: what worker threads do for the event loop, and for throughput, when 50 clients
// ask for heavy aggregates.
//
// Settings, and why:
// - One aggregate takes about 30 ms on one thread: long enough that nobody would want it on the event loop, and
//   that handing it to a thread costs next to nothing beside it. The table is made as long as that takes.
// - Each variant has a process of its own, with one pool that stays open; they take samples in turn.
// - The default of `cacheSizeBytes` holds the whole table for each reader: the disk is not measured.
// - A sample takes 3.2 s: the 50 of an inline pool need 1.5 s for one turn each, and two of these have to fit.
// - Nobody writes, and nobody checkpoints.
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPool, type ConnectionPool } from '../index.ts'
import {
  Subject,
  formatRow,
  formatSpread,
  medianRatio,
  rotate,
  round,
  spread,
  type Spread,
} from './rounds.ts'
import { variants, type ThreadsCase, type ThreadsSample } from './threads-subject.ts'

const AGGREGATE = `
  SELECT count(*) AS buckets, max(total) AS most
  FROM (SELECT bucket, sum(value) AS total, avg(value) AS mean FROM reading GROUP BY bucket)`
const FIRST_ROWS = 50_000
const CALIBRATION_RUNS = 7

const measures = [
  'aggregates_per_s',
  'lateness_p50_ms',
  'lateness_p99_ms',
  'lateness_max_ms',
  'light_turn_p99_ms',
] as const

type Measure = (typeof measures)[number]

/** What `--json` prints. */
export interface ThreadsReport {
  readonly bench: 'threads'
  readonly node: string
  readonly cores: number
  readonly rounds: number
  readonly sampleMs: number
  readonly clients: number
  readonly rows: number
  /** One aggregate alone, on the thread that asks. */
  readonly aggregateMs: number
  readonly variants: Readonly<Record<string, Readonly<Record<Measure, Spread>>>>
  /** Medians of the ratios within each round. */
  readonly ratios: Readonly<Record<string, number>>
}

export interface ThreadsOptions {
  readonly rounds?: number
  readonly sampleMs?: number
  readonly clients?: number
  /** How long one aggregate is to take. */
  readonly aggregateMs?: number
}

/** Measures every variant once a round, in an order that turns. */
export async function measureThreads(options: ThreadsOptions = {}): Promise<ThreadsReport> {
  const { rounds = 5, sampleMs = 3200, clients = 50, aggregateMs = 30 } = options
  const directory = mkdtempSync(join(tmpdir(), 'glasspool-bench-'))
  const path = join(directory, 'threads.sqlite')
  const subjects: Subject<ThreadsCase, ThreadsSample>[] = []
  const taken: Record<string, Record<Measure, number>[]> = {}
  try {
    const table = await seed(path, aggregateMs)
    for (const name of Object.keys(variants)) {
      subjects.push(new Subject('threads-subject.ts', name))
      taken[name] = []
    }
    const given: ThreadsCase = { path, aggregate: AGGREGATE, clients, sampleMs }
    for (let turn = 0; turn < rounds; turn += 1) {
      for (const subject of rotate(subjects, turn)) {
        taken[subject.name]!.push(digest(await subject.sample(given)))
      }
    }
    return { ...toReport(taken), rounds, sampleMs, clients, ...table }
  } finally {
    await Promise.all(subjects.map((subject) => subject.close()))
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Makes the table as long as one aggregate is to take: by a short one, which tells how long. */
async function seed(
  path: string,
  aggregateMs: number,
): Promise<{ readonly rows: number; readonly aggregateMs: number }> {
  const pool = await createPool({ path, size: 1, execution: 'inline' })
  try {
    await pool.run('CREATE TABLE reading (id INTEGER PRIMARY KEY, bucket INTEGER, value REAL)')
    await insert(pool, FIRST_ROWS)
    const rows = Math.ceil((FIRST_ROWS * aggregateMs) / (await timeAggregate(pool)))
    await insert(pool, Math.max(0, rows - FIRST_ROWS))
    return {
      rows: Math.max(rows, FIRST_ROWS),
      aggregateMs: round(await timeAggregate(pool), 1),
    }
  } finally {
    await pool.close()
  }
}

async function insert(pool: ConnectionPool, count: number): Promise<void> {
  await pool.run(
    `WITH RECURSIVE n (i) AS (SELECT 1 WHERE @count > 0 UNION ALL SELECT i + 1 FROM n WHERE i < @count)
     INSERT INTO reading (bucket, value) SELECT i * 7919 % 500, i % 1000 / 7.0 FROM n`,
    [{ count }],
  )
}

/** The least of several: a busy machine only makes it longer. */
async function timeAggregate(pool: ConnectionPool): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < CALIBRATION_RUNS; run += 1) {
    const startMs = performance.now()
    await pool.get(AGGREGATE, [], { mode: 'write' })
    times.push(performance.now() - startMs)
  }
  return Math.min(...times)
}

function digest({
  aggregatesPerS,
  latenessMs,
  lightTurnMs,
}: ThreadsSample): Record<Measure, number> {
  return {
    aggregates_per_s: aggregatesPerS,
    lateness_p50_ms: quantile(latenessMs, 0.5),
    lateness_p99_ms: quantile(latenessMs, 0.99),
    lateness_max_ms: quantile(latenessMs, 1),
    light_turn_p99_ms: quantile(lightTurnMs, 0.99),
  }
}

/** The smallest value that at least such a share of all does not exceed. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  if (value === undefined) throw new Error('the sample is too short: no light request was served')
  return value
}

function toReport(
  taken: Readonly<Record<string, readonly Record<Measure, number>[]>>,
): Pick<ThreadsReport, 'bench' | 'node' | 'cores' | 'variants' | 'ratios'> {
  const of = (variant: string, measure: Measure): number[] =>
    taken[variant]!.map((each) => each[measure])
  const ratio = (above: string, below: string, measure: Measure): number =>
    medianRatio(of(above, measure), of(below, measure))
  return {
    bench: 'threads',
    node: process.version,
    cores: availableParallelism(),
    variants: Object.fromEntries(
      Object.keys(taken).map((variant) => [
        variant,
        Object.fromEntries(measures.map((measure) => [measure, spread(of(variant, measure), 2)])),
      ]),
    ) as ThreadsReport['variants'],
    ratios: {
      throughput_1_reader_vs_inline: ratio('1_reader', 'inline', 'aggregates_per_s'),
      throughput_2_readers_vs_inline: ratio('2_readers', 'inline', 'aggregates_per_s'),
      throughput_2_vs_1_reader: ratio('2_readers', '1_reader', 'aggregates_per_s'),
      lateness_p99_inline_vs_1_reader: ratio('inline', '1_reader', 'lateness_p99_ms'),
      lateness_p99_inline_vs_2_readers: ratio('inline', '2_readers', 'lateness_p99_ms'),
      light_turn_p99_inline_vs_1_reader: ratio('inline', '1_reader', 'light_turn_p99_ms'),
      light_turn_p99_inline_vs_2_readers: ratio('inline', '2_readers', 'light_turn_p99_ms'),
    },
  }
}

/** The report for a person. */
export function formatThreads(report: ThreadsReport): string {
  const widths = [20, 30] as const
  const names = Object.keys(report.variants)
  const lines = [
    `${report.clients} clients of an aggregate of ${report.aggregateMs} ms (${report.rows} rows): median [min–max] of ` +
      `${report.rounds} rounds of ${report.sampleMs} ms, Node ${report.node}, ${report.cores} cores`,
    '',
    formatRow(['', ...names], widths),
    ...measures.map((measure) =>
      formatRow(
        [measure, ...names.map((name) => formatSpread(report.variants[name]![measure]))],
        widths,
      ),
    ),
    '',
    ...Object.entries(report.ratios).map(([name, value]) => `${name.padEnd(36)} ${value}`),
  ]
  return `${lines.join('\n')}\n`
}
