import type { ReadSlotView, WalView } from '../../telemetry/protocol.ts'
import { group } from '../format.ts'

/** SQLite has five, always. */
const SLOT_COUNT = 5

/** One slot of the ladder. */
export interface Rung {
  readonly slot: number
  /** In use, left behind by a reader that is gone, or not used yet. */
  readonly state: 'held' | 'stale' | 'unused'
  /** Where in the log it is, 0 to 1. */
  readonly share: number
  /** It is the one that keeps the log. */
  readonly isPin: boolean
  /** `Slot 2 sees frame 400: GET /report on connection 7.` Empty when it is not used. */
  readonly words: string
}

export interface Ladder {
  readonly rungs: readonly Rung[]
  /** Of the log, 0 to 1. */
  readonly backfilledShare: number
  readonly heldCount: number
}

/** Where in the log readers stand; `null` where the platform does not show it. */
export function ladderOf(wal: WalView): Ladder | null {
  const { readSlots } = wal
  if (readSlots === null) return null
  const rungs = Array.from({ length: SLOT_COUNT }, (_, slot): Rung => {
    const view = readSlots.find((candidate) => candidate.slot === slot)
    return rungOf(view ?? { slot, frame: null, holders: [] }, wal)
  })
  return {
    rungs,
    backfilledShare: shareOf(wal.backfilledFrames, wal.frames),
    heldCount: rungs.filter(({ state }) => state === 'held').length,
  }
}

function rungOf({ slot, frame, holders }: ReadSlotView, wal: WalView): Rung {
  const isHeld = holders.length > 0
  // The mark of slot 0 is 0 for good: without a reader it says nothing.
  const isStale = !isHeld && frame !== null && slot !== 0
  const isPin = isHeld && wal.pin?.slot === slot
  const state = isHeld ? 'held' : isStale ? 'stale' : 'unused'
  const sees =
    slot === 0
      ? 'reads the database file alone'
      : frame === null
        ? 'is in use'
        : `sees frame ${group(frame)}`
  return {
    slot,
    state,
    share: slot === 0 ? 0 : shareOf(frame, wal.frames),
    isPin,
    words: isHeld
      ? `Slot ${slot} ${sees}${isPin ? ', the oldest' : ''}: ${holders.join(', ')}`
      : isStale
        ? `Slot ${slot} is free; its last reader saw frame ${group(frame)}`
        : '',
  }
}

/** A stale mark may be of a log that was longer. */
const shareOf = (frame: number | null, frames: number | null): number =>
  frame === null || frames === null || frames === 0 ? 0 : Math.min(1, frame / frames)
