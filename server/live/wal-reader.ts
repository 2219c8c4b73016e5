import type { WALPin, WALReadSlot } from '../../telemetry/events.ts'
import { describePin } from '../../telemetry/pin-text.ts'
import type { PoolView } from '../../telemetry/pool-view.ts'
import type { PinView, ReadSlotView, WalView } from '../../telemetry/protocol.ts'
import { clip, clipTexts } from './clip.ts'

/** The log as viewers see it: since when instead of for how long, so that what only ages is not sent again. */
export function readWal(view: PoolView): WalView {
  const { wal, checkpoint } = view.stats
  return {
    journalMode: wal.journalMode,
    pageSizeBytes: wal.pageSizeBytes,
    sizeBytes: wal.sizeBytes,
    databaseSizeBytes: wal.databaseSizeBytes,
    frames: wal.frames,
    backfilledFrames: wal.backfilledFrames,
    checkpointFrames: view.checkpointFrames,
    lastCheckpoint: clipTexts(view.lastCheckpoint()),
    lastCompleteAtMs: checkpoint.lastCompleteAtMs,
    checkpointer: view.checkpointer,
    resets: wal.resets,
    isStarved: wal.starvedSinceMs !== null,
    pin: wal.pin === null ? null : readPin(wal.pin, wal.probedAtMs ?? 0),
    readSlots: wal.readSlots?.map(readSlot) ?? null,
    limitBytes: view.walLimitBytes,
    backpressure: wal.backpressure,
    headroomBytes: wal.headroomBytes === null ? null : roundToMebibyte(wal.headroomBytes),
    litestream: view.litestream(),
  }
}

function readPin(pin: WALPin, seenAtMs: number): PinView {
  const { lease, kind } = pin.holder
  return {
    slot: pin.slot,
    frame: pin.frame,
    lagFrames: pin.lagFrames,
    // The clocks of a look and of a lease are read one after the other: rounded, it stays the same.
    sinceAtMs: Math.round((seenAtMs - pin.heldMs) / 100) * 100,
    kind,
    who: clip(describePin(pin)),
    leaseId: lease?.leaseId ?? null,
    connectionId: lease?.connectionId ?? null,
    traceId: lease?.trace?.traceId ?? null,
    sql: lease?.sql == null ? null : clip(lease.sql),
  }
}

const readSlot = ({ slot, frame, holders }: WALReadSlot): ReadSlotView => ({
  slot,
  frame,
  holders: holders.map((holder) => clip(describePin({ holder }))),
})

/** Every byte written to the disk by anyone would be news otherwise. */
const roundToMebibyte = (bytes: number): number => Math.floor(bytes / 1_048_576) * 1_048_576
