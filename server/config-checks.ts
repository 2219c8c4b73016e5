import { accessSync, constants, readFileSync, statSync, type Stats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { SettingName, Settings } from './config-schema.ts'

/**
 * What the schema cannot say: files that must be there, and settings that contradict each other.
 * `isGiven` is also true for a wrong value.
 */
export function checkTogether(
  settings: Partial<Settings>,
  isGiven: (name: SettingName) => boolean,
): string[] {
  return [
    ...checkDatabasePath(settings.DATABASE_PATH),
    ...checkReaders(settings),
    ...checkTokens(settings),
    ...checkTls(settings, isGiven),
  ]
}

function checkDatabasePath(path: string | undefined): string[] {
  if (path === undefined) return []
  const problem = nameProblem(path) ?? placeProblem(path)
  return problem === null ? [] : [`DATABASE_PATH is ${quote(path)}: ${problem}`]
}

function nameProblem(path: string): string | null {
  if (path !== path.trim()) return 'it begins or ends with a blank'
  if (path.includes('\0')) return 'it holds a NUL character'
  if (/^:memory:/i.test(path)) {
    return 'each connection would get a database of its own; it must be a file'
  }
  if (/^file:/i.test(path)) return 'URIs are not supported; give a plain path'
  return null
}

function placeProblem(path: string): string | null {
  const file = look(path)
  if (file.error !== null) return `it cannot be used (${file.error})`
  if (file.stats?.isDirectory() === true || /[/\\]$/.test(path)) return 'it is a directory'
  if (file.stats !== null && !file.stats.isFile()) return 'it is not a file'
  const parent = dirname(resolve(path))
  if (look(parent).stats?.isDirectory() !== true) return 'its directory does not exist'
  // The directory too: the log and its index are created beside an existing database.
  if (!isAllowed(parent, constants.W_OK | constants.X_OK)) {
    return 'this user may not write in its directory'
  }
  if (file.stats !== null && !isAllowed(path, constants.R_OK | constants.W_OK)) {
    return 'this user may not read and write it'
  }
  return null
}

/** 1 is the default, and always right: in a pool of one connection the writer reads too. */
function checkReaders({
  DB_POOL_SIZE: size,
  POOL_MIN_READERS: minReaders,
}: Partial<Settings>): string[] {
  if (size === undefined || minReaders === undefined) return []
  if (minReaders <= Math.max(1, size - 1)) return []
  return [
    `POOL_MIN_READERS is ${minReaders}: a pool of ${size} connections has ${size - 1} readers at most`,
  ]
}

const samples =
  /change.?me|change.?this|secret|password|example|sample|your.?token|token.?here|placeholder|0123456789|abcdefgh|qwerty/i

function checkTokens({ ADMIN_TOKEN: admin, VIEWER_TOKEN: viewer }: Partial<Settings>): string[] {
  const problems: string[] = []
  for (const [name, token] of [
    ['ADMIN_TOKEN', admin],
    ['VIEWER_TOKEN', viewer],
  ] as const) {
    if (token === undefined) continue
    if (samples.test(token) || new Set(token).size < 8) {
      problems.push(`${name} can be guessed: make one with \`openssl rand -hex 32\``)
    }
  }
  if (admin !== undefined && admin === viewer) {
    problems.push('VIEWER_TOKEN is the same as ADMIN_TOKEN: a viewer would be an administrator')
  }
  return problems
}

function checkTls(
  { TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath }: Partial<Settings>,
  isGiven: (name: SettingName) => boolean,
): string[] {
  const problems = [...checkPem('TLS_CERT_PATH', certPath), ...checkPem('TLS_KEY_PATH', keyPath)]
  if (isGiven('TLS_CERT_PATH') !== isGiven('TLS_KEY_PATH')) {
    problems.push('TLS_CERT_PATH and TLS_KEY_PATH belong together: set both, or none')
  }
  if (problems.length > 0 || certPath === undefined || keyPath === undefined) return problems
  try {
    createSecureContext({ cert: readFileSync(certPath), key: readFileSync(keyPath) })
    return []
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [`TLS_CERT_PATH and TLS_KEY_PATH are no certificate with its key (${why})`]
  }
}

function checkPem(name: 'TLS_CERT_PATH' | 'TLS_KEY_PATH', path: string | undefined): string[] {
  if (path === undefined) return []
  if (look(path).stats?.isFile() !== true) {
    return [`${name} is ${quote(path)}: there is no such file`]
  }
  if (!isAllowed(path, constants.R_OK)) {
    return [`${name} is ${quote(path)}: this user may not read it`]
  }
  return []
}

const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)

interface Look {
  /** `null` when there is nothing. */
  readonly stats: Stats | null
  /** Why it could not be looked at: a name too long, a loop of links, a locked directory. */
  readonly error: string | null
}

function look(path: string): Look {
  try {
    return { stats: statSync(path, { throwIfNoEntry: false }) ?? null, error: null }
  } catch (error) {
    return { stats: null, error: (error as NodeJS.ErrnoException).code ?? 'unknown' }
  }
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
