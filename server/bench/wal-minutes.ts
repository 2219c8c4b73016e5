// `node server/bench/wal-minutes.ts --minutes N [--json]`: whether the log stays as long as it was, under readers that overlap for ever.
import { parseArgs } from 'node:util'
import { round } from './rounds.ts'
import type { EnduranceSample } from './wal-endurance.ts'
import { OVERLAP, takeSample } from './wal-sample.ts'

/** A log shorter than this may still grow: from here on (256 MiB) the pool holds readers back as well. */
const HARD_LIMIT_MB = 268.4
/** Of the longest in the first half: what the moments of looking make of a log that is always as long. */
const MOST_GROWTH = 1.2
const FIFTHS = 5
const LINE_EVERY_MS = 30_000

const EXIT_USAGE = 64

/** What `--json` prints. */
export interface EnduranceReport {
  readonly bench: 'wal'
  readonly node: string
  readonly minutes: number
  /** The longest log in each fifth of the time. */
  readonly largestMb: readonly number[]
  /** The longest of the second half is not above 1.2 times that of the first, or below the hard limit. */
  readonly bounded: boolean
  readonly resets: number
  readonly commits: number
  readonly reads: number
  /** Share of the time for which checkpoints held writers back. */
  readonly heldBackShare: number
}

/** As the other benches are run. */
export async function benchEndurance(
  minutes: number,
): Promise<{ readonly report: EnduranceReport; readonly table: string }> {
  const report = await measureEndurance(minutes)
  return { report, table: formatEndurance(report) }
}

export async function measureEndurance(
  minutes: number,
  options: { readonly rows?: number } = {},
): Promise<EnduranceReport> {
  const sampleMs = minutes * 60_000
  const given = { ...OVERLAP, ...options, sampleMs, lineEveryMs: LINE_EVERY_MS }
  const sample = await takeSample<EnduranceSample>('ours', { scene: 'endurance', ...given })
  return {
    bench: 'wal',
    node: process.version,
    minutes,
    largestMb: largestOf(sample.sizesMb, FIFTHS).map((mb) => round(mb, 1)),
    bounded: isBounded(sample.sizesMb),
    resets: sample.resets,
    commits: sample.commits,
    reads: sample.reads,
    heldBackShare: round(sample.heldBackMs / sampleMs, 5),
  }
}

/** The largest in each of so many parts, in order. */
export function largestOf(values: readonly number[], parts: number): number[] {
  const at = (part: number): number => Math.round((part * values.length) / parts)
  return Array.from({ length: parts }, (_, part) =>
    Math.max(0, ...values.slice(at(part), at(part + 1))),
  )
}

export function isBounded(sizesMb: readonly number[]): boolean {
  const [first, last] = largestOf(sizesMb, 2) as [number, number]
  return last <= Math.max(first * MOST_GROWTH, HARD_LIMIT_MB)
}

/** The report for a person. */
export function formatEndurance(report: EnduranceReport): string {
  const lines = [
    `readers that overlap for ${report.minutes} min: ${report.commits} commits, ${report.reads} reads, Node ${report.node}`,
    '',
    `longest log in each fifth, MB  ${report.largestMb.join('  ')}`,
    `bounded                        ${report.bounded ? 'yes' : 'no'}`,
    `resets                         ${report.resets}`,
    `writers held back              ${round(report.heldBackShare * 100, 3)} % of the time`,
  ]
  return `${lines.join('\n')}\n`
}

async function main(): Promise<number> {
  const given = readArguments()
  if (given === null) {
    console.error('node server/bench/wal-minutes.ts --minutes N [--json]')
    return EXIT_USAGE
  }
  const { report, table } = await benchEndurance(given.minutes)
  process.stdout.write(given.isJson ? `${JSON.stringify(report, null, 2)}\n` : table)
  return 0
}

function readArguments(): { readonly minutes: number; readonly isJson: boolean } | null {
  try {
    const { values } = parseArgs({
      options: { json: { type: 'boolean', default: false }, minutes: { type: 'string' } },
    })
    const minutes = Number(values.minutes)
    return minutes > 0 && minutes < Infinity ? { minutes, isJson: values.json } : null
  } catch {
    return null
  }
}

if (import.meta.main) process.exitCode = await main()
