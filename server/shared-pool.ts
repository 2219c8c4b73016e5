import type { ConnectionPool } from './connection-pool.ts'
import { createPool } from './create-pool.ts'
import type { PoolOptions } from './pool/options.ts'

let shared: Promise<ConnectionPool> | undefined
/** The closing that is under way or was the last. */
let closing: Promise<void> = Promise.resolve()

/**
 * The one pool of this process, made at the first call with `options`; later calls get the same, whatever they
 * pass. Without options the file is `DATABASE_PATH`, or `database.sqlite` in the working directory.
 * A pool that could not be opened is not kept: the next call tries again.
 */
export function getConnectionPool(options?: PoolOptions): Promise<ConnectionPool> {
  shared ??= open(options ?? { path: process.env['DATABASE_PATH'] ?? 'database.sqlite' })
  return shared
}

/**
 * Closes the pool of `getConnectionPool`, if there is one. The next `getConnectionPool` makes a new one when
 * this one is closed. Every call waits for the closing that is under way.
 */
export async function closeConnectionPool(options?: {
  readonly timeoutMs?: number
}): Promise<void> {
  const pool = shared
  if (pool !== undefined) {
    shared = undefined
    closing = close(pool, options)
  }
  await closing
}

async function open(options: PoolOptions): Promise<ConnectionPool> {
  // Two writers on one file would meet in SQLite's lock and not in our queue.
  await closing.catch(() => undefined)
  const opening = shared
  try {
    return await createPool(options)
  } catch (error) {
    if (shared === opening) shared = undefined
    throw error
  }
}

async function close(
  opening: Promise<ConnectionPool>,
  options: { readonly timeoutMs?: number } | undefined,
): Promise<void> {
  const pool = await opening.catch(() => undefined)
  await pool?.close(options)
}
