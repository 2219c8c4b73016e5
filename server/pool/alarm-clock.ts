import { type Clock, LONGEST_TIMER_MS, type Timer } from './clock.ts'

/**
 * One timer for many deadlines: it is set for the earliest that it was told, and whoever hears it looks
 * which have passed and tells it the next. A deadline that no longer matters only makes it ring in vain.
 * It keeps the process alive, so whoever set it stops it when nobody waits any more.
 */
export class AlarmClock {
  readonly #clock: Clock
  readonly #onRing: () => void
  #timer: Timer | undefined
  #setForMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onRing: () => void) {
    this.#clock = clock
    this.#onRing = onRing
  }

  /**
   * Rings at `deadlineMs` (monotonic) at the latest. With `Infinity` it rings in vain once in 25 days: a
   * process must not end silently while somebody waits without a limit.
   */
  ringBy(deadlineMs: number): void {
    if (this.#timer !== undefined && deadlineMs >= this.#setForMs) return
    this.stop()
    this.#setForMs = deadlineMs
    // A timer may fire a fraction of a millisecond early: it would find nobody due.
    const delayMs = Math.ceil(deadlineMs - this.#clock.nowMs())
    this.#timer = this.#clock.setTimer(
      () => this.#ring(),
      // For a later one it rings early, and is simply set again.
      Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS),
      { isVital: true },
    )
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#setForMs = Number.POSITIVE_INFINITY
  }

  #ring(): void {
    this.#timer = undefined
    this.#setForMs = Number.POSITIVE_INFINITY
    this.#onRing()
  }
}
