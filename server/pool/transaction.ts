import type { Lease } from './lease.ts'

/** `snapshot`: everything is read as of one moment. `immediate`: the write lock is taken at once. */
export type TransactionKind = 'snapshot' | 'immediate'

const BEGIN: Record<TransactionKind, string> = {
  // A deferred transaction has no snapshot before its first read, so it reads at once.
  snapshot: 'BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1',
  // A deferred one that writes later can fail half-way with SQLITE_BUSY_SNAPSHOT.
  immediate: 'BEGIN IMMEDIATE',
}

/**
 * Runs `fn` between BEGIN and COMMIT. The error of `fn` always wins. A COMMIT that fails (a deferred
 * constraint, a full disk) is rolled back. When ROLLBACK fails too the connection is closed and not reused.
 */
export async function inTransaction<T>(
  kind: TransactionKind,
  lease: Lease,
  fn: (db: Lease) => T | Promise<T>,
): Promise<T> {
  await lease.exec(BEGIN[kind])
  let result: T
  try {
    result = await fn(lease)
  } catch (error) {
    await rollBack(lease)
    throw error
  }
  try {
    await lease.exec('COMMIT')
  } catch (error) {
    await rollBack(lease)
    throw error
  }
  return result
}

async function rollBack(lease: Lease): Promise<void> {
  if (lease.isReleased) return
  // SQLite has rolled back by itself after some errors (a full disk, an I/O error).
  if (!lease.inTransaction) return
  try {
    await lease.exec('ROLLBACK')
  } catch {
    await lease.destroy().catch(() => undefined)
  }
}
