import type { Column } from './time-columns.ts'

/** A series over a window in four numbers; all `null` when nothing was measured. */
export interface Summary {
  readonly latest: number | null
  readonly lowest: number | null
  readonly mean: number | null
  readonly highest: number | null
  /** Points that are numbers. */
  readonly pointCount: number
}

/** The numbers of the points inside the window; points beside it only lead lines to the edge. */
export function summarize(
  atMs: readonly number[],
  column: Column,
  span: { readonly fromMs: number; readonly toMs: number },
): Summary {
  let [pointCount, sum] = [0, 0]
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const [i, at] of atMs.entries()) {
    const value = column[i] ?? null
    if (value === null || at < span.fromMs || at > span.toMs) continue
    pointCount += 1
    sum += value
    lowest = Math.min(lowest, value)
    highest = Math.max(highest, value)
  }
  const latest = valueAt(atMs, column, span.toMs)
  if (pointCount === 0) return { latest, lowest: null, mean: null, highest: null, pointCount }
  return { latest, lowest, mean: sum / pointCount, highest, pointCount }
}

/** The value of the newest point not later than `ms`; `null` when that point has none. */
export function valueAt(atMs: readonly number[], column: Column, ms: number): number | null {
  const index = atMs.findLastIndex((at) => at <= ms)
  return index < 0 ? null : (column[index] ?? null)
}

/** The time of the newest point not later than `ms` that is a number. */
export function lastPointAtMs(atMs: readonly number[], column: Column, ms: number): number | null {
  const index = atMs.findLastIndex((at, i) => at <= ms && (column[i] ?? null) !== null)
  return atMs[index] ?? null
}
