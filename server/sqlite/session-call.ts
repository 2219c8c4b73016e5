import type { StatementCall } from '../pool/connection.ts'

/** Asks, from within a running call, whether somebody has ended it. */
export interface StopCheck {
  /** SQLite itself will end the call, so that nobody need look between its rows. */
  readonly isInterrupt: boolean
  /** Between two rows or two statements. `false` for ever after `release()`. */
  isStopped(): boolean
  /** What was done cannot be undone any more, so nothing ends the call from here on. Idempotent. */
  release(): void
}

/** A call as the session sees it. */
export interface SessionCall extends Omit<StatementCall, 'cancellation'> {
  readonly stop?: StopCheck
}
