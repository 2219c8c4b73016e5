import type {
  CheckpointEvent,
  PinView,
  PoolEventBody,
  ReadSlotView,
  WALHolderKind,
  WALPin,
  WalView,
} from '../../telemetry/protocol.ts'
import { culprit, holderWords, isOfPool, walHolder } from './fixture-culprit.ts'
import { CHECKPOINT_FRAMES, PAGE_BYTES } from './fixture-values.ts'
import type { Scenario } from './fixture-values.ts'

/** What had been copied when the reader came that keeps the log. */
const PINNED_FRAME = 400
/** So long after it came the log is called starved. */
export const STARVED_AFTER_MS = 30_000

export interface WalFacts {
  readonly frames: number
  readonly pendingFrames: number
  readonly sizeBytes: number
  readonly troubleAtMs: number
  readonly lastCheckpoint: CheckpointEvent | null
  readonly pinnedBy: WALHolderKind
}

export function walAt(scenario: Scenario, atMs: number, facts: WalFacts): WalView {
  const { frames, pendingFrames, troubleAtMs, lastCheckpoint } = facts
  const isPinned = scenario === 'wal-pinned'
  return {
    journalMode: 'wal',
    pageSizeBytes: PAGE_BYTES,
    sizeBytes: facts.sizeBytes,
    databaseSizeBytes: 41_943_040,
    frames,
    backfilledFrames: frames - pendingFrames,
    checkpointFrames: CHECKPOINT_FRAMES,
    lastCheckpoint,
    lastCompleteAtMs: isPinned ? troubleAtMs : (lastCheckpoint?.startedAtMs ?? null),
    checkpointer: 'pool',
    resets: scenario === 'empty' ? 0 : 128,
    isStarved: isPinned && atMs - troubleAtMs > STARVED_AFTER_MS,
    pin: isPinned ? pinView(facts) : null,
    readSlots: slotsAt(scenario, atMs, facts),
    limitBytes: 256 * 1024 ** 2,
    backpressure: null,
    headroomBytes: 31 * 1024 ** 3,
    litestream: null,
  }
}

function pinView({ frames, troubleAtMs, pinnedBy }: WalFacts): PinView {
  const { lease } = walHolder(pinnedBy, 0)
  return {
    slot: 1,
    frame: PINNED_FRAME,
    lagFrames: frames - PINNED_FRAME,
    sinceAtMs: troubleAtMs,
    kind: pinnedBy,
    who: holderWords(pinnedBy),
    leaseId: lease?.leaseId ?? null,
    connectionId: lease?.connectionId ?? null,
    traceId: lease?.trace?.traceId ?? null,
    sql: lease?.sql ?? null,
  }
}

function slotsAt(scenario: Scenario, atMs: number, facts: WalFacts): ReadSlotView[] {
  const { frames, pinnedBy } = facts
  const free = (slot: number, frame: number | null): ReadSlotView => ({ slot, frame, holders: [] })
  if (scenario === 'empty') return [free(0, 0), ...[1, 2, 3, 4].map((slot) => free(slot, null))]
  const isRead = Math.floor(atMs / 250) % 3 > 0
  const newest: ReadSlotView = {
    slot: 2,
    frame: Math.max(0, frames - 12),
    holders: isRead ? ['GET /api/products/:id on connection 3'] : [],
  }
  const first =
    scenario === 'wal-pinned'
      ? { slot: 1, frame: PINNED_FRAME, holders: [holderWords(pinnedBy)] }
      : free(1, Math.round(frames / 2))
  return [free(0, 0), first, newest, free(3, Math.round(frames * 0.8)), free(4, null)]
}

function pinAt(pinnedBy: WALHolderKind, heldMs: number, lagFrames: number): WALPin {
  const holder = walHolder(pinnedBy, heldMs)
  return { slot: 1, frame: PINNED_FRAME, lagFrames, heldMs, holder }
}

/** A checkpoint of a log that nobody keeps, or has been kept for so long. */
export function checkpointAt(
  atMs: number,
  pinnedMs: number | null,
  pinnedBy: WALHolderKind,
): CheckpointEvent {
  const isPinned = pinnedMs !== null
  const logFrames = isPinned ? Math.round(900 + pinnedMs * 0.075) : CHECKPOINT_FRAMES
  const sizeBytes = 32 + logFrames * (PAGE_BYTES + 24)
  return {
    type: 'checkpoint',
    mode: 'PASSIVE',
    trigger: 'frames',
    outcome: isPinned ? 'partial_reader' : 'complete',
    startedAtMs: atMs - 14,
    durationMs: 12.4,
    isBusy: false,
    logFrames,
    checkpointedFrames: isPinned ? PINNED_FRAME : logFrames,
    movedFrames: isPinned ? 0 : logFrames,
    sizeBeforeBytes: sizeBytes,
    sizeAfterBytes: sizeBytes,
    errorCode: null,
    blockedBy: isPinned && isOfPool(pinnedBy) ? [culprit(pinnedMs)] : [],
    pin: isPinned ? pinAt(pinnedBy, pinnedMs, logFrames - PINNED_FRAME) : null,
    passes: [
      {
        mode: 'PASSIVE',
        startedAtMs: atMs - 14,
        durationMs: 12.4,
        movedFrames: isPinned ? 0 : logFrames,
      },
    ],
    gate: null,
  }
}

export const starvationAt = (pinnedBy: WALHolderKind): PoolEventBody => ({
  type: 'starvation',
  isStarved: true,
  isRepeated: false,
  pendingFrames: 2750,
  durationMs: 0,
  pin: pinAt(pinnedBy, STARVED_AFTER_MS, 2750),
})
