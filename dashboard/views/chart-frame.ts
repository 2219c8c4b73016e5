import type { ChartFrame, Moment, Reference } from '../components/chart-spec.ts'
import type { SeriesName } from '../../telemetry/protocol.ts'
import type { Mark } from '../models/marks.ts'
import type { Shown } from '../models/page-view.ts'
import type { Column, Gap } from '../models/time-columns.ts'

/** Silence at the right edge from which on it is a gap and not the time between two ticks. */
const TRAILING_GAP_MS = 3000

/** What a chart of these series draws now. `map` turns a column into what is drawn of it. */
export function chartFrame(
  shown: Shown,
  names: readonly SeriesName[],
  extras: {
    readonly references?: readonly Reference[]
    readonly moments?: readonly Moment[]
    readonly map?: (column: Column, index: number) => Column
  } = {},
): ChartFrame {
  const { span, store } = shown
  const slice = store.slice(span, names)
  const { map } = extras
  return {
    atMs: slice.atMs,
    columns: map === undefined ? slice.columns : slice.columns.map((column, i) => map(column, i)),
    span,
    gaps: gapsOf(shown),
    references: extras.references ?? [],
    moments: [...restarts(shown.marks), ...(extras.moments ?? [])],
  }
}

/** Checkpoints as lines down a chart. */
export const checkpointMoments = (marks: readonly Mark[]): Moment[] =>
  marks
    .filter(({ lane }) => lane === 'checkpoint')
    .map(({ atMs, isPartial, tone }) => ({
      atMs,
      kind: !isPartial ? 'checkpoint' : tone === 'neutral' ? 'partial' : 'blocked',
    }))

const restarts = (marks: readonly Mark[]): Moment[] =>
  marks.filter(({ id }) => id.startsWith('restart:')).map(({ atMs }) => ({ atMs, kind: 'restart' }))

function gapsOf({ store, span }: Shown): Gap[] {
  const gaps = store.gaps(span)
  const last = store.lastAtMs
  const isOpen = last !== null && span.toMs - last > TRAILING_GAP_MS
  return isOpen && last > span.fromMs - TRAILING_GAP_MS
    ? [...gaps, { fromMs: last, toMs: null }]
    : gaps
}
