import type { PoolState } from '../telemetry/events.ts'
import { quantileMs, type Histogram } from '../telemetry/histogram.ts'
import type { AcquireFailure, CloseReason, LaneStats, PoolStats } from '../telemetry/stats.ts'

/** Quantiles since start; `null` before the first value. */
export interface DurationSnapshot {
  readonly count: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
}

/** One lane now, and its totals since start. */
export interface LaneSnapshot {
  readonly max: number
  readonly min: number
  readonly idle: number
  readonly inUse: number
  readonly opening: number
  readonly resetting: number
  readonly zombie: number
  readonly waiting: number
  readonly acquired: number
  readonly released: number
  readonly opened: number
  readonly dirtyReleased: number
  readonly doubleReleased: number
  readonly leakSuspected: number
  readonly revoked: number
  readonly busyRetried: number
  readonly failed: Readonly<Record<AcquireFailure, number>>
  readonly closed: Readonly<Record<CloseReason, number>>
  readonly wait: DurationSnapshot
  readonly use: DurationSnapshot
}

/** The pool at one moment: plain JSON, taken in one synchronous step. Asking changes nothing. */
export interface PoolSnapshot {
  readonly name: string
  readonly state: PoolState
  /** Open and free now. More may be opened, up to `max`. */
  readonly available: number
  readonly inUse: number
  /** Open, opening, being cleaned, and stuck in a statement that nobody waits for. */
  readonly total: number
  readonly max: number
  readonly waiting: number
  readonly maxWaiters: number
  readonly acquired: number
  readonly released: number
  readonly timedOut: number
  readonly queueFull: number
  readonly aborted: number
  readonly statements: number
  readonly readers: LaneSnapshot
  readonly writer: LaneSnapshot
}

export function snapshotPool(stats: PoolStats, state: PoolState): PoolSnapshot {
  const { reader, writer } = stats
  const sum = (pick: (lane: LaneStats) => number): number => pick(reader) + pick(writer)
  return {
    name: stats.name,
    state,
    available: sum((lane) => lane.idle),
    inUse: sum((lane) => lane.inUse),
    total: sum((lane) => lane.size),
    max: sum((lane) => lane.max),
    waiting: sum((lane) => lane.waiting),
    maxWaiters: stats.maxWaiters,
    acquired: sum((lane) => lane.acquired),
    released: sum((lane) => lane.released),
    timedOut: sum((lane) => lane.failed.timeout),
    queueFull: sum((lane) => lane.failed.queue_full),
    aborted: sum((lane) => lane.failed.aborted),
    statements: stats.operationMs.count,
    readers: snapshotLane(reader),
    writer: snapshotLane(writer),
  }
}

function snapshotLane(lane: LaneStats): LaneSnapshot {
  return {
    max: lane.max,
    min: lane.min,
    idle: lane.idle,
    inUse: lane.inUse,
    opening: lane.opening,
    resetting: lane.resetting,
    zombie: lane.zombie,
    waiting: lane.waiting,
    acquired: lane.acquired,
    released: lane.released,
    opened: lane.opened,
    dirtyReleased: lane.dirtyReleased,
    doubleReleased: lane.doubleReleased,
    leakSuspected: lane.leakSuspected,
    revoked: lane.revoked,
    busyRetried: lane.busyRetried,
    failed: { ...lane.failed },
    closed: { ...lane.closed },
    wait: snapshotDuration(lane.waitMs),
    use: snapshotDuration(lane.useMs),
  }
}

function snapshotDuration(histogram: Histogram): DurationSnapshot {
  const snapshot = histogram.snapshot()
  return {
    count: snapshot.count,
    p50Ms: quantileMs(snapshot, 0.5),
    p95Ms: quantileMs(snapshot, 0.95),
    p99Ms: quantileMs(snapshot, 0.99),
  }
}
