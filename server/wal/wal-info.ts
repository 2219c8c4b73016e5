import type {
  BackpressureReason,
  CheckpointEvent,
  WALPin,
  WALReadSlot,
} from '../../telemetry/events.ts'
import type { Checkpointer, PoolStats } from '../../telemetry/stats.ts'

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
  readonly checkpointer: Checkpointer
  /** Times that the log started over. */
  readonly resets: number
  /** Times that frames were copied back, and not by this pool; 0 where SQLite checkpoints. */
  readonly externalCheckpoints: number
  /** The oldest snapshot in use, when commits came after it: nothing is copied back past it. */
  readonly pin: WALPin | null
  /** The five places at which SQLite notes what readers see; `null` where the platform does not show them. */
  readonly readSlots: readonly WALReadSlot[] | null
  /** Bytes of the log at which writers are held back while it cannot start over; 0: no limit. */
  readonly limitBytes: number
  /** Why they are held back now. */
  readonly backpressure: BackpressureReason | null
  /** What the disk has left when everything pending is copied back. */
  readonly headroomBytes: number | null
}

/** What the manager knows beside the stats. */
type Rest = Pick<
  WALInfo,
  'checkpointer' | 'intervalMs' | 'isStarved' | 'lastCheckpoint' | 'limitBytes' | 'oldestPendingMs'
>

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
    resets: wal.resets,
    externalCheckpoints: wal.externalCheckpoints,
    pin: wal.pin,
    readSlots: wal.readSlots,
    backpressure: wal.backpressure,
    headroomBytes: wal.headroomBytes,
    ...rest,
  }
}
