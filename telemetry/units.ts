/** The pool counts in ms, OpenTelemetry in seconds. This is the only place where one becomes the other. */
export function secondsOf(ms: number): number {
  return ms / 1000
}
