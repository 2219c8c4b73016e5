import { PoolError } from './pool/errors.ts'
import type { FileIdentity } from './sqlite/identity.ts'

/** Database files that a pool of this process has open, with the name of that pool. */
const openFiles = new Map<string, string>()

/**
 * Takes a database file for one pool, until the result is called. By what it is and not by its path, so that
 * neither a link nor another spelling hides it.
 *
 * @throws {POOL_ALREADY_OPEN} another pool of this process has it: two writers would meet in SQLite's lock
 */
export function claimFile({ device, inode }: FileIdentity, poolName: string): () => void {
  const key = `${device}:${inode}`
  const other = openFiles.get(key)
  if (other !== undefined) {
    throw new PoolError('POOL_ALREADY_OPEN', `the pool "${other}" has this file open already`, {
      hint: 'share one pool: getConnectionPool() keeps one for the whole process',
      outcome: 'not_started',
    })
  }
  openFiles.set(key, poolName)
  return () => void openFiles.delete(key)
}
