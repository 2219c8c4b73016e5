import type { CheckpointTrigger } from '../../telemetry/stats.ts'
import type { ResolvedWALOptions } from './options.ts'

/** Bytes of a frame beside its page. */
const FRAME_HEADER_BYTES = 24
/** A log is left alone for this long before its file is truncated. */
export const QUIET_MS = 1000

/** What the decision looks at, all of it from one probe and the pool's own accounting. */
export interface WALSituation {
  /** `null` when SQLite could not be asked: nothing is decided then. */
  readonly frames: number | null
  readonly backfilledFrames: number | null
  readonly sizeBytes: number | null
  readonly pageSizeBytes: number | null
  /** Age of the oldest frame not yet copied back; 0 when there is none. */
  readonly oldestPendingMs: number
  /** Time since more than a trickle was written. */
  readonly quietMs: number
  readonly isIntervalDue: boolean
  /** Callers queued for the writer. */
  readonly waitingWriters: number
  /** How long the oldest read lease has been held; 0 when there is none. */
  readonly oldestReaderMs: number
  /** How long a blocking mode may make writers wait now. */
  readonly budgetMs: number
  /** A PASSIVE that copied nothing is not repeated at once. */
  readonly isPassiveBackedOff: boolean
  /** A blocking mode that found the log busy is not repeated at once. */
  readonly isBlockingBackedOff: boolean
}

/** What to do now, and what asked for it. */
export interface Decision {
  readonly action: 'none' | 'passive' | 'reset' | 'shrink'
  readonly trigger: CheckpointTrigger
}

type Limits = Pick<
  ResolvedWALOptions,
  'checkpointFrames' | 'checkpointAgeMs' | 'resetFrames' | 'resetBytes' | 'shrinkBytes'
>

const nothing: Decision = { action: 'none', trigger: 'interval' }

/**
 * The checkpoint strategy. Four times a second the first rule that applies decides:
 *
 * 1. **Reset** (`size`): the log holds `resetFrames` frames (16,000) or `resetBytes` (64 MiB), some of
 *    them pending. PASSIVE passes chase the writer until the rest is small; then the pool's writer lease
 *    is taken, so that writers wait in our queue, and RESTART makes the log start over. PASSIVE alone
 *    never gets there under steady writes: the next commit always comes before it has finished.
 * 2. **Soft** (`frames`): `checkpointFrames` frames pending (1000) → PASSIVE, which stalls nobody.
 * 3. **Shrink** (`size`): the file is larger than `shrinkBytes` (4 MiB) and for 1 s hardly anything was
 *    written → PASSIVE for what is pending, then TRUNCATE while the writer lease is held.
 * 4. **Interval** (`interval`): `WAL_CHECKPOINT_INTERVAL` has passed → PASSIVE if anything is pending; a
 *    quiet log is truncated whatever its size.
 * 5. **Age** (`age`): the oldest pending frame is older than `checkpointAgeMs` (30 s) → as 4.
 *
 * Never: FULL (it blocks writers as RESTART does and resets nothing); TRUNCATE while a writer waits;
 * RESTART or TRUNCATE while the oldest read lease is older than the budget (it would burn the whole
 * budget as writer stall and fail), or soon after one was busy (0.5 s, doubling to 30 s, ±20 %). A
 * PASSIVE that copied nothing waits 0.5 s, doubling to 8 s. The end of the lease that was in the way
 * clears both waits.
 */
export function decide(situation: WALSituation, limits: Limits): Decision {
  const { frames, backfilledFrames } = situation
  if (frames === null || backfilledFrames === null) return nothing
  const facts = derive({ ...situation, frames, backfilledFrames }, limits)
  return rules.find((rule) => rule.applies(facts))?.decision ?? nothing
}

interface Facts {
  readonly isPending: boolean
  readonly isOverSoftLimit: boolean
  readonly isLong: boolean
  readonly isLarge: boolean
  readonly hasFile: boolean
  readonly isIntervalDue: boolean
  readonly isAged: boolean
  /** RESTART and TRUNCATE have a chance. */
  readonly mayBlock: boolean
  readonly mayShrink: boolean
  readonly mayCopy: boolean
}

const rules: readonly { applies(facts: Facts): boolean; readonly decision: Decision }[] = [
  {
    applies: (facts) => facts.isLong && facts.isPending && facts.mayBlock,
    decision: { action: 'reset', trigger: 'size' },
  },
  {
    applies: (facts) => facts.isOverSoftLimit && facts.mayCopy,
    decision: { action: 'passive', trigger: 'frames' },
  },
  {
    applies: (facts) => facts.isLarge && facts.mayShrink,
    decision: { action: 'shrink', trigger: 'size' },
  },
  {
    applies: (facts) => facts.isIntervalDue && facts.hasFile && facts.mayShrink,
    decision: { action: 'shrink', trigger: 'interval' },
  },
  {
    applies: (facts) => facts.isIntervalDue && facts.isPending,
    decision: { action: 'passive', trigger: 'interval' },
  },
  {
    applies: (facts) => facts.isAged && facts.hasFile && facts.mayShrink,
    decision: { action: 'shrink', trigger: 'age' },
  },
  {
    applies: (facts) => facts.isAged && facts.mayCopy,
    decision: { action: 'passive', trigger: 'age' },
  },
]

function derive(
  situation: WALSituation & { readonly frames: number; readonly backfilledFrames: number },
  limits: Limits,
): Facts {
  const { frames, oldestPendingMs } = situation
  const pendingFrames = frames - situation.backfilledFrames
  const sizeBytes = situation.sizeBytes ?? 0
  const liveBytes = frames * ((situation.pageSizeBytes ?? 4096) + FRAME_HEADER_BYTES)
  const mayBlock = !situation.isBlockingBackedOff && situation.oldestReaderMs <= situation.budgetMs
  return {
    isPending: pendingFrames > 0,
    isOverSoftLimit: pendingFrames >= limits.checkpointFrames,
    isLong: frames >= limits.resetFrames || liveBytes >= limits.resetBytes,
    isLarge: sizeBytes > limits.shrinkBytes,
    hasFile: sizeBytes > 0,
    isIntervalDue: situation.isIntervalDue,
    isAged: limits.checkpointAgeMs > 0 && oldestPendingMs >= limits.checkpointAgeMs,
    mayBlock,
    mayShrink: mayBlock && situation.waitingWriters === 0 && situation.quietMs >= QUIET_MS,
    mayCopy: !situation.isPassiveBackedOff,
  }
}
