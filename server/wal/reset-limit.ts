/** Writers may be held back for so much of the time by resets. */
const MOST_DUTY = 0.001
/** Below this resets may come more often, so that the log stays shorter. */
const LEAST_DUTY = 0.0002
const LARGEST_FACTOR = 2
const SMALLEST_FACTOR = 0.25

/**
 * How long the log may become before it is made to start over. Each reset holds writers back once, so the length
 * decides how often: it doubles while that takes more than 0.1 % of the time, and halves while it takes less than 0.02 %.
 */
export class ResetLimit {
  readonly #frames: number
  readonly #bytes: number
  #factor = 1
  #lastAtMs: number

  constructor(
    limits: { readonly resetFrames: number; readonly resetBytes: number },
    nowMs: number,
  ) {
    this.#frames = limits.resetFrames
    this.#bytes = limits.resetBytes
    this.#lastAtMs = nowMs
  }

  get resetFrames(): number {
    return Math.max(1, Math.round(this.#frames * this.#factor))
  }

  get resetBytes(): number {
    return Math.max(1, Math.round(this.#bytes * this.#factor))
  }

  /** Hears of a reset that held writers back for so long. */
  noteStall(stallMs: number, nowMs: number): void {
    const duty = stallMs / Math.max(nowMs - this.#lastAtMs, 1)
    this.#lastAtMs = nowMs
    if (duty > MOST_DUTY) this.#factor = Math.min(LARGEST_FACTOR, this.#factor * 2)
    else if (duty < LEAST_DUTY) this.#factor = Math.max(SMALLEST_FACTOR, this.#factor / 2)
  }
}
