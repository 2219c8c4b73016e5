import { WALError } from './errors.ts'

/**
 * Refuses an SQLite on which a checkpoint thread is not safe.
 *
 * From 3.7.0 to 3.51.2 a checkpoint that races a write which restarts the log can lose committed
 * pages, and checkpointing beside the writer is what triggers it. 3.50.7 and 3.44.6 carry the fix, but
 * not NOOP, without which our policy would have to checkpoint in order to look.
 *
 * @throws {WAL_UNSAFE_SQLITE}
 */
export function assertSafeSqlite(version: string): void {
  if (hasWalResetRace(version)) {
    throw new WALError(
      'WAL_UNSAFE_SQLITE',
      `SQLite ${version} can lose commits while a checkpoint runs beside a writer; ` +
        'use better-sqlite3 with SQLite 3.51.3 or later',
    )
  }
  if (!hasNoop(version)) {
    throw new WALError(
      'WAL_UNSAFE_SQLITE',
      `SQLite ${version} cannot be asked about its log without a checkpoint; ` +
        'use better-sqlite3 with SQLite 3.51.3 or later',
    )
  }
}

/** Whether a checkpoint that races a log reset can lose committed pages on this version. */
export function hasWalResetRace(version: string): boolean {
  if (isBefore(version, '3.7.0')) return false
  if (version.startsWith('3.44.')) return isBefore(version, '3.44.6')
  if (version.startsWith('3.50.')) return isBefore(version, '3.50.7')
  return isBefore(version, '3.51.3')
}

/**
 * Whether `wal_checkpoint(NOOP)` exists. Below 3.51 the word must never be sent: SQLite takes a mode
 * that it does not know for PASSIVE and checkpoints.
 */
export function hasNoop(version: string): boolean {
  return !isBefore(version, '3.51.0')
}

function isBefore(version: string, limit: string): boolean {
  const parts = version.split('.').map(Number)
  const limits = limit.split('.').map(Number)
  for (let i = 0; i < limits.length; i += 1) {
    const difference = (parts[i] ?? 0) - limits[i]!
    if (difference !== 0) return difference < 0
  }
  return false
}
