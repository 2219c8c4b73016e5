import type { TraceRef } from '../../telemetry/events.ts'

/** `read`: a reader. `write`: the writer. */
export type AcquireMode = 'read' | 'write'

/** What every call that needs a connection takes. */
export interface CallOptions {
  /** *Default*: `read`, for `run` and `transaction` `write`. A write on a reader is `LEASE_READ_ONLY`. */
  readonly mode?: AcquireMode
  /** What the caller calls itself, for instance `GET /api/products/:id`: shown to those who wait for it. */
  readonly label?: string
  /** Ends the wait; the call then rejects with `signal.reason`. A statement that runs already is not interrupted. */
  readonly signal?: AbortSignal
  /**
   * How long to wait for the connection, opening one included. *Unit*: ms. *Default*: the pool's
   * `acquireTimeoutMs`. *0*: only if one is free now. `Infinity`: no limit.
   */
  readonly timeoutMs?: number
}

/** Where a lease was asked for. V8 formats the stack when it is read, so that keeping it is cheap. */
export interface CallSite {
  readonly stack?: string
}

/** An acquire as the lane sees it. */
export interface AcquireRequest {
  readonly label: string | null
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  readonly trace: TraceRef | null
  /** Captured only for leases that can leak. */
  readonly site: CallSite | null
}
