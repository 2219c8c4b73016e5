import type { CheckpointMode } from '../../../telemetry/stats.ts'

export interface LogPosition {
  readonly frames: number
  readonly backfilledFrames: number
}

/** What one `PRAGMA wal_checkpoint` did. */
export interface PassResult {
  readonly busy: 0 | 1
  /** Frames in the log; `null` when SQLite said −1: someone else is checkpointing. */
  readonly log: number | null
  /** Frames copied back in total; `null` when SQLite said −1. */
  readonly checkpointed: number | null
  /** Frames that this pass copied. */
  readonly movedFrames: number
  readonly before: LogPosition
  /** It was busy, and the write lock could not be had right after either. */
  readonly isWriterBusy: boolean
  /** Epoch ms. */
  readonly startedAtMs: number
  readonly durationMs: number
}

export interface WorkerOptions {
  readonly path: string
}

/** What the thread found when it opened the database. */
export interface OpenReport {
  readonly journalMode: string
  readonly sqliteVersion: string
}

export type ThreadRequest =
  | {
      readonly type: 'pass'
      readonly mode: CheckpointMode
      /** Busy timeout for this pass; PASSIVE never waits. */
      readonly budgetMs: number
    }
  | { readonly type: 'close' }

export interface ThreadFailure {
  readonly type: 'failure'
  readonly code: string
  readonly message: string
}

export type ThreadReply =
  | { readonly type: 'opened'; readonly report: OpenReport }
  | { readonly type: 'passed'; readonly result: PassResult }
  | ThreadFailure
