import type { Column } from '../models/time-columns.ts'

/** A size in the units of a drawing. */
export interface Box {
  readonly width: number
  readonly height: number
}

/** The path of a line from the left to the right edge; a gap lifts the pen. */
export function sparklinePath(
  points: { readonly atMs: readonly number[]; readonly column: Column },
  span: { readonly fromMs: number; readonly toMs: number },
  scale: Box & { readonly highest: number },
): string {
  const widthMs = span.toMs - span.fromMs
  let path = ''
  let isDown = false
  for (const [i, at] of points.atMs.entries()) {
    const value = points.column[i] ?? null
    if (value === null || at < span.fromMs || at > span.toMs) {
      isDown = false
      continue
    }
    const x = ((at - span.fromMs) / widthMs) * scale.width
    path += `${isDown ? 'L' : 'M'}${x.toFixed(1)} ${sparklineY(value, scale).toFixed(1)}`
    isDown = true
  }
  return path
}

/** One unit of room above and below, so that the line is not cut where it lies on an edge. */
export const sparklineY = (value: number, scale: Box & { readonly highest: number }): number =>
  scale.height - 1 - (Math.min(value, scale.highest) / scale.highest) * (scale.height - 2)
