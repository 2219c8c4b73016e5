import type { BackpressureReason, WALPin, WALReadSlot } from './events.ts'
import { Histogram } from './histogram.ts'

export type Role = 'reader' | 'writer'

/** Why an acquire ended without a lease. The values are `error.type` in OpenTelemetry. */
export const ACQUIRE_FAILURES = [
  'timeout',
  'queue_full',
  'shed',
  'deadlock',
  'aborted',
  'pool_closed',
  'open_failed',
  'wal_full',
] as const
export type AcquireFailure = (typeof ACQUIRE_FAILURES)[number]

/** Why a connection was closed. */
export const CLOSE_REASONS = [
  'idle',
  'lifetime',
  'evicted',
  'error',
  'lost',
  'discarded',
  'shutdown',
] as const
export type CloseReason = (typeof CLOSE_REASONS)[number]

/**
 * The numbers of one lane (all readers, or the writer). The pool writes them, everyone else reads.
 *
 * Invariant after every synchronous step: `idle + inUse + opening + resetting + zombie = size ≤ max`; after the
 * maximum was lowered, `size` comes down to it as connections are given back.
 */
export class LaneStats {
  readonly role: Role
  /** Connections the lane may hold. */
  max: number
  /** Connections that idle eviction keeps. */
  min: number

  idle = 0
  inUse = 0
  opening = 0
  /** Released, and being cleaned (rolled back, cursors closed) before it is granted again. */
  resetting = 0
  /** Its caller was told the end of a statement that SQLite still runs. */
  zombie = 0
  /** Callers queued in acquire now. */
  waiting = 0

  acquired = 0
  released = 0
  opened = 0
  /** Leases given back with a transaction or an iterator still open. */
  dirtyReleased = 0
  /** Releases of what was released before. */
  doubleReleased = 0
  /** Leases that passed the leak threshold. */
  leakSuspected = 0
  /** Leases taken away: out for too long, forgotten, or past the limit of their transaction. */
  revoked = 0
  /** Statements sent again because another process held the lock. */
  busyRetried = 0
  readonly failed: Record<AcquireFailure, number> = {
    timeout: 0,
    queue_full: 0,
    shed: 0,
    deadlock: 0,
    aborted: 0,
    pool_closed: 0,
    open_failed: 0,
    wal_full: 0,
  }
  readonly closed: Record<CloseReason, number> = {
    idle: 0,
    lifetime: 0,
    evicted: 0,
    error: 0,
    lost: 0,
    discarded: 0,
    shutdown: 0,
  }

  /** Every acquire, failed ones with their error type; 0 for one that never waited. */
  readonly waitMs: Histogram = new Histogram()
  /** Lease given → released. */
  readonly useMs: Histogram = new Histogram()
  /** Opening one connection, pragmas included. */
  readonly createMs: Histogram = new Histogram()
  /** Callers already queued when one more queued; recorded in units, not ms. */
  readonly queueDepth: Histogram = new Histogram()

  constructor(role: Role, limits: { readonly min: number; readonly max: number }) {
    this.role = role
    this.min = limits.min
    this.max = limits.max
  }

  get size(): number {
    return this.idle + this.inUse + this.opening + this.resetting + this.zombie
  }
}

export const CHECKPOINT_MODES = ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'] as const
export type CheckpointMode = (typeof CHECKPOINT_MODES)[number]

/** Who copies frames back: our thread, SQLite inside commits, or another program (Litestream). */
export type Checkpointer = 'pool' | 'sqlite' | 'external'

export const CHECKPOINT_TRIGGERS = [
  'frames',
  'age',
  'interval',
  'size',
  'limit',
  'manual',
  'shutdown',
] as const
export type CheckpointTrigger = (typeof CHECKPOINT_TRIGGERS)[number]

/**
 * The last known state of the write-ahead log. `null` is unknown, never zero: a NOOP probe that raced
 * a writer says nothing, and an older SQLite cannot be asked at all.
 */
export class WalStats {
  journalMode: string | null = null
  pageSizeBytes: number | null = null
  /** Length of the `-wal` file, from `stat`. It does not shrink when frames are copied back. */
  sizeBytes: number | null = null
  databaseSizeBytes: number | null = null
  /** Committed frames in the log (SQLite's mxFrame). */
  frames: number | null = null
  /** Of those, frames already copied into the database file (SQLite's nBackfill). */
  backfilledFrames: number | null = null
  /** Epoch ms of the probe that these come from. */
  probedAtMs: number | null = null
  /** Probes that SQLite could not answer. */
  unknownProbes = 0
  /** Times that the log started over. */
  resets = 0
  /** Times that frames were copied back, and not by this pool. */
  externalCheckpoints = 0
  /** Who reads which state of the log; `null` where it cannot be seen. */
  readSlots: readonly WALReadSlot[] | null = null
  /** The oldest snapshot in use, when commits came after it. */
  pin: WALPin | null = null
  /** Episodes in which nothing could be copied back. */
  starvations = 0
  /** Epoch ms since when nothing can be; `null` while it can. */
  starvedSinceMs: number | null = null
  /** What the disk has left when everything pending is copied back; `null` when it cannot be told. */
  headroomBytes: number | null = null
  /** Why writers are held back; `null` while they are not. */
  backpressure: BackpressureReason | null = null
}

export class CheckpointStats {
  completed = 0
  /** busy = 1, or fewer frames copied than logged. */
  incomplete = 0
  failed = 0
  framesMoved = 0
  lastAtMs: number | null = null
  /** Epoch ms of the last checkpoint that copied every frame. */
  lastCompleteAtMs: number | null = null
  readonly durationMs: Histogram = new Histogram()
  /** How long checkpoints held writers back: lease of the writer had → given back. */
  readonly stallMs: Histogram = new Histogram()
}

/**
 * The one structure of truth: the pool and the WAL engine write it, and OpenTelemetry instruments,
 * the live stream and `stats()` all read it. Nothing is counted twice.
 */
export class PoolStats {
  readonly name: string
  /** Base name of the database file: the `db.namespace` of every metric. */
  readonly namespace: string
  readonly maxWaiters: number
  readonly reader: LaneStats
  readonly writer: LaneStats
  /** Every statement as its caller sees it: sent → answered. */
  readonly operationMs: Histogram = new Histogram()
  readonly wal: WalStats = new WalStats()
  readonly checkpoint: CheckpointStats = new CheckpointStats()

  constructor(options: {
    readonly name: string
    readonly namespace: string
    readonly maxWaiters: number
    readonly readers: { readonly min: number; readonly max: number }
  }) {
    this.name = options.name
    this.namespace = options.namespace
    this.maxWaiters = options.maxWaiters
    this.reader = new LaneStats('reader', options.readers)
    this.writer = new LaneStats('writer', { min: 1, max: 1 })
  }
}
