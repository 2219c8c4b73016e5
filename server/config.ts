import { resolve } from 'node:path'
import Value from 'typebox/value'
import { checkTogether } from './config-checks.ts'
import { checkNames, settingNames } from './config-names.ts'
import { checkReach, isLoopback, splitList, toAddress } from './config-reach.ts'
import {
  settingSchemas,
  type SettingName,
  type Settings,
  type SettingSchema,
} from './config-schema.ts'

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
    readonly checkpointer: 'pool' | 'sqlite' | 'external'
    /** 0 is no limit. */
    readonly maxWalBytes: number
    /** 0 is off. */
    readonly starvationReclaimMs: number
    readonly filesystem: 'local' | 'any'
    readonly litestreamMetricsUrl?: string
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
 * Reads the environment into a `Config`. Looks at files and creates none.
 * @throws {ConfigError} with all problems at once.
 */
export function readConfig(env: Environment): Config {
  const given = new Set(Object.keys(env).filter((name) => env[name] !== undefined))
  const isGiven = (name: SettingName): boolean => given.has(name)
  const { settings, wrong } = readSettings(env)
  const problems = [
    ...checkNames([...given]),
    ...[...wrong].map(([name, text]) => describeWrong(name, text)),
    ...checkTogether(settings, isGiven),
    ...checkReach(settings, isGiven),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
  return toConfig(settings as Settings)
}

interface Reading {
  /** Those that are right, defaults included. */
  readonly settings: Partial<Settings>
  readonly wrong: ReadonlyMap<SettingName, string>
}

function readSettings(env: Environment): Reading {
  const settings: Record<string, unknown> = {}
  const wrong = new Map<SettingName, string>()
  for (const name of settingNames) {
    const schema = settingSchemas[name]
    const text = env[name]
    const value = text === undefined ? schema.default : isNumeric(schema) ? toNumber(text) : text
    // One by one: of a whole object TypeBox reports the first eight errors only.
    if (text === undefined || Value.Check(schema, value)) settings[name] = value
    else wrong.set(name, text)
  }
  return { settings: settings as Partial<Settings>, wrong }
}

const isNumeric = (schema: SettingSchema): boolean => typeof schema.default === 'number'

/** Decimal digits and nothing else: no sign, blank, fraction, exponent, hexadecimal or leading zero. */
const toNumber = (text: string): number | string =>
  /^(0|[1-9]\d{0,9})$/.test(text) ? Number(text) : text

function describeWrong(name: SettingName, given: string): string {
  const { allowed, isSecret } = settingSchemas[name]
  if (given === '') return `${name} is empty: it must be ${allowed}, or not be set at all`
  const shown =
    isSecret === true
      ? `${given.length} characters`
      : JSON.stringify(given.length > 80 ? `${given.slice(0, 79)}…` : given)
  return `${name} is ${shown}: it must be ${allowed}`
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
      checkpointer: settings.WAL_CHECKPOINTER as 'pool' | 'sqlite' | 'external',
      maxWalBytes: settings.WAL_MAX_MIB * 1024 * 1024,
      starvationReclaimMs: settings.WAL_STARVATION_RECLAIM_MS,
      filesystem: settings.DB_FILESYSTEM as 'local' | 'any',
      ...(settings.LITESTREAM_METRICS_URL !== undefined && {
        litestreamMetricsUrl: settings.LITESTREAM_METRICS_URL,
      }),
    }),
    http: Object.freeze({
      host,
      port: settings.PORT,
      isLoopback: isLoopback(host),
      allowedHosts: Object.freeze(
        splitList(settings.ALLOWED_HOSTS).map((entry) => entry.toLowerCase()),
      ),
      trustedProxies: Object.freeze(splitList(settings.TRUST_PROXY)),
      tls:
        certPath === undefined || keyPath === undefined
          ? null
          : Object.freeze({ certPath, keyPath }),
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
