import type { CheckpointEvent } from '../../telemetry/events.ts'
import type { PoolStats } from '../../telemetry/stats.ts'

/** The state of the log as of now. `null` is unknown, never zero. Asking never checkpoints. */
export interface WALInfo {
  readonly journalMode: string | null
  /** Committed frames in the log. */
  readonly frames: number | null
  /** Of those, frames already copied into the database file. */
  readonly backfilledFrames: number | null
  /** Frames still to be copied. */
  readonly pendingFrames: number | null
  /** Length of the `-wal` file; it keeps its length when frames are copied or the log starts over. */
  readonly sizeBytes: number | null
  readonly databaseSizeBytes: number | null
  readonly pageSizeBytes: number | null
  /** Age of the oldest pending frame, as exact as the probe is frequent; 0 when there is none. */
  readonly oldestPendingMs: number
  /** Backfill stands still while frames pile up: a reader pins the log. */
  readonly isStarved: boolean
  /** Time between interval checkpoints; 0 is none, `null` no automatic checkpoint at all. */
  readonly intervalMs: number | null
  /** Epoch ms of the probe that the frames come from. */
  readonly probedAtMs: number | null
  /** Probes that SQLite could not answer. */
  readonly unknownProbes: number
  readonly lastCheckpoint: CheckpointEvent | null
  /** Epoch ms of the last checkpoint that copied every frame. */
  readonly lastCompleteAtMs: number | null
}

/** What the manager knows beside the stats. */
type Rest = Pick<WALInfo, 'oldestPendingMs' | 'isStarved' | 'intervalMs' | 'lastCheckpoint'>

export function describeWAL(stats: Pick<PoolStats, 'wal' | 'checkpoint'>, rest: Rest): WALInfo {
  const { wal, checkpoint } = stats
  const { frames, backfilledFrames } = wal
  return {
    journalMode: wal.journalMode,
    frames,
    backfilledFrames,
    pendingFrames: frames === null || backfilledFrames === null ? null : frames - backfilledFrames,
    sizeBytes: wal.sizeBytes,
    databaseSizeBytes: wal.databaseSizeBytes,
    pageSizeBytes: wal.pageSizeBytes,
    probedAtMs: wal.probedAtMs,
    unknownProbes: wal.unknownProbes,
    lastCompleteAtMs: checkpoint.lastCompleteAtMs,
    ...rest,
  }
}
