import { type Clock, LONGEST_TIMER_MS, type Timer } from './clock.ts'

/** Whether `work` was done within `limitMs`. Rejects as it does, if in time. */
export async function isDoneWithin(
  clock: Clock,
  limitMs: number,
  work: Promise<unknown>,
): Promise<boolean> {
  let timer: Timer | undefined
  const late = new Promise<boolean>((resolve) => {
    const delayMs = Math.min(limitMs, LONGEST_TIMER_MS)
    timer = clock.setTimer(() => resolve(false), delayMs, { isVital: true })
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clock.clearTimer(timer!)
  }
}
