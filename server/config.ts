import { statSync, accessSync, constants, type Stats } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { dirname, resolve } from 'node:path'
import Value from 'typebox/value'
import {
  configSchema,
  settingSchemas,
  type SettingName,
  type Settings,
  type SettingSchema,
} from './config-schema.ts'
import { editCount, nearestName } from './nearest-name.ts'

/** Everything the server is told from outside, checked. Frozen. */
export interface Config {
  readonly pool: {
    /** Absolute. */
    readonly path: string
    readonly size: number
    readonly minReaders: number
    readonly acquireTimeoutMs: number
    readonly maxWaiters: number
    readonly idleTimeoutMs: number
    readonly leakThresholdMs: number
    readonly busyTimeoutMs: number
    readonly durability: 'normal' | 'full'
    /** 0 is off. */
    readonly checkpointIntervalMs: number
  }
  readonly http: {
    /** An address, never a name. */
    readonly host: string
    readonly port: number
    readonly isLoopback: boolean
    /** Lower case, each with or without a port. */
    readonly allowedHosts: readonly string[]
    readonly trustedProxies: readonly string[]
    readonly tls: { readonly certPath: string; readonly keyPath: string } | null
  }
  readonly access: { readonly adminToken: string | null; readonly viewerToken: string | null }
  readonly maxViewers: number
  readonly logLevel: Settings['LOG_LEVEL']
  readonly shutdownTimeoutMs: number
}

/** The environment cannot be used. Its message names every wrong variable; `main.ts` exits with 78. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const count = problems.length === 1 ? '1 setting is' : `${problems.length} settings are`
    super(`${count} wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the environment into a `Config`. Touches nothing but `stat`.
 * @throws {ConfigError} with all problems at once.
 */
export function readConfig(env: Environment): Config {
  const problems = unknownNames(env)
  const { settings, wrong } = readSettings(env)
  for (const [name, given] of wrong) problems.push(describeWrong(name, given))
  problems.push(...crossChecks(settings))
  if (problems.length > 0) throw new ConfigError(problems)
  return toConfig(settings as Settings)
}

const names = Object.keys(settingSchemas) as SettingName[]
const ownPrefixes = /^(DB|DATABASE|POOL|WAL|LIVE|SHUTDOWN|TLS)_/

/** Names with our prefixes that nobody reads, and near misses of the longer names. */
function unknownNames(env: Environment): string[] {
  return Object.keys(env)
    .filter((name) => !Object.hasOwn(settingSchemas, name) && env[name] !== undefined)
    .flatMap((name) => {
      const nearest = nearestName(name, names)
      const isNearMiss = nearest !== null && nearest.length >= 8 && editCount(name, nearest) <= 2
      if (!ownPrefixes.test(name) && !isNearMiss) return []
      const hint = nearest === null ? '' : `; did you mean ${nearest}?`
      return [`${name} is not a setting${hint}`]
    })
}

interface Reading {
  /** Those that are right, defaults included. */
  readonly settings: Partial<Settings>
  readonly wrong: ReadonlyMap<SettingName, string>
}

function readSettings(env: Environment): Reading {
  const given: Record<string, unknown> = Value.Default(configSchema, {}) as Record<string, unknown>
  for (const name of names) {
    const text = env[name]
    if (text !== undefined) given[name] = isNumeric(settingSchemas[name]) ? toNumber(text) : text
  }
  const wrong = new Map<SettingName, string>()
  for (const { instancePath } of Value.Errors(configSchema, given)) {
    const name = instancePath.split('/')[1] as SettingName
    wrong.set(name, env[name] ?? '')
  }
  for (const name of wrong.keys()) delete given[name]
  return { settings: given as Partial<Settings>, wrong }
}

const isNumeric = (schema: SettingSchema): boolean => typeof schema.default === 'number'

/** Decimal digits and nothing else: no sign, blank, fraction, exponent, hexadecimal or leading zero. */
const toNumber = (text: string): number | string =>
  /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : text

function describeWrong(name: SettingName, given: string): string {
  const { allowed, isSecret } = settingSchemas[name]
  if (given === '') return `${name} is empty: it must be ${allowed}, or not be set at all`
  const shown = isSecret === true ? `${given.length} characters` : JSON.stringify(shorten(given))
  return `${name} is ${shown}: it must be ${allowed}`
}

const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text)

function crossChecks(settings: Partial<Settings>): string[] {
  return [
    ...checkDatabasePath(settings.DATABASE_PATH),
    ...checkReaders(settings),
    ...checkTokens(settings),
    ...checkTls(settings),
    ...checkLists(settings),
    ...checkReach(settings),
  ]
}

function checkDatabasePath(path: string | undefined): string[] {
  if (path === undefined) return []
  const refuse = (why: string): string[] => [
    `DATABASE_PATH is ${JSON.stringify(shorten(path))}: ${why}`,
  ]
  if (path !== path.trim()) return refuse('it begins or ends with a blank')
  if (path.includes('\0')) return refuse('it holds a NUL character')
  if (/^:memory:/i.test(path)) {
    return refuse('each connection would get a database of its own; it must be a file')
  }
  if (/^file:/i.test(path)) return refuse('URIs are not supported; give a plain path')
  if (statOrNull(path)?.isDirectory() === true) return refuse('it is a directory')
  const parent = dirname(resolve(path))
  if (statOrNull(parent)?.isDirectory() !== true) return refuse('its directory does not exist')
  if (!isWritable(statOrNull(path) === null ? parent : path)) {
    return refuse('this user may not write there')
  }
  return []
}

function checkReaders(settings: Partial<Settings>): string[] {
  const { DB_POOL_SIZE: size, POOL_MIN_READERS: minReaders } = settings
  // The default minimum adapts to a small pool; only one that was asked for can be wrong.
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

function checkTls(settings: Partial<Settings>): string[] {
  const problems: string[] = []
  const { TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath } = settings
  for (const [name, path] of [
    ['TLS_CERT_PATH', certPath],
    ['TLS_KEY_PATH', keyPath],
  ] as const) {
    if (path !== undefined && statOrNull(path)?.isFile() !== true) {
      problems.push(`${name} is ${JSON.stringify(shorten(path))}: there is no such file`)
    }
  }
  if ((certPath === undefined) !== (keyPath === undefined)) {
    problems.push('TLS_CERT_PATH and TLS_KEY_PATH belong together: set both, or none')
  }
  return problems
}

function checkLists(settings: Partial<Settings>): string[] {
  const problems: string[] = []
  for (const host of splitList(settings.ALLOWED_HOSTS)) {
    if (!/^([a-z0-9._-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/i.test(host)) {
      problems.push(
        `ALLOWED_HOSTS has ${JSON.stringify(shorten(host))}: it must be ${settingSchemas.ALLOWED_HOSTS.allowed}`,
      )
    }
  }
  for (const proxy of splitList(settings.TRUST_PROXY)) {
    const [address, bits] = proxy.split('/')
    const family = isIP(address!)
    const isRange =
      bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
    if (family === 0 || !isRange || bits === '0') {
      problems.push(
        `TRUST_PROXY has ${JSON.stringify(shorten(proxy))}: it must be ${settingSchemas.TRUST_PROXY.allowed}`,
      )
    }
  }
  return problems
}

/** What another address than loopback asks for before anything listens there. */
function checkReach(settings: Partial<Settings>): string[] {
  const { HOST: given } = settings
  if (given === undefined) return []
  const host = toAddress(given)
  if (isIP(host) === 0) {
    return [`HOST is ${JSON.stringify(shorten(given))}: it must be ${settingSchemas.HOST.allowed}`]
  }
  if (isLoopback(host)) return []
  const missing: string[] = []
  if (settings.ADMIN_TOKEN === undefined) missing.push('ADMIN_TOKEN')
  if (settings.ALLOWED_HOSTS === undefined) missing.push('ALLOWED_HOSTS')
  const isProtected =
    settings.TLS_CERT_PATH !== undefined ||
    settings.TRUST_PROXY !== undefined ||
    settings.ALLOW_INSECURE_HTTP === '1'
  if (!isProtected) {
    missing.push('TLS_CERT_PATH and TLS_KEY_PATH (or TRUST_PROXY, or ALLOW_INSECURE_HTTP=1)')
  }
  return missing.length === 0
    ? []
    : [`HOST is ${JSON.stringify(given)}, which others can reach: it needs ${missing.join(', ')}`]
}

function toConfig(settings: Settings): Config {
  const host = toAddress(settings.HOST)
  const { TLS_CERT_PATH: certPath, TLS_KEY_PATH: keyPath } = settings
  return Object.freeze({
    pool: Object.freeze({
      path: resolve(settings.DATABASE_PATH),
      size: settings.DB_POOL_SIZE,
      minReaders: Math.min(settings.POOL_MIN_READERS, settings.DB_POOL_SIZE - 1),
      acquireTimeoutMs: settings.POOL_ACQUIRE_TIMEOUT_MS,
      maxWaiters: settings.POOL_MAX_WAITERS,
      idleTimeoutMs: settings.POOL_IDLE_TIMEOUT_MS,
      leakThresholdMs: settings.POOL_LEAK_THRESHOLD_MS,
      busyTimeoutMs: settings.SQLITE_BUSY_TIMEOUT_MS,
      durability: settings.DB_DURABILITY as 'normal' | 'full',
      checkpointIntervalMs: settings.WAL_CHECKPOINT_INTERVAL,
    }),
    http: Object.freeze({
      host,
      port: settings.PORT,
      isLoopback: isLoopback(host),
      allowedHosts: Object.freeze(
        splitList(settings.ALLOWED_HOSTS).map((entry) => entry.toLowerCase()),
      ),
      trustedProxies: Object.freeze(splitList(settings.TRUST_PROXY)),
      tls: certPath === undefined || keyPath === undefined ? null : { certPath, keyPath },
    }),
    access: Object.freeze({
      adminToken: settings.ADMIN_TOKEN ?? null,
      viewerToken: settings.VIEWER_TOKEN ?? null,
    }),
    maxViewers: settings.LIVE_MAX_VIEWERS,
    logLevel: settings.LOG_LEVEL,
    shutdownTimeoutMs: settings.SHUTDOWN_TIMEOUT_MS,
  })
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const isLoopback = (address: string): boolean =>
  loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

// A name may resolve to one family only, and half the visitors would knock at the other.
const toAddress = (host: string): string => (host === 'localhost' ? '127.0.0.1' : host)

const splitList = (text: string | undefined): string[] =>
  text === undefined ? [] : text.split(',').map((entry) => entry.trim())

function statOrNull(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null
  } catch {
    return null
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
