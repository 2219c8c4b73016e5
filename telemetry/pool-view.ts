import type { CheckpointEvent, PoolState } from './events.ts'
import type { ConnectionRow, LitestreamView, WaiterRow } from './protocol.ts'
import type { Checkpointer, PoolStats } from './stats.ts'

/** What the readers of a pool (metrics, live stream, verdict) see of it. Reading changes nothing. */
export interface PoolView {
  readonly stats: PoolStats
  readonly state: PoolState
  /** Epoch ms. */
  readonly startedAtMs: number
  readonly acquireTimeoutMs: number
  /** Pending frames at which a checkpoint starts by itself; 0 when the pool starts none. */
  readonly checkpointFrames: number
  readonly checkpointer: Checkpointer
  /** Bytes of the log at which writers are held back; 0: no limit. */
  readonly walLimitBytes: number
  /** Open and opening connections, in order of their ids. */
  connections(): readonly ConnectionRow[]
  /** Callers queued now, each lane in the order it will be served. */
  waiters(): readonly WaiterRow[]
  lastCheckpoint(): CheckpointEvent | null
  /** `null` unless its metrics are configured. */
  litestream(): LitestreamView | null
}
