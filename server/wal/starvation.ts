/** How long backfill may stand still before it is called starved. */
export const STARVATION_MS = 2000

/**
 * Starved: more frames pending than a checkpoint should leave, and none copied for two seconds in
 * which at least one checkpoint tried. Reported once when it begins and once when it ends.
 */
export class StarvationDetector {
  readonly #pendingLimit: number
  #backfilled = -1
  #stillSinceMs: number | null = null
  #attemptCount = 0
  #isStarved = false

  constructor(pendingLimit: number) {
    this.#pendingLimit = pendingLimit
  }

  get isStarved(): boolean {
    return this.#isStarved
  }

  /** A checkpoint ended without copying a frame. */
  noteFruitlessAttempt(): void {
    this.#attemptCount += 1
  }

  /** Hears one probe; says what changed, if anything did. */
  observe(frames: number, backfilledFrames: number, nowMs: number): 'began' | 'ended' | null {
    const hasMoved = backfilledFrames !== this.#backfilled
    const isOverLimit = frames - backfilledFrames > this.#pendingLimit
    this.#backfilled = backfilledFrames
    if (hasMoved || !isOverLimit) {
      const wasStarved = this.#isStarved
      this.#isStarved = false
      this.#stillSinceMs = isOverLimit ? nowMs : null
      this.#attemptCount = 0
      return wasStarved ? 'ended' : null
    }
    this.#stillSinceMs ??= nowMs
    const isStill = nowMs - this.#stillSinceMs >= STARVATION_MS && this.#attemptCount > 0
    if (this.#isStarved || !isStill) return null
    this.#isStarved = true
    return 'began'
  }
}
