import type { TraceRef } from '../../telemetry/events.ts'
import type { CallSite } from './call-site.ts'

/** `read`: a reader. `write`: the writer. */
export type AcquireMode = 'read' | 'write'

/** What every call that needs a connection takes. */
export interface CallOptions {
  /** *Default*: `read`, for `run`, `batch` and `transaction` `write`. A write on a reader is `LEASE_READ_ONLY`. */
  readonly mode?: AcquireMode
  /** What the caller calls itself, for instance `GET /api/products/:id`: shown to those who wait for it. */
  readonly label?: string
  /**
   * Ends the wait, and stops the statement that runs: between two rows, or at once where statements can be
   * interrupted. The call then rejects with `signal.reason`, a write that may have happened with `STATEMENT_CANCELLED`.
   */
  readonly signal?: AbortSignal
  /**
   * How long to wait for the connection, opening one included. *Unit*: ms. *Default*: the pool's
   * `acquireTimeoutMs`. *0*: only if one is free now. `Infinity`: no limit.
   */
  readonly timeoutMs?: number
  /** From −10 to 10. Each step counts as a second of waiting, so that nobody waits for ever. *Default*: 0. */
  readonly priority?: number
}

/** What a scope takes beside `CallOptions`. */
export interface ScopeOptions extends CallOptions {
  /**
   * `fn` may be run again, so many times at most, on a connection granted anew, when it failed because another process
   * had written (`SQLITE_BUSY_SNAPSHOT`) or held the lock (`DB_BUSY`). *Default*: 0, as only you know that it is repeatable.
   */
  readonly maxRetries?: number
}

/** An acquire as the lane sees it. */
export interface AcquireRequest {
  readonly label: string | null
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number
  readonly priority: number
  readonly trace: TraceRef | null
  /** Captured only for leases that can leak. */
  readonly site: CallSite | null
  /** In the caller's own hands, where it can be forgotten. */
  readonly canBeForgotten: boolean
  /** Of whoever looks after the file: served also while others are held back. */
  readonly isExempt: boolean
}
