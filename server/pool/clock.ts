/** A running timer; opaque. */
export type Timer = NodeJS.Timeout | number

/**
 * Time as the pool sees it, so that tests can turn it by hand. `nowMs` is monotonic with a fraction;
 * epoch time is `timeOriginMs + nowMs()`, so a stepped wall clock never makes a negative duration.
 */
export interface Clock {
  readonly timeOriginMs: number
  nowMs(): number
  /** Timers do not keep the process alive. */
  setTimer(callback: () => void, delayMs: number): Timer
  clearTimer(timer: Timer): void
}

export const systemClock: Clock = {
  timeOriginMs: performance.timeOrigin,
  nowMs: () => performance.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return timer
  },
  clearTimer(timer) {
    clearTimeout(timer)
  },
}
