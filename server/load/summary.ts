import type { LoadOptions } from './flags.ts'
import { KINDS, type Kind } from './mix.ts'
import type { DurationSummary, Tally } from './tally.ts'

/** What happened, as `--json` prints it. Durations are milliseconds. */
export interface Summary {
  readonly url: string
  readonly seed: number
  readonly concurrency: number
  /** Asked for; `null` in a closed loop. */
  readonly rate: number | null
  /** From the first start to the last answer. */
  readonly elapsedMs: number
  readonly isEndedEarly: boolean
  /** Answered. */
  readonly requests: number
  readonly requestsPerSecond: number
  readonly statuses: Readonly<Record<string, number>>
  /** Refusals by their code. */
  readonly refusals: Readonly<Record<string, number>>
  /** Requests without an answer. */
  readonly errors: Readonly<Record<string, number>>
  /** From the intended start to the last byte of the answer. */
  readonly latencyMs: DurationSummary
  readonly latencyMsByKind: Readonly<Partial<Record<Kind, DurationSummary>>>
  readonly waits: {
    /** How long after their intended start requests were sent; `null` in a closed loop. */
    readonly lateMs: DurationSummary | null
    /** Due, and never sent, because every caller was still waiting for an answer. */
    readonly unsent: number
    /** Pauses after a refusal or an error. */
    readonly pauses: number
  }
  /** Of this run. */
  readonly rows: { readonly created: number; readonly deleted: number; readonly left: number }
}

export function summarize(given: {
  readonly options: LoadOptions
  readonly tally: Tally
  readonly elapsedMs: number
  readonly unsentCount: number
  readonly isEndedEarly: boolean
  readonly rows: {
    readonly createdCount: number
    readonly deletedCount: number
    readonly ownIds: readonly number[]
  }
}): Summary {
  const { options, tally, elapsedMs, rows } = given
  const requests = tally.all.histogram.count
  return {
    url: options.url.href,
    seed: options.seed,
    concurrency: options.concurrency,
    rate: options.requestsPerSecond,
    elapsedMs: Math.round(elapsedMs),
    isEndedEarly: given.isEndedEarly,
    requests,
    requestsPerSecond: elapsedMs === 0 ? 0 : Math.round((requests / elapsedMs) * 10_000) / 10,
    statuses: sorted(tally.statuses),
    refusals: sorted(tally.codes),
    errors: sorted(tally.errors),
    latencyMs: tally.all.summary(),
    latencyMsByKind: Object.fromEntries(
      KINDS.filter((kind) => tally.byKind[kind].histogram.count > 0).map((kind) => [
        kind,
        tally.byKind[kind].summary(),
      ]),
    ),
    waits: {
      lateMs: options.requestsPerSecond === null ? null : tally.lateness.summary(),
      unsent: given.unsentCount,
      pauses: tally.pauseCount,
    },
    rows: {
      created: rows.createdCount,
      deleted: rows.deletedCount,
      left: rows.ownIds.length,
    },
  }
}

/** The summary for a person. */
export function formatSummary(summary: Summary): string {
  const { waits, rows } = summary
  const lines = [
    `${count(summary.requests)} requests in ${(summary.elapsedMs / 1000).toFixed(1)} s, ${count(summary.requestsPerSecond)} a second, ${summary.concurrency} at once, seed ${summary.seed}${summary.isEndedEarly ? ' (ended early)' : ''}`,
    ...listOf('answers', summary.statuses),
    ...listOf('refusals', summary.refusals),
    ...listOf('errors', summary.errors),
    '',
    formatRow('latency, ms', ['requests', 'p50', 'p90', 'p99', 'max']),
    ...Object.entries(summary.latencyMsByKind).map(([kind, durations]) =>
      formatDurations(kind, durations),
    ),
    formatDurations('all', summary.latencyMs),
    '',
  ]
  if (waits.lateMs !== null) {
    lines.push(
      `sent late: p50 ${ms(waits.lateMs.p50)} ms, p99 ${ms(waits.lateMs.p99)} ms, max ${ms(waits.lateMs.max)} ms; due and never sent: ${count(waits.unsent)}`,
    )
  }
  if (waits.pauses > 0) lines.push(`pauses after a refusal or an error: ${count(waits.pauses)}`)
  lines.push(
    `rows created: ${count(rows.created)}, deleted: ${count(rows.deleted)}${rows.left === 0 ? '' : `, left behind: ${count(rows.left)}`}`,
  )
  return `${lines.join('\n')}\n`
}

const listOf = (title: string, counts: Readonly<Record<string, number>>): string[] => {
  const parts = Object.entries(counts).map(([name, value]) => `${name}: ${count(value)}`)
  return parts.length === 0 ? [] : [`${title}  ${parts.join(', ')}`]
}

const formatDurations = (name: string, durations: DurationSummary): string =>
  formatRow(name, [
    count(durations.count),
    ...[durations.p50, durations.p90, durations.p99, durations.max].map(ms),
  ])

const formatRow = (name: string, cells: readonly string[]): string =>
  name.padEnd(12) + cells.map((cell) => cell.padStart(10)).join('')

const ms = (valueMs: number | null): string =>
  valueMs === null ? '–' : valueMs.toFixed(valueMs < 100 ? 1 : 0)

const count = (value: number): string => value.toLocaleString('en')

const sorted = (counts: ReadonlyMap<string | number, number>): Record<string, number> =>
  Object.fromEntries(
    [...counts]
      .map(([name, value]) => [String(name), value] as const)
      .sort((a, b) => a[0].localeCompare(b[0])),
  )
