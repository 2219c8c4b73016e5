import { timeOfDay } from '../format.ts'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS

/** Distances between grid lines that a clock knows. */
export const TIME_STEPS_MS: readonly number[] = [
  SECOND_MS,
  2 * SECOND_MS,
  5 * SECOND_MS,
  10 * SECOND_MS,
  15 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  2 * MINUTE_MS,
  5 * MINUTE_MS,
  10 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  60 * MINUTE_MS,
]

/** The whole steps of the clock inside a span, whatever odd moment it begins at. */
export function timeSplits(fromMs: number, toMs: number, stepMs: number): number[] {
  const splits: number[] = []
  for (let at = Math.ceil(fromMs / stepMs) * stepMs; at <= toMs; at += stepMs) splits.push(at)
  return splits
}

/** Whole minutes need no seconds. */
export const timeLabels = (timesMs: readonly number[], stepMs: number): string[] =>
  timesMs.map((atMs) => (stepMs < MINUTE_MS ? timeOfDay(atMs) : timeOfDay(atMs).slice(0, 5)))
