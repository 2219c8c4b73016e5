import type { CheckpointTrigger } from '../../telemetry/stats.ts'
import type { ResolvedWALOptions } from './options.ts'

/** Bytes of a frame beside its page. */
const FRAME_HEADER_BYTES = 24
const USUAL_PAGE_BYTES = 4096
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
  /** How long the oldest snapshot has been held, whoever has it; 0 when there is none. */
  readonly longestHeldMs: number
  /** How long a blocking mode may make writers wait now. */
  readonly budgetMs: number
  /** The same for a log that is far too long, or when writers are held back anyway. */
  readonly hardBudgetMs: number
  /** A PASSIVE that copied nothing is not repeated at once. */
  readonly isPassiveBackedOff: boolean
  /** A blocking mode that found the log busy is not repeated at once. */
  readonly isBlockingBackedOff: boolean
  /** Writers are held back already, because the log or the disk has reached its limit. */
  readonly isBackpressured: boolean
}

/** What to do now, and what asked for it. */
export interface Decision {
  readonly action: 'none' | 'passive' | 'reset' | 'restart' | 'shrink' | 'relieve'
  readonly trigger: CheckpointTrigger
}

type Limits = Pick<
  ResolvedWALOptions,
  | 'checkpointFrames'
  | 'checkpointAgeMs'
  | 'resetFrames'
  | 'resetBytes'
  | 'hardFrames'
  | 'hardBytes'
  | 'shrinkBytes'
>

const nothing: Decision = { action: 'none', trigger: 'interval' }

/**
 * The checkpoint strategy. Four times a second the first rule that applies decides:
 *
 * 1. **Relief** (`limit`): writers are held back, because the log has reached `limitBytes` or the disk its
 *    end → TRUNCATE, which gives the space back, while whoever wants to begin to read waits too; or PASSIVE, as long as
 *    somebody has read for so long that it would fail.
 * 2. **Hard** (`size`): the log holds `hardFrames` frames (64,000) or `hardBytes` (256 MiB) → as 3, and whoever
 *    wants to begin to read waits too: readers that overlap leave no moment without one. Its budget is four times as long.
 * 3. **Reset** (`size`): the log holds `resetFrames` frames (16,000) or `resetBytes` (64 MiB), some of
 *    them pending. PASSIVE passes chase the writer until the rest is small; then the pool's writer lease
 *    is taken, so that writers wait in our queue, a PASSIVE copies the rest, and RESTART makes the log start
 *    over. PASSIVE alone never gets there under steady writes: the next commit always comes before it has
 *    finished. The limit moves from a quarter to twice its size, so that resets hold writers back for less than
 *    0.1 % of the time.
 * 4. **Soft** (`frames`): `checkpointFrames` frames pending (1000) → PASSIVE, which stalls nobody.
 * 5. **Shrink** (`size`): the file is larger than `shrinkBytes` (4 MiB) and for 1 s hardly anything was
 *    written → PASSIVE for what is pending, then TRUNCATE while the writer lease is held.
 * 6. **Interval** (`interval`): `WAL_CHECKPOINT_INTERVAL` has passed → PASSIVE if anything is pending; a
 *    quiet log is truncated whatever its size.
 * 7. **Age** (`age`): the oldest pending frame is older than `checkpointAgeMs` (30 s) → as 6.
 *
 * Never: FULL (it blocks writers as RESTART does and resets nothing); TRUNCATE while a writer waits that is not
 * held back anyway; RESTART or TRUNCATE while the oldest snapshot, of whomever, is older than the budget (it
 * would burn the whole budget as writer stall and fail), or soon after one was busy (0.5 s, doubling to 30 s,
 * ±20 %). A PASSIVE that copied nothing waits 0.5 s, doubling to 8 s. The end of the snapshot that was in the
 * way clears both waits. The budget is twice the usual read (p95), from 50 ms to 250 ms.
 */
export function decide(situation: WALSituation, limits: Limits): Decision {
  const { frames, backfilledFrames } = situation
  if (frames === null || backfilledFrames === null) return nothing
  const facts = derive({ ...situation, frames, backfilledFrames }, limits)
  return rules.find((rule) => rule.applies(facts))?.decision ?? nothing
}

/** What so many frames take in the log. */
export function framesToBytes(frames: number, pageSizeBytes: number | null): number {
  return frames * ((pageSizeBytes ?? USUAL_PAGE_BYTES) + FRAME_HEADER_BYTES)
}

interface Facts {
  readonly isPending: boolean
  readonly isOverSoftLimit: boolean
  readonly isLong: boolean
  readonly isTooLong: boolean
  readonly isBackpressured: boolean
  readonly isLarge: boolean
  readonly hasFile: boolean
  readonly isIntervalDue: boolean
  readonly isAged: boolean
  /** RESTART and TRUNCATE have a chance. */
  readonly mayBlock: boolean
  /** They have one when they may take longer. */
  readonly mayBlockLong: boolean
  readonly mayShrink: boolean
  readonly mayCopy: boolean
}

const rules: readonly { applies(facts: Facts): boolean; readonly decision: Decision }[] = [
  {
    applies: (facts) => facts.isBackpressured && facts.mayBlockLong,
    decision: { action: 'relieve', trigger: 'limit' },
  },
  {
    applies: (facts) => facts.isBackpressured && facts.isPending && facts.mayCopy,
    decision: { action: 'passive', trigger: 'limit' },
  },
  {
    applies: (facts) => facts.isTooLong && facts.isPending && facts.mayBlockLong,
    decision: { action: 'restart', trigger: 'size' },
  },
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
  const liveBytes = framesToBytes(frames, situation.pageSizeBytes)
  const { isBlockingBackedOff, longestHeldMs } = situation
  const mayBlock = !isBlockingBackedOff && longestHeldMs <= situation.budgetMs
  return {
    isPending: pendingFrames > 0,
    isOverSoftLimit: pendingFrames >= limits.checkpointFrames,
    isLong: frames >= limits.resetFrames || liveBytes >= limits.resetBytes,
    isTooLong: frames >= limits.hardFrames || liveBytes >= limits.hardBytes,
    isBackpressured: situation.isBackpressured,
    isLarge: sizeBytes > limits.shrinkBytes,
    hasFile: sizeBytes > 0,
    isIntervalDue: situation.isIntervalDue,
    isAged: limits.checkpointAgeMs > 0 && oldestPendingMs >= limits.checkpointAgeMs,
    mayBlock,
    mayBlockLong: !isBlockingBackedOff && longestHeldMs <= situation.hardBudgetMs,
    mayShrink: mayBlock && situation.waitingWriters === 0 && situation.quietMs >= QUIET_MS,
    mayCopy: !situation.isPassiveBackedOff,
  }
}
