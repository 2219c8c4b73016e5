import type { WalView } from '../../telemetry/protocol.ts'

/** Bytes of a frame beside its page, and of the log before its first frame. */
const FRAME_HEADER_BYTES = 24
const LOG_HEADER_BYTES = 32
const USUAL_PAGE_BYTES = 4096

/** What so many frames take in the log; of pages of the usual size as long as nobody knows better. */
export function framesToBytes(frames: number, wal: WalView | null): number {
  if (frames === 0) return 0
  const pageBytes = wal?.pageSizeBytes ?? USUAL_PAGE_BYTES
  return LOG_HEADER_BYTES + frames * (pageBytes + FRAME_HEADER_BYTES)
}

/** The log in three parts that add up to `totalFrames`. */
export interface WalParts {
  readonly backfilledFrames: number
  readonly pendingFrames: number
  /** Until the next checkpoint by itself; 0 when it is due. */
  readonly freeFrames: number
  readonly totalFrames: number
}

/** `null` when SQLite could not be asked. */
export function walParts(wal: WalView): WalParts | null {
  const { frames, backfilledFrames, checkpointFrames } = wal
  if (frames === null || backfilledFrames === null) return null
  const pendingFrames = Math.max(0, frames - backfilledFrames)
  const freeFrames = Math.max(0, checkpointFrames - pendingFrames)
  return {
    backfilledFrames,
    pendingFrames,
    freeFrames,
    totalFrames: backfilledFrames + pendingFrames + freeFrames,
  }
}
