import { assertGood, assertStillOpen, callStatement } from './call.ts'
import { errorCodeOf } from './error-text.ts'
import { type Hold, HeldTransaction } from './hold.ts'
import { type TransactionLimits, TransactionWatch } from './transaction-watch.ts'

/** `snapshot`: everything is read as of one moment. `immediate`: the write lock is taken at once. */
export type TransactionKind = 'snapshot' | 'immediate'

const BEGIN: Record<TransactionKind, string> = {
  // A deferred transaction has no snapshot before its first read, so it reads at once.
  snapshot: 'BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1',
  // A deferred one that writes later can fail half-way with SQLITE_BUSY_SNAPSHOT.
  immediate: 'BEGIN IMMEDIATE',
}

/** As the pool's options have them, unless other `limits` are given. */
export async function begin(
  kind: TransactionKind,
  hold: Hold,
  limits?: TransactionLimits,
): Promise<void> {
  await control(hold, BEGIN[kind])
  const transaction = new HeldTransaction(kind === 'snapshot')
  hold.transaction = transaction
  const { transactionTimeoutMs, idleInTransactionTimeoutMs } = hold.host.limits
  transaction.watch = TransactionWatch.start(
    hold,
    limits ?? {
      wholeMs: transactionTimeoutMs,
      pauseMs: idleInTransactionTimeoutMs,
      code: 'TRANSACTION_TIMEOUT',
    },
  )
}

/**
 * Runs `fn` between BEGIN and COMMIT. The error of `fn` always wins, and no success is reported before COMMIT
 * has answered. A connection whose COMMIT or ROLLBACK failed is closed and not reused, unless it was only a
 * constraint that refused the COMMIT.
 */
export async function inTransaction<T>(
  kind: TransactionKind,
  hold: Hold,
  fn: () => Promise<T>,
): Promise<T> {
  await begin(kind, hold)
  let result: T
  try {
    result = await fn()
  } catch (error) {
    await rollBack(hold)
    throw error
  }
  ending(hold)
  try {
    assertGood(hold)
    assertStillOpen(hold)
    await closeCursors(hold)
    await control(hold, 'COMMIT')
  } catch (error) {
    await rollBack(hold)
    if (!isHarmless(error)) await discard(hold)
    throw error
  } finally {
    left(hold)
  }
  return result
}

let savepointCount = 0

/** As `inTransaction`, inside of one: SAVEPOINT and RELEASE, or ROLLBACK TO and RELEASE. */
export async function inSavepoint<T>(hold: Hold, fn: () => Promise<T>): Promise<T> {
  savepointCount += 1
  const name = `glasspool_${savepointCount}`
  await control(hold, `SAVEPOINT ${name}`)
  // Inside a transaction that the caller began: it too may be rolled back by SQLite.
  const isCallers = hold.transaction === null
  if (isCallers) hold.transaction = new HeldTransaction(false)
  try {
    return await between(hold, name, fn)
  } finally {
    if (isCallers) hold.transaction = null
  }
}

async function between<T>(hold: Hold, name: string, fn: () => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await fn()
  } catch (error) {
    // ROLLBACK TO leaves the savepoint where it is.
    await undo(hold, `ROLLBACK TO ${name}; RELEASE ${name}`)
    throw error
  }
  assertStillOpen(hold)
  await control(hold, `RELEASE ${name}`)
  return result
}

function rollBack(hold: Hold): Promise<void> {
  ending(hold)
  return undo(hold, 'ROLLBACK').finally(() => left(hold))
}

/** From here on nothing is begun in it, and no limit takes it away: COMMIT or ROLLBACK goes out next. */
function ending(hold: Hold): void {
  const transaction = hold.transaction!
  transaction.isEnding = true
  transaction.watch?.stop()
}

/** One that could not be ended is still the pool's, until the reset at release. */
function left(hold: Hold): void {
  if (!hold.connection.inTransaction) hold.transaction = null
}

/** A cursor that is open keeps SQLite from ending its transaction. */
async function closeCursors(hold: Hold): Promise<void> {
  for (const close of hold.calls!.cursors) await close()
}

async function undo(hold: Hold, sql: string): Promise<void> {
  // What SQLite still runs would be waited for; the reset at release rolls back after it.
  if (hold.isReleased || hold.calls!.strandedCount > 0) return
  // SQLite has rolled back by itself after some errors (a full disk, an I/O error).
  if (!hold.connection.inTransaction) return
  try {
    await closeCursors(hold)
    await control(hold, sql)
  } catch {
    await discard(hold)
  }
}

async function discard(hold: Hold): Promise<void> {
  if (!hold.isReleased) await hold.host.end(hold, true)
}

function control(hold: Hold, sql: string): Promise<void> {
  return callStatement(hold, {
    sql,
    isOwn: true,
    isSingle: true,
    send: () => hold.connection.exec(sql),
    countRows: () => null,
  })
}

/** It says nothing about the connection: a constraint refused the COMMIT, or none was sent. */
function isHarmless(error: unknown): boolean {
  const code = errorCodeOf(error)
  return code.startsWith('SQLITE_CONSTRAINT') || code === 'TRANSACTION_ENDED'
}

/** Another process was in the way; the same function may succeed now. */
export function isConflict(error: unknown): boolean {
  const code = errorCodeOf(error)
  return code === 'SQLITE_BUSY_SNAPSHOT' || code === 'SQLITE_BUSY' || code === 'DB_BUSY'
}
