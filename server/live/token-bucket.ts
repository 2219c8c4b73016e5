/** Lets `burst` through at once and `perSecond` after that. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #monoMs: number

  constructor(limits: { readonly perSecond: number; readonly burst: number }, monoMs: number) {
    this.#perSecond = limits.perSecond
    this.#burst = limits.burst
    this.#tokens = limits.burst
    this.#monoMs = monoMs
  }

  /** Whether there was a token to take. */
  take(monoMs: number): boolean {
    const earned = ((monoMs - this.#monoMs) / 1000) * this.#perSecond
    this.#tokens = Math.min(this.#burst, this.#tokens + earned)
    this.#monoMs = monoMs
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
