/** Where something was asked for. V8 formats the stack when it is read, so that keeping it is cheap. */
export interface CallSite {
  readonly stack?: string
}

/** Frames of the calling code that are kept. */
const SITE_FRAMES = 12

/** The stack of the caller, not yet formatted: about 1.5 µs. */
export function captureSite(): CallSite {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = SITE_FRAMES
  const site: CallSite = {}
  Error.captureStackTrace(site, captureSite)
  Error.stackTraceLimit = limit
  return site
}

/** The frames of a site, without a first line. */
export function framesOf(site: CallSite | null): string | null {
  return site?.stack?.split('\n').slice(1).join('\n') ?? null
}
