import type { ChartFrame, ChartSpec } from '../components/chart-spec.ts'
import type { ValuesRow } from '../components/values-table.tsx'
import { timeOfDay } from '../format.ts'
import { lastPointAtMs, summarize, valueAt } from '../models/summary.ts'

/** A chart told in numbers: for the table, the readout, the sentence and the tests. */
export const VALUE_COLUMNS = ['Latest', 'Lowest', 'Mean', 'Highest'] as const

export const valueRows = (spec: ChartSpec, frame: ChartFrame): ValuesRow[] =>
  spec.lines.map((line, i) => {
    const { latest, lowest, mean, highest } = summarize(
      frame.atMs,
      frame.columns[i] ?? [],
      frame.span,
    )
    return { label: line.label, cells: [latest, lowest, mean, highest].map((v) => line.format(v)) }
  })

/** One sentence: the newest and the highest value of each line. */
export function chartSentence(title: string, spec: ChartSpec, frame: ChartFrame): string {
  const parts = spec.lines.map((line, i) => {
    const { latest, highest } = summarize(frame.atMs, frame.columns[i] ?? [], frame.span)
    return `${line.label} ${line.format(latest)}, highest ${line.format(highest)}`
  })
  const gaps = frame.gaps.length === 0 ? '' : ` ${frame.gaps.length} without data.`
  return `${title} from ${timeOfDay(frame.span.fromMs)} to ${timeOfDay(frame.span.toMs)}: ${parts.join('; ')}.${gaps}`
}

/** The values at a moment, a line each. */
export const readout = (
  spec: ChartSpec,
  frame: ChartFrame,
  atMs: number,
): { readonly label: string; readonly color: string; readonly text: string }[] =>
  spec.lines.map((line, i) => ({
    label: line.label,
    color: line.color,
    text: line.format(valueAt(frame.atMs, frame.columns[i] ?? [], atMs)),
  }))

export interface PointFacts {
  readonly pointCount: number
  readonly lastAtMs: number | null
}

/** How many points of the first line are in sight, and when the newest of them was measured. */
export function pointFacts(frame: ChartFrame): PointFacts {
  const column = frame.columns[0] ?? []
  return {
    pointCount: summarize(frame.atMs, column, frame.span).pointCount,
    lastAtMs: lastPointAtMs(frame.atMs, column, frame.span.toMs),
  }
}
