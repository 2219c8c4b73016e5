/** One commit of a paced writer, by `performance.now()`. */
export interface Commit {
  /** When it should have started. */
  readonly dueMs: number
  /** When it did: not before the one ahead of it had ended. */
  readonly startMs: number
  readonly endMs: number
}

/** The smallest value that at least such a share of all does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  if (value === undefined) throw new Error('the sample is too short: nothing was committed')
  return value
}

/** From its actual start, in µs: what one commit took. Those that had to wait behind it do not show. */
export function serviceUs(commits: readonly Commit[]): number[] {
  return commits.map(({ startMs, endMs }) => (endMs - startMs) * 1000)
}

/** From when it was due, in µs: what a client that comes by the clock would have seen. */
export function dueUs(commits: readonly Commit[]): number[] {
  return commits.map(({ dueMs, endMs }) => (endMs - dueMs) * 1000)
}

/** The longest commit of which any part lies between the two, in ms. */
export function worstStallMs(commits: readonly Commit[], fromMs: number, toMs: number): number {
  const those = commits.filter(({ startMs, endMs }) => endMs >= fromMs && startMs <= toMs)
  return quantile(
    those.map(({ startMs, endMs }) => endMs - startMs),
    1,
  )
}
