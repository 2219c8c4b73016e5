import type { HolderRef } from '../../telemetry/events.ts'

/** Every code of this pool. Test by code, never by message. `docs/pool.md` says what to do about each. */
export const POOL_ERROR_CODES = [
  'POOL_INVALID_OPTION',
  'POOL_OPEN_FAILED',
  'POOL_ACQUIRE_TIMEOUT',
  'POOL_QUEUE_FULL',
  'POOL_CLOSED',
  'POOL_CLOSE_TIMEOUT',
  'LEASE_RELEASED',
  'LEASE_FOREIGN',
  'LEASE_READ_ONLY',
] as const
export type PoolErrorCode = (typeof POOL_ERROR_CODES)[number]

interface PoolErrorParts {
  readonly hint?: string
  readonly details?: Readonly<Record<string, number>>
  readonly holders?: readonly HolderRef[]
  readonly cause?: unknown
  readonly outcome?: 'not_started'
}

/** What the pool refuses or could not do. Errors of SQLite pass through it untouched. */
export class PoolError extends Error {
  override readonly name = 'PoolError'
  readonly code: PoolErrorCode
  /** What to do about it. */
  readonly hint: string
  /** The numbers of the moment: how long it waited, how many were in front, who held what. */
  readonly details: Readonly<Record<string, number>>
  /** The oldest leases at that moment, at most four. */
  readonly holders: readonly HolderRef[]
  /** `not_started`: nothing of the work was done, it can be tried again. */
  readonly outcome: 'not_started' | undefined

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
