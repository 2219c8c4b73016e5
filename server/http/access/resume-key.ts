import { createHmac, randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import type { Config } from '../../config.ts'

const KEY_BYTES = 32

/**
 * The key that lets sessions outlive this process, or `null`: then a restart logs everyone out.
 *
 * - With ADMIN_TOKEN it is derived from the tokens: changing one of them ends every session.
 * - Without, on loopback, it is a random secret in `DATABASE_PATH.session-key`, which only this user may
 *   read. One that others can read, or of another size, is replaced.
 *
 * See docs/decisions/0007.
 */
export function loadResumeKey(config: Pick<Config, 'pool' | 'http' | 'access'>): Buffer | null {
  const { adminToken, viewerToken } = config.access
  const secret =
    adminToken ?? (config.http.isLoopback ? keyOfFile(`${config.pool.path}.session-key`) : null)
  if (secret === null) return null
  return createHmac('sha256', secret)
    .update(`glasspool session ${viewerToken ?? ''}`)
    .digest()
}

/** Reads the file, or makes it. A directory that cannot be written costs the comfort, not the start. */
function keyOfFile(keyPath: string): Buffer | null {
  try {
    return readKey(keyPath) ?? createKey(keyPath)
  } catch {
    return null
  }
}

function readKey(keyPath: string): Buffer | null {
  const file = openOrNull(keyPath)
  if (file === null) return null
  try {
    const { mode, uid, size } = fstatSync(file)
    const isPrivate =
      process.getuid === undefined || ((mode & 0o077) === 0 && uid === process.getuid())
    const key = Buffer.alloc(KEY_BYTES)
    return isPrivate && size === KEY_BYTES && readSync(file, key) === KEY_BYTES ? key : null
  } finally {
    closeSync(file)
  }
}

function createKey(keyPath: string): Buffer {
  const key = randomBytes(KEY_BYTES)
  rmSync(keyPath, { force: true })
  const file = openSync(keyPath, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    writeSync(file, key)
  } finally {
    closeSync(file)
  }
  return key
}

/** A link is not followed: its target is not ours to read. */
function openOrNull(keyPath: string): number | null {
  try {
    return openSync(keyPath, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return null
  }
}
