/** A running timer; opaque. */
export type Timer = NodeJS.Timeout | number

/**
 * Time as the pool sees it, so that tests can turn it by hand. `nowMs` is monotonic with a fraction;
 * epoch time is `timeOriginMs + nowMs()`, so a stepped wall clock never makes a negative duration.
 */
export interface Clock {
  readonly timeOriginMs: number
  nowMs(): number
  /** A timer keeps the process alive only when it `isVital`: somebody awaits what it will do. */
  setTimer(callback: () => void, delayMs: number, options?: { readonly isVital?: boolean }): Timer
  clearTimer(timer: Timer): void
  /** Calls back once the event loop has done what is due now, before it waits or time goes on. */
  atEndOfTurn(callback: () => void): void
}

/** Node fires a longer timer at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The global is a getter, and costs more than the reading. */
const { performance } = globalThis

export const systemClock: Clock = {
  timeOriginMs: performance.timeOrigin,
  nowMs: () => performance.now(),
  setTimer(callback, delayMs, options) {
    const timer = setTimeout(callback, delayMs)
    if (options?.isVital !== true) timer.unref()
    return timer
  },
  clearTimer(timer) {
    clearTimeout(timer)
  },
  atEndOfTurn(callback) {
    setImmediate(callback)
  },
}
