import type { PoolEvent, TickValues } from '../../telemetry/protocol.ts'
import { EventRing } from './event-ring.ts'
import { HistoryTier } from './history-tier.ts'
import { merged, merges } from './series.ts'

/** A page asks for so many points when it does not say how many. */
const DEFAULT_POINTS = 1200
/** A sample stands for the second before it, as far as no other sample does. */
export const SAMPLE_SPAN_MS = 1000
const DAY_MS = 86_400_000
/** Failed and slow acquires have a ring of their own: a flood of them must not wash away the checkpoints. */
const EVENTS_PER_RING = 1000

export interface HistoryQuery {
  /** Epoch ms, inclusive. */
  readonly fromMs: number
  readonly toMs: number
  /** Time between two points; left out, it is chosen for about 1,200 points. */
  readonly stepMs?: number | undefined
}

/** The part of the wire's `History` that is kept here. */
export interface HistoryColumns {
  /** What the points really are apart: the step asked for, rounded up to what is kept. */
  readonly stepMs: number
  readonly atMs: readonly number[]
  readonly columns: readonly (readonly (number | null)[])[]
  readonly events: readonly PoolEvent[]
}

/**
 * What was, in bounded memory (1.5 MB, allocated at once): 250 ms for 5 minutes, 1 s for an hour, 15 s for
 * a day, and the last 2,000 events. `series.ts` says how values merge. No data is `null`, never zero.
 */
export class HistoryStore {
  // Finest first. Each is a little longer than its name: a page that asks for its last five minutes, by a
  // clock that is not quite ours, must not get the coarser ones.
  readonly #tiers = [
    new HistoryTier(250, 1260),
    new HistoryTier(1000, 3660),
    new HistoryTier(15_000, 5780),
  ] as const
  readonly #acquires = new EventRing(EVENTS_PER_RING)
  readonly #others = new EventRing(EVENTS_PER_RING)
  #lastAtMs = Number.NEGATIVE_INFINITY

  /** Takes the sample of the moment `atMs`, which must be later than the one before. */
  add(atMs: number, values: TickValues): void {
    if (atMs <= this.#lastAtMs) return
    const [finest, ...coarser] = this.#tiers
    const { stepMs } = finest
    const sinceMs = Number.isFinite(this.#lastAtMs) ? atMs - this.#lastAtMs : stepMs
    const spanMs = Math.min(SAMPLE_SPAN_MS, sinceMs)
    this.#lastAtMs = atMs
    // One sample a second, as when nobody watches, would otherwise be a chart full of holes.
    for (let cellMs = atMs - spanMs + stepMs; cellMs < atMs; cellMs += stepMs) {
      finest.add(cellMs, values, stepMs)
    }
    finest.add(atMs, values, stepMs)
    for (const tier of coarser) tier.add(atMs, values, spanMs)
  }

  addEvent(event: PoolEvent): void {
    const ring = event.type === 'acquire' ? this.#acquires : this.#others
    ring.add(event)
  }

  /**
   * Points on the grid of the step, from the tier that is fine enough and still goes back to `fromMs`;
   * what is older than a day is gone. The newest point may still be filling.
   */
  query(query: HistoryQuery): HistoryColumns {
    const { toMs } = query
    const fromMs = Math.max(query.fromMs, this.#lastAtMs - DAY_MS)
    const wantedMs = query.stepMs ?? Math.ceil((toMs - fromMs) / DEFAULT_POINTS)
    const tier = this.#tierFor(fromMs, wantedMs)
    const rowsPerPoint = Math.max(1, Math.ceil(wantedMs / tier.stepMs))
    const stepMs = rowsPerPoint * tier.stepMs
    const points = { tier, rowsPerPoint, ...pointRange(tier, { fromMs, toMs, stepMs }) }
    return {
      stepMs,
      atMs: Array.from({ length: points.count }, (_, i) => (points.first + i) * stepMs),
      columns: merges.map((_, column) => readColumn(points, column)),
      events: [...this.#acquires.between(fromMs, toMs), ...this.#others.between(fromMs, toMs)].sort(
        (a, b) => a.seq - b.seq,
      ),
    }
  }

  #tierFor(fromMs: number, wantedMs: number): HistoryTier {
    const fineEnough = this.#tiers.findLast((tier) => tier.stepMs <= wantedMs) ?? this.#tiers[0]
    const candidates = this.#tiers.filter((tier) => tier.stepMs >= fineEnough.stepMs)
    return candidates.find((tier) => tier.covers(fromMs)) ?? this.#tiers[2]
  }
}

interface Points {
  readonly tier: HistoryTier
  readonly rowsPerPoint: number
  /** The number of the first point on its grid. */
  readonly first: number
  readonly count: number
}

function pointRange(
  tier: HistoryTier,
  range: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number },
): Pick<Points, 'first' | 'count'> {
  if (tier.newestRow === -1) return { first: 0, count: 0 }
  const firstMs = Math.max(range.fromMs, tier.oldestRow * tier.stepMs)
  const lastMs = Math.min(range.toMs, tier.newestRow * tier.stepMs)
  const first = Math.floor(firstMs / range.stepMs)
  const last = Math.floor(lastMs / range.stepMs)
  return { first, count: Math.max(0, last - first + 1) }
}

function readColumn(points: Points, column: number): (number | null)[] {
  const { tier, rowsPerPoint, first, count } = points
  const merge = merges[column]!
  return Array.from({ length: count }, (_, point) => {
    let into = Number.NaN
    let valueCount = 0
    const firstRow = (first + point) * rowsPerPoint
    for (let row = firstRow; row < firstRow + rowsPerPoint; row += 1) {
      const value = tier.value(row, column)
      if (Number.isNaN(value)) continue
      valueCount += 1
      into = merged(merge, into, { value, share: 1 / valueCount })
    }
    if (Number.isNaN(into)) return null
    return merge === 'mean' ? Math.round(into * 1000) / 1000 : into
  })
}
