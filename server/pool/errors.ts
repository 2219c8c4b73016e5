import type { HolderRef } from '../../telemetry/events.ts'

/** Every code of this pool. Test by code, never by message. `docs/pool.md` says what to do about each. */
export const POOL_ERROR_CODES = [
  'POOL_INVALID_OPTION',
  'POOL_ALREADY_OPEN',
  'POOL_OPEN_FAILED',
  'POOL_ACQUIRE_TIMEOUT',
  'POOL_QUEUE_FULL',
  'POOL_OVERLOADED',
  'POOL_DEADLOCK',
  'POOL_CLOSED',
  'POOL_CLOSE_TIMEOUT',
  'LEASE_RELEASED',
  'LEASE_FOREIGN',
  'LEASE_READ_ONLY',
  'LEASE_REVOKED',
  'STATEMENT_CANCELLED',
  'STATEMENT_TIMEOUT',
  'TRANSACTION_CONTROL',
  'TRANSACTION_ENDED',
  'TRANSACTION_TIMEOUT',
  'TRANSACTION_IDLE',
  'SNAPSHOT_EXPIRED',
  'DB_BUSY',
  'DB_REPLACED',
  'WAL_FULL',
] as const
export type PoolErrorCode = (typeof POOL_ERROR_CODES)[number]

/** `not_started`: nothing was done. `rolled_back`: nothing of it remains. `unknown`: it may or may not have happened. */
export type Outcome = 'not_started' | 'rolled_back' | 'unknown'

/** One of those who held what somebody waited for. */
export interface Holder extends HolderRef {
  /** Where it was acquired; `null` unless leaks are looked for. */
  readonly stack: string | null
}

export interface PoolErrorParts {
  readonly hint?: string
  readonly details?: Readonly<Record<string, number>>
  readonly holders?: readonly Holder[]
  readonly cause?: unknown
  readonly outcome?: Outcome
}

/** What the pool refuses or could not do. Errors of SQLite pass through it untouched. */
export class PoolError extends Error {
  override readonly name = 'PoolError'
  readonly code: PoolErrorCode
  /** What to do about it. */
  readonly hint: string
  /** The numbers of the moment: how long it waited, how many were in front, who held what. */
  readonly details: Readonly<Record<string, number>>
  /** The oldest leases at that moment, at most four, each with its age, its SQL and where it was acquired. */
  readonly holders: readonly Holder[]
  /** What became of the work; `undefined` where there was none. `not_started` can be tried again. */
  readonly outcome: Outcome | undefined

  constructor(code: PoolErrorCode, message: string, parts: PoolErrorParts = {}) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause })
    this.code = code
    this.hint = parts.hint ?? ''
    this.details = parts.details ?? {}
    this.holders = parts.holders ?? []
    this.outcome = parts.outcome
  }
}

/** The pool's own accounting is broken. Never caught: it must be seen. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'

  constructor(message: string) {
    super(`BUG: ${message}`)
  }
}
