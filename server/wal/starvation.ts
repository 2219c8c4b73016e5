/** How long backfill may stand still before it is called starved. */
export const STARVATION_MS = 2000

/** From so many pending frames on, and after so long without one copied, it is starvation. */
export interface StarvationLimit {
  readonly pendingFrames: number
  readonly stillMs: number
}

export interface StarvationSigns {
  readonly frames: number
  readonly backfilledFrames: number
  /** How long the oldest snapshot in the way has been held; 0 when there is none. */
  readonly pinnedMs: number
  readonly nowMs: number
}

export interface StarvationChange {
  readonly isStarved: boolean
  readonly isRepeated: boolean
  /** Of the episode so far. */
  readonly durationMs: number
}

/**
 * Starved: more frames pending than a checkpoint should leave, none copied although one has tried, and that for two
 * seconds, or behind a snapshot that is two seconds old. Told once when it begins, each time it has lasted twice as
 * long, and once when it ends.
 */
export class StarvationDetector {
  readonly #limits: readonly StarvationLimit[]
  /** Whether checkpoints of this pool must have tried; those of others cannot be counted. */
  readonly #needsAttempt: boolean
  #backfilled = -1
  #movedAtMs: number | null = null
  #attemptCount = 0
  #beganAtMs: number | null = null
  #tellAgainMs = 0

  constructor(limits: readonly StarvationLimit[], options: { readonly needsAttempt: boolean }) {
    this.#limits = limits
    this.#needsAttempt = options.needsAttempt
  }

  get isStarved(): boolean {
    return this.#beganAtMs !== null
  }

  /** A checkpoint ended without copying a frame. */
  noteFruitlessAttempt(): void {
    this.#attemptCount += 1
  }

  /** Hears one look; says what changed, if anything did. */
  observe(signs: StarvationSigns): StarvationChange | null {
    const { backfilledFrames, nowMs } = signs
    if (backfilledFrames !== this.#backfilled) {
      this.#backfilled = backfilledFrames
      this.#movedAtMs = nowMs
      this.#attemptCount = 0
      return this.#end(nowMs)
    }
    const pendingFrames = signs.frames - backfilledFrames
    if (!this.#limits.some((limit) => pendingFrames > limit.pendingFrames)) {
      // What was quiet before is no sign of anything.
      this.#movedAtMs = nowMs
      return this.#end(nowMs)
    }
    if (this.#beganAtMs !== null) return this.#repeat(nowMs)
    if (!this.#isStill(signs)) return null
    this.#beganAtMs = nowMs
    this.#tellAgainMs = STARVATION_MS
    return { isStarved: true, isRepeated: false, durationMs: 0 }
  }

  #isStill({ frames, backfilledFrames, pinnedMs, nowMs }: StarvationSigns): boolean {
    if (this.#needsAttempt && this.#attemptCount === 0) return false
    const stillMs = nowMs - (this.#movedAtMs ?? nowMs)
    return this.#limits.some(
      (limit) =>
        frames - backfilledFrames > limit.pendingFrames &&
        (stillMs >= limit.stillMs || pinnedMs >= limit.stillMs),
    )
  }

  #repeat(nowMs: number): StarvationChange | null {
    const durationMs = nowMs - this.#beganAtMs!
    if (durationMs < this.#tellAgainMs) return null
    this.#tellAgainMs = durationMs * 2
    return { isStarved: true, isRepeated: true, durationMs }
  }

  #end(nowMs: number): StarvationChange | null {
    if (this.#beganAtMs === null) return null
    const durationMs = nowMs - this.#beganAtMs
    this.#beganAtMs = null
    return { isStarved: false, isRepeated: false, durationMs }
  }
}
