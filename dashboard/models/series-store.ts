import { SERIES } from '../../telemetry/protocol.ts'
import type { History, SeriesName, TickValues } from '../../telemetry/protocol.ts'
import { TimeColumns } from './time-columns.ts'
import type { Column, Gap, Slice } from './time-columns.ts'

/** Windows that the page offers, and how fine their points are. */
export const RANGES = [
  { name: '1m', windowMs: 60_000, stepMs: 250, words: 'last minute' },
  { name: '5m', windowMs: 300_000, stepMs: 250, words: 'last 5 minutes' },
  { name: '15m', windowMs: 900_000, stepMs: 1000, words: 'last 15 minutes' },
  { name: '1h', windowMs: 3_600_000, stepMs: 1000, words: 'last hour' },
] as const
export type Range = (typeof RANGES)[number]
export type RangeName = Range['name']

export const rangeNamed = (name: RangeName): Range => RANGES.find((range) => range.name === name)!

/** Where a series stands in every tick. */
export const seriesIndex = Object.fromEntries(
  SERIES.map(({ name }, index) => [name, index]),
) as Readonly<Record<SeriesName, number>>

const COARSE_STEP_MS = 1000

/** A point of a whole second shows the worst of its ticks where a peak is what one looks for. */
const keepsWorst = new Set<SeriesName>([
  'inUse',
  'waiting',
  'readersInUse',
  'writerInUse',
  'waitP50Ms',
  'waitP95Ms',
  'waitP99Ms',
  'useP99Ms',
  'failuresPerSecond',
  'walBytes',
  'walPendingFrames',
  'eventLoopDelayP99Ms',
])

/** Everything measured that the page remembers: each tick for five minutes, each second for an hour. */
export class SeriesStore {
  #fine = new TimeColumns({ width: SERIES.length, capacity: 1300, gapAfterMs: 2000 })
  #coarse = new TimeColumns({ width: SERIES.length, capacity: 3700, gapAfterMs: 3500 })
  #secondStartMs = Number.NEGATIVE_INFINITY
  #order: readonly number[] = SERIES.map((_, index) => index)
  #latest: TickValues | null = null

  /** The newest tick, or `null` before the first. */
  get latest(): TickValues | null {
    return this.#latest
  }

  get lastAtMs(): number | null {
    return this.#fine.lastAtMs
  }

  latestOf(name: SeriesName): number | null {
    return this.#latest?.[seriesIndex[name]] ?? null
  }

  /** The server's own names for the columns of a tick: another version may have more, or another order. */
  describe(names: readonly string[]): void {
    this.#order = orderOf(names)
  }

  tick(atMs: number, values: TickValues): void {
    const ordered = this.#order.map((index) => values[index] ?? null)
    if (this.lastAtMs !== null && atMs <= this.lastAtMs) return
    this.#latest = ordered
    this.#fine.push(atMs, ordered)
    this.#pushCoarse(atMs, ordered)
  }

  /** Something was lost: the lines break here until the history fills it in. */
  markGap(): void {
    this.#fine.pushGap()
    this.#coarse.pushGap()
    this.#secondStartMs = Number.NEGATIVE_INFINITY
  }

  merge(history: History): void {
    const order = orderOf(history.series)
    const slice: Slice = {
      atMs: [...history.atMs],
      columns: order.map((index): Column => [...(history.columns[index] ?? [])]),
    }
    // Coarse points would replace finer ones that we have: then only what is older helps.
    const isFine = history.stepMs < COARSE_STEP_MS
    this.#fine.merge(isFine ? slice : before(slice, this.#fine.firstAtMs))
    this.#coarse.merge(isFine ? bySecond(slice) : slice)
    this.#secondStartMs = this.#coarse.lastAtMs ?? Number.NEGATIVE_INFINITY
    const lastAtMs = history.atMs.at(-1)
    if (lastAtMs !== undefined && lastAtMs >= (this.lastAtMs ?? 0)) {
      this.#latest = this.#fine.lastValues()
    }
  }

  slice(
    span: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number },
    names: readonly SeriesName[],
  ): Slice {
    const columns = names.map((name) => seriesIndex[name])
    return this.#tier(span.stepMs).slice(span.fromMs, span.toMs, columns)
  }

  gaps(span: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number }): Gap[] {
    return this.#tier(span.stepMs).gaps(span.fromMs, span.toMs)
  }

  /** As it is now, for a paused page: the original goes on recording. */
  copy(): SeriesStore {
    const twin = new SeriesStore()
    twin.#fine = this.#fine.copy()
    twin.#coarse = this.#coarse.copy()
    twin.#latest = this.#latest
    return twin
  }

  #tier(stepMs: number): TimeColumns {
    return stepMs < COARSE_STEP_MS ? this.#fine : this.#coarse
  }

  #pushCoarse(atMs: number, values: TickValues): void {
    if (atMs - this.#secondStartMs >= COARSE_STEP_MS || this.#coarse.length === 0) {
      this.#secondStartMs = atMs
      this.#coarse.push(atMs, values)
    } else {
      this.#coarse.replaceLast(atMs, worse(this.#coarse.lastValues(), values))
    }
  }
}

function worse(known: TickValues, next: TickValues): (number | null)[] {
  return SERIES.map(({ name }, i) => {
    const [a, b] = [known[i] ?? null, next[i] ?? null]
    if (a === null || b === null || !keepsWorst.has(name)) return b ?? a
    return Math.max(a, b)
  })
}

function before(slice: Slice, firstAtMs: number | null): Slice {
  if (firstAtMs === null) return slice
  const end = slice.atMs.findIndex((atMs) => atMs >= firstAtMs)
  return end < 0
    ? slice
    : { atMs: slice.atMs.slice(0, end), columns: slice.columns.map((all) => all.slice(0, end)) }
}

function bySecond(slice: Slice): Slice {
  const atMs: number[] = []
  const columns: Column[] = slice.columns.map(() => [])
  let startMs = Number.NEGATIVE_INFINITY
  for (const [i, at] of slice.atMs.entries()) {
    const values = slice.columns.map((column) => column[i] ?? null)
    const isNew = at - startMs >= COARSE_STEP_MS
    const row = isNew ? atMs.length : atMs.length - 1
    const known = isNew ? [] : columns.map((column) => column[row] ?? null)
    if (isNew) startMs = at
    atMs[row] = at
    for (const [c, value] of worse(known, values).entries()) columns[c]![row] = value
  }
  return { atMs, columns }
}

const orderOf = (names: readonly string[]): number[] =>
  SERIES.map(({ name }) => names.indexOf(name))
