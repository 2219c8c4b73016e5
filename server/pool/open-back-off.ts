import type { Clock, Timer } from './clock.ts'

const FIRST_MS = 50
const LONGEST_MS = 2000
/** A connection that lived this long was good: what ended it is not a failure to start. */
const HEALTHY_AFTER_MS = 2000

/** The pause before the next attempt when a connection could not be opened or was lost: 50 ms, doubling to 2 s. */
export class OpenBackOff {
  readonly #clock: Clock
  readonly #onOver: () => void
  #timer: Timer | undefined
  #delayMs = 0
  #succeededMs = Number.POSITIVE_INFINITY
  #lastError: unknown

  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock
    this.#onOver = onOver
  }

  get isWaiting(): boolean {
    return this.#timer !== undefined
  }

  /** Why the last attempt failed; `undefined` since one succeeded. */
  get lastError(): unknown {
    return this.#lastError
  }

  fail(error: unknown): void {
    this.#lastError = error
    // Several that fail in one round are one failure: the pause grows with the rounds.
    if (this.#timer !== undefined) return
    const wasHealthy = this.#clock.nowMs() - this.#succeededMs >= HEALTHY_AFTER_MS
    const isFirst = this.#delayMs === 0 || wasHealthy
    this.#delayMs = isFirst ? FIRST_MS : Math.min(this.#delayMs * 2, LONGEST_MS)
    this.#succeededMs = Number.POSITIVE_INFINITY
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined
      this.#onOver()
    }, this.#delayMs)
  }

  succeed(): void {
    this.#lastError = undefined
    this.#succeededMs = this.#clock.nowMs()
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
  }
}
