import type { PoolObserver } from '../../telemetry/events.ts'
import type { AcquireRequest, CallOptions } from './acquire-request.ts'
import { type CallSite, captureSite } from './call-site.ts'
import { wrongCall } from './check-call.ts'

export const NO_OPTIONS: CallOptions = {}

/** Makes what callers ask for into what a lane understands. */
export class Requests {
  readonly #observer: PoolObserver
  readonly #timeoutMs: number
  readonly #looksForLeaks: boolean
  /** What most ask for. */
  readonly #plain: AcquireRequest

  constructor(
    observer: PoolObserver,
    options: { readonly acquireTimeoutMs: number; readonly leakThresholdMs: number },
  ) {
    this.#observer = observer
    this.#timeoutMs = options.acquireTimeoutMs
    this.#looksForLeaks = options.leakThresholdMs > 0
    this.#plain = {
      label: null,
      signal: undefined,
      timeoutMs: options.acquireTimeoutMs,
      priority: 0,
      trace: null,
      site: null,
      canBeForgotten: false,
      isExempt: false,
    }
  }

  /** Where the caller is, while leaks are looked for. To be called where nothing was awaited yet. */
  site(): CallSite | null {
    return this.#looksForLeaks ? captureSite() : null
  }

  /** For a lease in the caller's own hands, where it can be forgotten. @throws {POOL_INVALID_OPTION} */
  ofLease(options: CallOptions): AcquireRequest {
    return this.#make(options, this.site(), this.#looksForLeaks)
  }

  /** For a function, which gives it back by itself. @throws {POOL_INVALID_OPTION} */
  ofScope(options: CallOptions, site: CallSite | null): AcquireRequest {
    return this.#make(options, site, false)
  }

  /** For one statement. @throws {POOL_INVALID_OPTION} */
  ofStatement(options: CallOptions): AcquireRequest {
    return this.#make(options, null, false)
  }

  #make(options: CallOptions, site: CallSite | null, canBeForgotten: boolean): AcquireRequest {
    const trace = this.#observer.captureTrace()
    if (options === NO_OPTIONS && trace === null && site === null) return this.#plain
    const problem = wrongCall(options)
    if (problem !== null) throw problem
    return {
      label: options.label ?? null,
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? this.#timeoutMs,
      priority: options.priority ?? 0,
      trace,
      site,
      canBeForgotten,
      isExempt: false,
    }
  }
}
