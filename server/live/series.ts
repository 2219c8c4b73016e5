import { SERIES } from '../../telemetry/protocol.ts'
import type { SeriesName } from '../../telemetry/protocol.ts'

/** How several values of one series become one when a point covers more time. */
export type Merge = 'max' | 'min' | 'mean' | 'last'

/**
 * A merged point says how bad it got: 24 h seen in steps of 15 s must not hide a queue that stood for
 * two seconds. So what is used, queued or slow merges to its maximum and what is free to its minimum.
 * Rates merge to their mean, because rate × time must stay the number of things that happened. The
 * limit is a setting: its last value counts.
 */
const mergeBySeries: Readonly<Record<SeriesName, Merge>> = {
  inUse: 'max',
  idle: 'min',
  limit: 'last',
  waiting: 'max',
  readersInUse: 'max',
  writerInUse: 'max',
  waitP50Ms: 'max',
  waitP95Ms: 'max',
  waitP99Ms: 'max',
  useP99Ms: 'max',
  acquiresPerSecond: 'mean',
  failuresPerSecond: 'mean',
  statementsPerSecond: 'mean',
  walBytes: 'max',
  walFrames: 'max',
  walPendingFrames: 'max',
  eventLoopDelayP99Ms: 'max',
}

/** One per column, in the order of `SERIES`. */
export const merges: readonly Merge[] = SERIES.map(({ name }) => mergeBySeries[name])

export const seriesNames: readonly SeriesName[] = SERIES.map(({ name }) => name)

/** `into` after `value` came to it. `NaN` is no data and changes nothing; `share` is the weight of `value`. */
export function merged(merge: Merge, into: number, next: { value: number; share: number }): number {
  const { value, share } = next
  if (Number.isNaN(value)) return into
  if (Number.isNaN(into)) return value
  switch (merge) {
    case 'max':
      return Math.max(into, value)
    case 'min':
      return Math.min(into, value)
    case 'mean':
      return into + (value - into) * share
    case 'last':
      return value
  }
}
