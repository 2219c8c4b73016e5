import type { Clock } from '../pool/clock.ts'

export type LoadClock = Pick<Clock, 'nowMs' | 'setTimer' | 'clearTimer'>

/** Unlike the pool's, its timers keep the process alive: while everybody waits, nothing else does. */
export const loadClock: LoadClock = {
  nowMs: () => performance.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimer: (timer) => clearTimeout(timer),
}
