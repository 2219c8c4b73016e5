/**
 * Words for numbers that move. A sentence that ticks is a new state for every viewer four times a second
 * and a screen reader that never stops, so numbers in sentences only climb stairs; exact ages tick in the
 * browser.
 */
const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const durations: readonly (readonly [ms: number, text: string])[] = [
  ...[50, 100, 200, 500].map((n) => [n, `${n} ms`] as const),
  ...[1, 2, 5, 10, 20, 30].map((n) => [n * SECOND, `${n} s`] as const),
  ...[1, 2, 5, 10, 20, 30].map((n) => [n * MINUTE, `${n} min`] as const),
  ...[1, 2, 5, 12, 24].map((n) => [n * HOUR, `${n} h`] as const),
]

/** `over 30 s`: the highest stair that was reached. */
export function roughly(durationMs: number): string {
  const stair = durations.findLast(([ms]) => durationMs >= ms)
  return stair === undefined ? `under ${durations[0]![1]}` : `over ${stair[1]}`
}

/** Exact to 5, then `at least 10`: stairs of 1, 2 and 5. */
export function atLeast(count: number): string {
  if (count <= 5) return String(count)
  const power = 10 ** Math.floor(Math.log10(count))
  const stair = [5, 2, 1].find((n) => count >= n * power)! * power
  return `at least ${stair.toLocaleString('en')}`
}

/** `5 s`, `250 ms`: a setting, in full. */
export function exactly(durationMs: number): string {
  return durationMs >= SECOND ? `${durationMs / SECOND} s` : `${durationMs} ms`
}
