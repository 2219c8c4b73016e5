import type { HolderRef, TraceRef } from '../../telemetry/events.ts'
import type { LaneStats } from '../../telemetry/stats.ts'
import type { AcquireRequest } from './acquire-request.ts'
import { type CallSite, framesOf } from './call-site.ts'
import type { Clock } from './clock.ts'
import { Calls } from './calls.ts'
import type { Connection } from './connection.ts'
import type { Holder, PoolError } from './errors.ts'
import type { Nesting } from './nesting.ts'
import { type Slot, UNSTAMPED } from './slot.ts'
import type { TransactionWatch } from './transaction-watch.ts'

/** A transaction that the pool began on a lease. */
export class HeldTransaction {
  /** It only reads, also on a connection that could write. */
  readonly isSnapshot: boolean
  /** Its function has returned: COMMIT or ROLLBACK is on its way. */
  isEnding = false
  /** Nobody knows what a stopped write has done: this must not be committed. */
  doom: PoolError | undefined
  watch: TransactionWatch | undefined

  constructor(isSnapshot: boolean) {
    this.isSnapshot = isSnapshot
  }
}

/** One statement that ended, as its lane is told. */
export interface StatementReport {
  readonly sql: string
  readonly startedMs: number
  readonly durationMs: number
  readonly rowCount: number | null
  readonly error: unknown
}

/** What a lease asks of the lane that gave it. */
export interface HoldHost {
  readonly clock: Clock
  readonly limits: HoldLimits
  readonly stats: LaneStats
  statementEnded(hold: Hold, report: StatementReport): void
  /** The clock was read. */
  stamp(nowMs: number): void
  /** Takes the connection back; with `isDiscarded` it is closed instead of reused. */
  end(hold: Hold, isDiscarded: boolean): Promise<void>
  /** Takes the connection away from its holder, who gets `reason` for everything from now on. */
  revoke(hold: Hold, reason: PoolError): void
}

export interface HoldLimits {
  readonly looksForLeaks: boolean
  /** 0: none. */
  readonly statementTimeoutMs: number
  readonly transactionTimeoutMs: number
  readonly idleInTransactionTimeoutMs: number
  readonly maxRows: number
  readonly maxBytes: number
}

/**
 * What the pool knows of one lease. The `Lease` in the caller's hands refers to it and not the other way
 * round, so that a lease that was forgotten can be collected, and be noticed.
 */
export class Hold {
  readonly id: number
  readonly slot: Slot
  readonly request: AcquireRequest
  /** Until when its first statement may wait for a lock; 0: counted from its start. */
  deadlineMs = 0
  isReleased = false
  /** The function that it was given to has returned: nothing is begun on it any more. */
  isOver = false
  /** Resolves when the connection is clean again or closed; set once it ends. */
  ending: Promise<void> | undefined
  /** Why it was taken away. */
  revocation: PoolError | undefined
  /** Where it was released; captured while leaks are looked for. */
  releaseSite: CallSite | null = null
  /** Of its statements; `null` before the first. */
  calls: Calls | null = null
  /** Inside `read`, `transaction` or `snapshot`: BEGIN and COMMIT are the pool's. */
  transaction: HeldTransaction | null = null
  /** Of the transactions begun on this lease outside of any scope. */
  nesting: Nesting | undefined
  /** Rejects the scope that this lease was given to. */
  onRevoked: ((reason: PoolError) => void) | undefined

  constructor(id: number, slot: Slot, request: AcquireRequest) {
    this.id = id
    this.slot = slot
    this.request = request
  }

  get host(): HoldHost {
    return this.slot.host
  }

  get connection(): Connection {
    return this.slot.connection!
  }

  get trace(): TraceRef | null {
    return this.request.trace
  }

  get statementCount(): number {
    return this.calls?.statementCount ?? 0
  }

  get lastSql(): string | null {
    return this.calls?.lastSql ?? null
  }

  get pendingCount(): number {
    return this.calls?.pendingCount ?? 0
  }

  /** It keeps the log from being copied back past what it sees: it reads, or is in a transaction. */
  get hasSnapshot(): boolean {
    const { calls } = this
    if (calls === null) return false
    if (calls.pendingCount > 0 || calls.cursors.size > 0) return true
    return this.connection.inTransaction && !calls.isOnlyBegun
  }

  /** Since when it sees what it sees; as far as anyone has looked, when that was not noted. Monotonic ms. */
  snapshotSinceMs(nowMs: number): number {
    const calls = this.calls!
    if (calls.snapshotSinceMs === UNSTAMPED) calls.snapshotSinceMs = nowMs
    return calls.snapshotSinceMs
  }

  /** What it has read so far it sees no longer. */
  private get isBetween(): boolean {
    return this.calls!.cursors.size === 0 && !this.connection.inTransaction
  }

  began(sql: string, nowMs: number): void {
    this.calls ??= new Calls()
    if (!this.hasSnapshot) this.calls.snapshotSinceMs = nowMs
    this.calls.isOnlyBegun = isDeferredBegin(sql)
    this.calls.began(sql, nowMs)
  }

  sent(): void {
    this.calls!.sent()
    this.transaction?.watch?.resumed()
  }

  answered(): void {
    this.calls!.answered()
    // Of several statements that were sent at once, each sees a state of its own.
    if (this.pendingCount > 0 && this.isBetween) this.calls!.snapshotSinceMs = UNSTAMPED
    if (this.pendingCount === 0) this.transaction?.watch?.paused()
  }

  /** Resolves when no caller waits any more; `undefined` when none does. */
  whenQuiet(): Promise<void> | undefined {
    const { calls } = this
    if (calls === null || calls.awaitedCount === 0) return undefined
    const { promise, resolve } = Promise.withResolvers<void>()
    calls.onQuiet = resolve
    return promise
  }

  /** As those see it who wait for it. */
  toRef(nowMs: number): HolderRef {
    return {
      connectionId: this.slot.id,
      leaseId: this.id,
      heldMs: this.slot.ageMs(nowMs),
      label: this.request.label,
      sql: this.lastSql,
      trace: this.request.trace,
    }
  }

  toHolder(nowMs: number): Holder {
    return { ...this.toRef(nowMs), stack: framesOf(this.request.site) }
  }
}

/** Of a caller's own: the pool's begins with a read. */
function isDeferredBegin(sql: string): boolean {
  return sql.length < 40 && /^\s*BEGIN(\s+DEFERRED)?(\s+TRANSACTION)?[\s;]*$/i.test(sql)
}
