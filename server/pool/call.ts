import { type CallSite, framesOf } from './call-site.ts'
import type { StatementCall } from './connection.ts'
import { diagnostics, traced } from './diagnostics.ts'
import { errorCodeOf } from './error-text.ts'
import { type Outcome, PoolError } from './errors.ts'
import type { Hold } from './hold.ts'
import { callStoppable } from './stoppable-call.ts'
import { hasControl, isControl } from './transaction-control.ts'

/** One call of a lease. */
export interface LeaseCall<T> {
  readonly sql: string
  readonly call?: StatementCall | undefined
  readonly signal?: AbortSignal | undefined
  /** It has no effect when it fails with SQLITE_BUSY outside a transaction, so that it can be sent again. */
  readonly isSingle: boolean
  /** Statements that are one transaction by themselves. */
  readonly isAtomic?: boolean
  /** BEGIN and COMMIT of the pool. */
  readonly isOwn?: boolean
  send(call: StatementCall | undefined): Promise<T>
  countRows(result: T): number | null
}

const FIRST_PAUSE_MS = 1
const LONGEST_PAUSE_MS = 50

/** Runs one statement of a lease: in order, counted, reported, stopped when it must be. */
export async function callStatement<T>(hold: Hold, given: LeaseCall<T>): Promise<T> {
  assertGood(hold)
  const { host } = hold
  if (given.isOwn !== true) assertAllowed(hold, given)
  const startedMs = host.clock.nowMs()
  host.stamp(startedMs)
  hold.began(given.sql, startedMs)
  const report = (rowCount: number | null, error: unknown): void => {
    const durationMs = host.clock.nowMs() - startedMs
    host.statementEnded(hold, { sql: given.sql, startedMs, durationMs, rowCount, error })
  }
  try {
    const result = await send(hold, given, startedMs)
    report(given.countRows(result), undefined)
    return result
  } catch (error) {
    report(null, error)
    throw explain(hold, error)
  }
}

function send<T>(hold: Hold, given: LeaseCall<T>, startedMs: number): Promise<T> {
  return traced(
    diagnostics.statement,
    () => ({ leaseId: hold.id, connectionId: hold.slot.id, sql: given.sql }),
    () => (given.isSingle ? awaited(hold, given, startedMs) : sendOnce(hold, given)),
  )
}

/** @throws why the lease is good for nothing any more */
export function assertGood(hold: Hold): void {
  if (hold.isReleased) throw refusal(hold)
}

/** Why nothing can be asked of a lease that has ended. */
export function refusal(hold: Hold): PoolError {
  if (hold.revocation !== undefined) return hold.revocation
  const { releaseSite } = hold
  return new PoolError(
    'LEASE_RELEASED',
    `lease ${hold.id} was released: its connection may be in other hands`,
    {
      hint: 'await every call before the release, and acquire again for more',
      ...(releaseSite !== null && { cause: released(releaseSite) }),
    },
  )
}

/** @throws the same for what was begun by a function that has returned, on a lease that it was lent */
export function assertNotOver(hold: Hold): void {
  if (hold.isOver) throw refusal(hold)
  if (hold.transaction?.isEnding === true) throw functionReturned()
}

export function functionReturned(): PoolError {
  return new PoolError('TRANSACTION_ENDED', 'the function around it has returned', {
    hint: 'await every call inside the function',
    outcome: 'rolled_back',
  })
}

/** Waits for what is not a statement: the next rows of a cursor. */
export async function callCursor<T>(
  hold: Hold,
  signal: AbortSignal | undefined,
  send: LeaseCall<T>['send'],
): Promise<T> {
  assertGood(hold)
  assertNotOver(hold)
  signal?.throwIfAborted()
  hold.request.signal?.throwIfAborted()
  return await sendOnce(hold, { signal, send })
}

function released(site: CallSite): Error {
  const error = new Error('it was released here')
  error.stack = `Error: ${error.message}\n${framesOf(site) ?? ''}`
  return error
}

function assertAllowed(hold: Hold, { sql, signal, isSingle, isAtomic }: LeaseCall<unknown>): void {
  assertNotOver(hold)
  signal?.throwIfAborted()
  hold.request.signal?.throwIfAborted()
  if (hold.transaction !== null) assertStillOpen(hold)
  else if (isAtomic !== true) return
  if (!(isSingle && isAtomic !== true ? isControl(sql) : hasControl(sql))) return
  throw new PoolError(
    'TRANSACTION_CONTROL',
    `the transaction is the pool's to end: ${sql.trim()}`,
    {
      hint: 'return to commit, throw to roll back, or nest transaction() for a savepoint',
      outcome: 'not_started',
    },
  )
}

/** @throws {TRANSACTION_ENDED} SQLite has rolled back by itself: what comes now would be in no transaction */
export function assertStillOpen(hold: Hold): void {
  const doom = hold.transaction?.doom
  if (doom !== undefined) throw doom
  // What is asked of a thread that has ended says so itself.
  if (hold.pendingCount > 0 || hold.connection.inTransaction || hold.slot.isGone) return
  throw new PoolError('TRANSACTION_ENDED', 'SQLite has rolled this transaction back by itself', {
    hint: 'let the error of the statement before out of the function',
    outcome: 'rolled_back',
  })
}

function sendOnce<T>(
  hold: Hold,
  { call, signal, isOwn, send }: Pick<LeaseCall<T>, 'call' | 'signal' | 'isOwn' | 'send'>,
): Promise<T> {
  const { limits } = hold.host
  // A COMMIT that nobody waited for could still happen, and a ROLLBACK is what an abort asks for.
  const isStoppable =
    isOwn !== true &&
    (hold.connection.canInterrupt ||
      signal !== undefined ||
      hold.request.signal !== undefined ||
      limits.statementTimeoutMs > 0)
  return isStoppable
    ? callStoppable(hold, { call: call ?? {}, signal }, send)
    : sendPlain(hold, send, call)
}

async function sendPlain<T>(
  hold: Hold,
  send: LeaseCall<T>['send'],
  call: StatementCall | undefined,
): Promise<T> {
  hold.sent()
  try {
    const result = await send(call)
    // It was written to a file that nobody finds any more.
    if (hold.revocation?.code === 'DB_REPLACED') throw hold.revocation
    return result
  } finally {
    hold.answered()
    hold.calls!.settled()
  }
}

/** Release waits for it, also between two attempts. */
async function awaited<T>(hold: Hold, given: LeaseCall<T>, startedMs: number): Promise<T> {
  const calls = hold.calls!
  calls.awaitedCount += 1
  try {
    return await untilNotBusy(hold, given, startedMs)
  } finally {
    calls.settled()
  }
}

/**
 * Another process holds the lock. SQLite has waited for `busyTimeoutMs` on the thread, where nothing can stop
 * it; so that is kept short, and the rest of the time is waited for here.
 */
async function untilNotBusy<T>(hold: Hold, given: LeaseCall<T>, startedMs: number): Promise<T> {
  const { clock } = hold.host
  const isFirst = hold.statementCount === 1 && hold.deadlineMs > 0
  const deadlineMs = isFirst ? hold.deadlineMs : startedMs + hold.request.timeoutMs
  let attempts = 0
  let wasInTransaction: boolean
  let failure: unknown
  do {
    if (attempts > 0) await beforeNext(hold, given, attempts)
    attempts += 1
    wasInTransaction = hold.connection.inTransaction
    try {
      return await sendOnce(hold, given)
    } catch (error) {
      if (!isBusy(error)) throw error
      const canRepeat = given.isOwn === true || !(wasInTransaction || hold.connection.inTransaction)
      if (!canRepeat) throw error
      failure = error
    }
  } while (clock.nowMs() < deadlineMs)
  const outcome = wasInTransaction ? 'rolled_back' : 'not_started'
  throw busy(failure, { waitedMs: clock.nowMs() - startedMs, attempts, outcome })
}

/** Pauses. @throws why it is not to be sent again */
async function beforeNext(
  hold: Hold,
  { signal }: LeaseCall<unknown>,
  attempts: number,
): Promise<void> {
  hold.host.stats.busyRetried += 1
  await pause(hold, attempts)
  if (hold.revocation !== undefined) throw hold.revocation
  signal?.throwIfAborted()
  hold.request.signal?.throwIfAborted()
}

function pause({ host }: Hold, attempts: number): Promise<void> {
  const longestMs = Math.min(FIRST_PAUSE_MS * 2 ** attempts, LONGEST_PAUSE_MS)
  // Several processes that wait for one lock must not come back at the same moment.
  const delayMs = longestMs * (0.5 + Math.random() / 2)
  return new Promise((resolve) => host.clock.setTimer(resolve, delayMs, { isVital: true }))
}

/** Not SQLITE_BUSY_SNAPSHOT: no wait makes an old snapshot new. */
function isBusy(error: unknown): boolean {
  const code = errorCodeOf(error)
  return code.startsWith('SQLITE_BUSY') && code !== 'SQLITE_BUSY_SNAPSHOT'
}

function busy(
  cause: unknown,
  moment: { readonly waitedMs: number; readonly attempts: number; readonly outcome: Outcome },
): PoolError {
  const waitedMs = Math.round(moment.waitedMs)
  return new PoolError('DB_BUSY', `another process held the lock for ${waitedMs} ms`, {
    hint: 'try again, or find out which program writes to the file',
    details: { waitedMs, attempts: moment.attempts },
    cause,
    outcome: moment.outcome,
  })
}

/** SQLite only says "readonly database", which sends people to look at file modes. */
function explain(hold: Hold, error: unknown): unknown {
  if (hold.slot.role !== 'reader' || errorCodeOf(error) !== 'SQLITE_READONLY') return error
  return new PoolError('LEASE_READ_ONLY', 'this lease is on a reader, and the statement writes', {
    hint: "pass { mode: 'write' }, or use pool.run or pool.transaction",
    cause: error,
    outcome: 'not_started',
  })
}
