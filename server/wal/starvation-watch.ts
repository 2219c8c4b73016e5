import type { PoolObserver, StarvationEvent, WALHolder, WALPin } from '../../telemetry/events.ts'
import type { PoolStats } from '../../telemetry/stats.ts'
import type { CycleReport } from './cycle.ts'
import type { ResolvedWALOptions } from './options.ts'
import { STARVATION_MS, StarvationDetector, type StarvationLimit } from './starvation.ts'

/** Litestream checkpoints by itself from 1000 pages on, and blocks writers for it at so many: then something is wrong. */
const EXTERNAL_PENDING_FRAMES = 121_359
const EXTERNAL_STILL_MS = 300_000

const UNSEEN: WALHolder = {
  kind: 'unknown',
  lease: null,
  stack: null,
  pid: null,
  command: null,
}

export interface StarvationWatchParts {
  readonly stats: PoolStats
  readonly observer: PoolObserver
  readonly options: ResolvedWALOptions
  readonly onStarvation: ((event: StarvationEvent) => void) | undefined
  /** Takes a lease away. */
  revoke(leaseId: number, why: string): boolean
}

/** Tells that the log is starved, whoever starves it, and that it no longer is; and ends it where that was asked for. */
export class StarvationWatch {
  readonly #parts: StarvationWatchParts
  readonly #detector: StarvationDetector
  /** Of the episode: who was last seen in the way. */
  #pin: WALPin | null = null

  constructor(parts: StarvationWatchParts) {
    this.#parts = parts
    const { checkpointer } = parts.options
    this.#detector = new StarvationDetector(limitsOf(parts.options), {
      needsAttempt: checkpointer === 'pool',
    })
  }

  get isStarved(): boolean {
    return this.#detector.isStarved
  }

  /** Hears how a cycle ended. */
  learn({ movedFrames, outcome }: CycleReport): void {
    // One that failed, or that somebody else was faster with, says nothing about readers.
    const isBlocked = outcome === 'partial_reader' || outcome === 'blocked_read0'
    if (movedFrames === 0 && isBlocked) this.#detector.noteFruitlessAttempt()
  }

  /** Hears one look at the log. */
  observe(nowMs: number, nowEpochMs: number): void {
    const { wal } = this.#parts.stats
    const { frames, backfilledFrames, pin } = wal
    if (frames === null || backfilledFrames === null) return
    const pinnedMs = pin?.heldMs ?? 0
    const change = this.#detector.observe({ frames, backfilledFrames, pinnedMs, nowMs })
    if (this.isStarved) this.#blame(frames, backfilledFrames, nowEpochMs)
    if (change === null) return
    if (change.isStarved && !change.isRepeated) {
      wal.starvations += 1
      wal.starvedSinceMs = nowEpochMs
    }
    if (!change.isStarved) wal.starvedSinceMs = null
    this.#tell({
      type: 'starvation',
      ...change,
      pendingFrames: frames - backfilledFrames,
      pin: this.#pin,
    })
    if (!change.isStarved) this.#pin = null
  }

  /** Who came later is not to blame: the episode ends when whoever it began with has gone. */
  #blame(frames: number, backfilledFrames: number, nowEpochMs: number): void {
    const { wal } = this.#parts.stats
    const wasSeen = this.#pin !== null && this.#pin.holder !== UNSEEN
    if (wal.pin !== null) {
      const isThere = wal.pin.slot === this.#pin?.slot && wal.pin.frame === this.#pin.frame
      if (!wasSeen || isThere || wal.pin.heldMs >= this.#pin!.heldMs) this.#pin = wal.pin
    } else if (!wasSeen) {
      // Somebody must be there, as nothing can be copied: a process in another namespace, for instance.
      const heldMs = STARVATION_MS + nowEpochMs - (wal.starvedSinceMs ?? nowEpochMs)
      const lagFrames = frames - backfilledFrames
      this.#pin = { slot: null, frame: backfilledFrames, lagFrames, heldMs, holder: UNSEEN }
      wal.pin = this.#pin
    }
    this.#reclaim(nowEpochMs)
  }

  #tell(event: StarvationEvent): void {
    this.#parts.observer.emit(event)
    try {
      const result: unknown = this.#parts.onStarvation?.(event)
      if (result instanceof Promise) result.catch(warn)
    } catch (error) {
      warn(error)
    }
  }

  #reclaim(nowEpochMs: number): void {
    const { wal } = this.#parts.stats
    const limitMs = this.#parts.options.starvationReclaimMs
    const { heldMs = 0, holder } = this.#pin ?? {}
    // A snapshot may be old before there is anything to copy.
    const starvedMs = nowEpochMs - (wal.starvedSinceMs ?? nowEpochMs)
    const blamedMs = Math.min(heldMs, starvedMs)
    if (limitMs === 0 || blamedMs < limitMs || holder?.lease == null) return
    const why = `the lease kept the write-ahead log from being copied back for ${Math.round(blamedMs)} ms`
    this.#parts.revoke(holder.lease.leaseId, why)
  }
}

/** Of the user's function, called from a timer: nobody else would hear of it, and the log goes on. */
function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)))
}

function limitsOf({ checkpointer, checkpointFrames }: ResolvedWALOptions): StarvationLimit[] {
  if (checkpointer !== 'external') {
    return [{ pendingFrames: checkpointFrames, stillMs: STARVATION_MS }]
  }
  return [
    { pendingFrames: EXTERNAL_PENDING_FRAMES, stillMs: STARVATION_MS },
    { pendingFrames: checkpointFrames, stillMs: EXTERNAL_STILL_MS },
  ]
}
