/**
 * How long to leave something alone that did not work: doubling from `firstMs` to `longestMs`, each
 * time up to 20 % more or less, so that several processes on one database do not march in step.
 */
export class BackOff {
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #random: () => number
  #delayMs = 0
  #untilMs = Number.NEGATIVE_INFINITY

  constructor(options: {
    readonly firstMs: number
    readonly longestMs: number
    readonly random?: () => number
  }) {
    this.#firstMs = options.firstMs
    this.#longestMs = options.longestMs
    this.#random = options.random ?? Math.random
  }

  /** Whether it is too early to try again. */
  isWaiting(nowMs: number): boolean {
    return nowMs < this.#untilMs
  }

  /** It failed at `nowMs`; returns the wait. */
  fail(nowMs: number): number {
    this.#delayMs = Math.min(
      this.#longestMs,
      this.#delayMs === 0 ? this.#firstMs : this.#delayMs * 2,
    )
    const waitMs = this.#delayMs * (0.8 + 0.4 * this.#random())
    this.#untilMs = nowMs + waitMs
    return waitMs
  }

  /** It worked, or what was in the way has gone. */
  clear(): void {
    this.#delayMs = 0
    this.#untilMs = Number.NEGATIVE_INFINITY
  }
}
