import type {
  BackpressureReason,
  CheckpointEvent,
  ConnectionRow,
  PoolState,
  WALPin,
  WaiterRow,
} from '../../telemetry/protocol.ts'
import type { PoolView } from '../../telemetry/pool-view.ts'
import type { LaneStats, Role } from '../../telemetry/stats.ts'
import type { WindowFigures } from './stats-window.ts'

export interface LaneSituation {
  readonly role: Role
  readonly max: number
  readonly idle: number
  readonly inUse: number
  /** Connections whose statement was given up and still runs. */
  readonly zombie: number
  readonly waiting: number
  /** How long the first caller in the queue has waited; 0 when there is none. */
  readonly oldestWaitMs: number
}

/** Everything that the verdict looks at, at one moment. */
export interface VerdictSituation {
  readonly atMs: number
  readonly poolState: PoolState
  /** What the pool said when it went into that state. */
  readonly poolReason: string | null
  readonly lanes: readonly LaneSituation[]
  readonly connections: readonly ConnectionRow[]
  readonly acquireTimeoutMs: number
  readonly maxWaiters: number
  readonly failures: WindowFigures['failures']
  readonly waitP99Ms: number | null
  readonly eventLoopDelayP99Ms: number | null
  /** Checkpoints no longer make progress, as the WAL engine said. */
  readonly isStarved: boolean
  /** Whose snapshot they cannot get past. */
  readonly pin: WALPin | null
  /** Why nothing is written any more; `null` while writers are served. */
  readonly backpressure: BackpressureReason | null
  readonly pendingFrames: number | null
  readonly checkpointFrames: number
  readonly lastCheckpoint: CheckpointEvent | null
}

/** A wait of this length is worth a word: half a second, less when callers give up early. */
export const slowWaitMs = (acquireTimeoutMs: number): number =>
  acquireTimeoutMs > 0 ? Math.min(500, acquireTimeoutMs / 4) : 500

/** What the sampler adds to what the view shows. */
export type HeardSituation = Pick<
  VerdictSituation,
  'atMs' | 'poolReason' | 'failures' | 'waitP99Ms' | 'eventLoopDelayP99Ms'
>

export function readSituation(view: PoolView, heard: HeardSituation): VerdictSituation {
  const { stats } = view
  const waiters = view.waiters()
  const { frames, backfilledFrames, starvedSinceMs, pin, backpressure } = stats.wal
  return {
    ...heard,
    isStarved: starvedSinceMs !== null,
    pin,
    backpressure,
    poolState: view.state,
    lanes: [stats.reader, stats.writer].map((lane) => readLane(lane, waiters, heard.atMs)),
    connections: view.connections(),
    acquireTimeoutMs: view.acquireTimeoutMs,
    maxWaiters: stats.maxWaiters,
    pendingFrames: frames === null || backfilledFrames === null ? null : frames - backfilledFrames,
    checkpointFrames: view.checkpointFrames,
    lastCheckpoint: view.lastCheckpoint(),
  }
}

function readLane(lane: LaneStats, waiters: readonly WaiterRow[], atMs: number): LaneSituation {
  const { role, max, idle, inUse, zombie, waiting } = lane
  const first = waiters.find((waiter) => waiter.role === role)
  const oldestWaitMs = first === undefined ? 0 : Math.max(0, atMs - first.sinceAtMs)
  return { role, max, idle, inUse, zombie, waiting, oldestWaitMs }
}
