const FIRST_MS = 250
const LONGEST_MS = 5000
const JITTER_RATIO = 0.2

/** How long to wait before reconnecting: 250 ms doubling to 5 s, ±20 % so that viewers do not return as one. */
export function retryDelayMs(attempt: number, random: () => number): number {
  const delayMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10))
  return delayMs * (1 + JITTER_RATIO * (2 * random() - 1))
}
