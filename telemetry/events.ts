import type {
  AcquireFailure,
  CheckpointMode,
  CheckpointTrigger,
  CloseReason,
  Role,
} from './stats.ts'

/** The span that was active where something began: enough to parent or link a span made later. */
export interface TraceRef {
  readonly traceId: string
  readonly spanId: string
  readonly isSampled: boolean
}

/** One lease as a waiter or a starved checkpoint sees it. */
export interface HolderRef {
  readonly connectionId: number
  readonly leaseId: number
  readonly heldMs: number
  readonly label: string | null
  readonly sql: string | null
  readonly trace: TraceRef | null
}

/** What may keep the log from being copied back, or from starting over. */
export const WAL_HOLDER_KINDS = [
  /** A lease of this pool that is in a transaction, or whose statement runs. */
  'lease',
  /** A lease of this pool on which nothing runs, with an iterator that was not read to its end. */
  'iterator',
  /** Another process. */
  'process',
  /** Nothing that can be seen from here, or this process outside of the pool. */
  'unknown',
] as const
export type WALHolderKind = (typeof WAL_HOLDER_KINDS)[number]

export interface WALHolder {
  readonly kind: WALHolderKind
  /** Of kinds `lease` and `iterator`. */
  readonly lease: HolderRef | null
  /** Where that lease was acquired; captured only while leak detection is on. */
  readonly stack: string | null
  /** `null` where the platform does not tell. */
  readonly pid: number | null
  /** Its command line, of kind `process`. */
  readonly command: string | null
}

/** The oldest snapshot in use: nothing is copied back past it. */
export interface WALPin {
  /** Read slot of SQLite's wal-index, 0 to 4; `null` where it cannot be seen. */
  readonly slot: number | null
  /** The newest frame that it sees; `null` where it cannot be seen. */
  readonly frame: number | null
  /** Frames committed after that. */
  readonly lagFrames: number | null
  /** Since its snapshot began, or was first seen from here. */
  readonly heldMs: number
  readonly holder: WALHolder
}

/** One of the five places at which SQLite notes what readers see. */
export interface WALReadSlot {
  /** 0: the database file alone. 1 to 4: a state of the log. */
  readonly slot: number
  /** The newest frame that its readers see; `null` when it was not used yet. */
  readonly frame: number | null
  /** Who uses it now; none: the mark is stale and keeps nothing. */
  readonly holders: readonly WALHolder[]
}

/** An acquire that waited, opened a connection, or failed. An instant one makes no event. */
export interface AcquireEvent {
  readonly type: 'acquire'
  readonly role: Role
  readonly outcome: 'granted' | AcquireFailure
  readonly startedAtMs: number
  readonly waitMs: number
  /** Callers already queued in this lane when this one came. */
  readonly queueDepth: number
  readonly connectionId: number | null
  readonly hasOpened: boolean
  readonly label: string | null
  readonly trace: TraceRef | null
  /** The lease whose release served this caller. */
  readonly releasedBy: HolderRef | null
  /** The oldest holders at the time of queueing, at most four. */
  readonly holders: readonly HolderRef[]
}

/** A lease that ended; made only when its trace is sampled. */
export interface LeaseEvent {
  readonly type: 'lease'
  readonly role: Role
  readonly connectionId: number
  readonly leaseId: number
  readonly startedAtMs: number
  readonly useMs: number
  readonly statementCount: number
  /** Callers queued in the lane when the lease ended. */
  readonly waiterCount: number
  readonly label: string | null
  readonly trace: TraceRef | null
}

/** A statement; made only when its lease's trace is sampled, or when it failed. */
export interface StatementEvent {
  readonly type: 'statement'
  readonly role: Role
  readonly connectionId: number
  readonly sql: string
  readonly startedAtMs: number
  readonly durationMs: number
  readonly rowCount: number | null
  /** SQLite's extended code name, such as `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly errorCode: string | null
  readonly trace: TraceRef | null
}

export interface ConnectionOpenedEvent {
  readonly type: 'connection.opened'
  readonly role: Role
  readonly connectionId: number
  readonly startedAtMs: number
  readonly createMs: number
}

export interface ConnectionClosedEvent {
  readonly type: 'connection.closed'
  readonly role: Role
  readonly connectionId: number
  readonly reason: CloseReason
  readonly error: string | null
}

/**
 * A lease passed the leak threshold, or was dropped without a release (`isRecovered: false`); or it is back (`true`):
 * released after all, or taken away (`isReclaimed`).
 */
export interface LeakEvent {
  readonly type: 'leak'
  readonly isRecovered: boolean
  readonly isReclaimed: boolean
  readonly holder: HolderRef
  /** Where the lease was acquired; captured only while leak detection is on. */
  readonly stack: string | null
}

/** The share of connections in use crossed the near-capacity line: once up, once down per episode. */
export interface CapacityEvent {
  readonly type: 'capacity'
  readonly isNear: boolean
  readonly inUse: number
  readonly max: number
  readonly waiting: number
}

/** What a finished checkpoint achieved, from its result row and the probe after it. */
export const CHECKPOINT_OUTCOMES = [
  /** All frames copied and the log starts over. */
  'complete_reset',
  /** All frames copied; the next write may reuse the log. */
  'complete',
  /** All frames copied, and a reader still uses the log: it cannot start over yet. */
  'complete_pinned',
  /** A reader's snapshot kept the rest from being copied. */
  'partial_reader',
  /** A writer added frames meanwhile. */
  'partial_writer',
  /** A reader that reads the database file alone lets nothing be copied into it. */
  'blocked_read0',
  'busy_writer',
  'busy_checkpointer',
  /** There was nothing to copy. */
  'noop',
  'error',
] as const
export type CheckpointOutcome = (typeof CHECKPOINT_OUTCOMES)[number]

/** One `PRAGMA wal_checkpoint` of a checkpoint. */
export interface CheckpointPass {
  readonly mode: CheckpointMode
  /** Epoch ms. */
  readonly startedAtMs: number
  readonly durationMs: number
  readonly movedFrames: number
}

/** While writers of this pool were held back for a checkpoint. */
export interface CheckpointGate {
  /** Epoch ms. */
  readonly startedAtMs: number
  readonly durationMs: number
}

export interface CheckpointEvent {
  readonly type: 'checkpoint'
  readonly mode: CheckpointMode
  readonly trigger: CheckpointTrigger
  readonly outcome: CheckpointOutcome
  readonly startedAtMs: number
  readonly durationMs: number
  readonly isBusy: boolean
  /** Frames in the log and frames copied, as SQLite's row says; `null` when it said −1. */
  readonly logFrames: number | null
  readonly checkpointedFrames: number | null
  /** Frames that this checkpoint moved into the database file. */
  readonly movedFrames: number
  readonly sizeBeforeBytes: number | null
  readonly sizeAfterBytes: number | null
  readonly errorCode: string | null
  /** Leases that kept it, or may have kept it, from finishing, oldest first. */
  readonly blockedBy: readonly HolderRef[]
  /** Whose snapshot kept it from finishing; `null` when nobody's did. */
  readonly pin: WALPin | null
  /** In the order in which they ran. */
  readonly passes: readonly CheckpointPass[]
  /** `null` when no writer was held back. */
  readonly gate: CheckpointGate | null
}

/**
 * Backfill has stopped while frames pile up (`isStarved: true`), or it moves again. An episode is told once when it
 * begins, again each time it has lasted twice as long, and once when it ends.
 */
export interface StarvationEvent {
  readonly type: 'starvation'
  readonly isStarved: boolean
  /** It was told before. */
  readonly isRepeated: boolean
  readonly pendingFrames: number
  /** Of the episode so far. */
  readonly durationMs: number
  /** Who is in the way; when it ends, who was. */
  readonly pin: WALPin | null
}

/** Why writers are held back. */
export const BACKPRESSURE_REASONS = ['size', 'disk'] as const
export type BackpressureReason = (typeof BACKPRESSURE_REASONS)[number]

/** The log has reached its limit, or the disk its end: writers wait and then are refused (`isOn: true`), or no longer. */
export interface BackpressureEvent {
  readonly type: 'backpressure'
  readonly isOn: boolean
  readonly reason: BackpressureReason
  readonly sizeBytes: number | null
  readonly limitBytes: number
  readonly headroomBytes: number | null
  readonly pin: WALPin | null
}

export const POOL_STATES = [
  'starting',
  'ready',
  'suspended',
  'degraded',
  'draining',
  'closed',
  'failed',
] as const
export type PoolState = (typeof POOL_STATES)[number]

export interface PoolStateEvent {
  readonly type: 'pool'
  readonly state: PoolState
  readonly reason: string | null
}

export type PoolEventBody =
  | AcquireEvent
  | LeaseEvent
  | StatementEvent
  | ConnectionOpenedEvent
  | ConnectionClosedEvent
  | LeakEvent
  | CapacityEvent
  | CheckpointEvent
  | StarvationEvent
  | BackpressureEvent
  | PoolStateEvent

/** An event as its readers get it: numbered without holes, stamped in epoch ms. */
export type PoolEvent = PoolEventBody & { readonly seq: number; readonly atMs: number }

export type EventSink = (event: PoolEvent) => void

/** What the pool, and nothing else of telemetry, sees. Handed in by whoever builds the pool. */
export interface PoolObserver {
  /** Somebody hears events; if not, none need be made. */
  readonly isObserved: boolean
  /** Tells every sink. Never throws. */
  emit(body: PoolEventBody): void
  /** The span active in the caller's async context, or `null`; tens of ns. */
  captureTrace(): TraceRef | null
}
