import type { PoolError } from './errors.ts'

/** A call in flight that can be ended. */
export interface Stop {
  /** Its lease is taken away. */
  revoked(reason: PoolError): void
}

/** The calls of one lease. Made with the first one. */
export class Calls {
  statementCount = 0
  /** The statement that runs now, or the last one. */
  lastSql: string | null = null
  /** Monotonic ms. */
  lastStartedMs: number | null = null
  /** Since when it may see an older state than others. Monotonic ms; stale when nothing of it is open any more. */
  snapshotSinceMs = 0
  /** A transaction was begun in which nothing was read yet: it sees nothing yet. */
  isOnlyBegun = false
  /** Those whose callers wait. */
  awaitedCount = 0
  /** Those that the connection has not answered. */
  pendingCount = 0
  /** Of these, those whose callers were told the end before. */
  strandedCount = 0
  readonly stops = new Set<Stop>()
  /** Closes each cursor that is open. */
  readonly cursors = new Set<() => Promise<void>>()
  /** Nobody waits any more. */
  onQuiet: (() => void) | undefined
  /** The connection has answered everything. */
  onAnswered: (() => void) | undefined

  began(sql: string, nowMs: number): void {
    this.statementCount += 1
    this.lastSql = sql
    this.lastStartedMs = nowMs
  }

  sent(): void {
    this.awaitedCount += 1
    this.pendingCount += 1
  }

  /** Its caller was told the end. */
  settled(): void {
    this.awaitedCount -= 1
    if (this.awaitedCount === 0) this.onQuiet?.()
  }

  /** By the connection. */
  answered(): void {
    this.pendingCount -= 1
    if (this.pendingCount === 0) this.onAnswered?.()
  }
}
