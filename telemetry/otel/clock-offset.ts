/** Closer than this the monotonic clock is the better one: `Date.now()` has whole ms only. */
const TOLERANCE_MS = 50

/**
 * What to add to a time of the pool, so that its span lies inside the request's span. Our times come from the
 * monotonic clock, which does not count a laptop's sleep and does not follow a corrected system clock; the
 * SDK's begin with `Date.now()`. 0 as long as the two agree.
 */
export function clockOffsetMs(
  wallEpochMs: number = Date.now(),
  monotonicEpochMs: number = performance.timeOrigin + performance.now(),
): number {
  const offsetMs = wallEpochMs - monotonicEpochMs
  return Math.abs(offsetMs) < TOLERANCE_MS ? 0 : offsetMs
}
