import { basename } from 'node:path'
import { inspect } from 'node:util'
import type { StarvationEvent } from '../../telemetry/events.ts'
import { nearestName } from '../nearest-name.ts'
import { LONGEST_TIMER_MS } from './clock.ts'
import { PoolError } from './errors.ts'

/** What a pool may be told. Everything but `path` has a default. `docs/pool.md` is the table of it. */
export interface PoolOptions {
  /**
   * The database file; created when it does not exist. Blank is refused: it would be a temporary database.
   * `:memory:` has one connection for everything, and is lost with it.
   */
  readonly path: string
  /** Its name in metrics and on the dashboard. *Default*: the base name of the file. */
  readonly name?: string
  /** All connections: one writer, the others readers. *Default*: 5, in memory 1. *Minimum*: 1, which reads and writes on one connection. *Maximum*: 64. */
  readonly size?: number
  /** Readers that stay open. *Default*: 1, or 0 when `size` is 1. *Maximum*: `size` − 1. */
  readonly minReaders?: number
  /** How long a caller waits for a connection. *Unit*: ms. *Default*: 5,000. *0*: not at all. */
  readonly acquireTimeoutMs?: number
  /** Callers that may wait at once; the next gets `POOL_QUEUE_FULL`. *Default*: 1,000. *0*: nobody waits. */
  readonly maxWaiters?: number
  /** Idle readers above the minimum are closed after this long. *Unit*: ms. *Default*: 60,000. *0*: never. */
  readonly idleTimeoutMs?: number
  /** A lease held longer is reported as a possible leak. *Unit*: ms. *Default*: 10,000. *0*: off. */
  readonly leakThresholdMs?: number
  /** A lease held longer is taken back: its transaction is rolled back, and it refuses everything. *Unit*: ms. *Default*: 0. *0*: never. */
  readonly leakReclaimMs?: number
  /** A connection is closed at this age, ±10 %, when it is free. *Unit*: ms. *Default*: 0. *0*: never. */
  readonly maxLifetimeMs?: number
  /** When everyone in the line waits longer for 2 s, those who have waited twice as long are refused. *Unit*: ms. *Default*: 0. *0*: off. */
  readonly shedTargetMs?: number
  /** A statement that takes longer is stopped. *Unit*: ms. *Default*: 0. *0*: no limit. */
  readonly statementTimeoutMs?: number
  /** A transaction of `read`, `write` or `transaction` that takes longer is rolled back. *Unit*: ms. *Default*: 0. *0*: no limit. */
  readonly transactionTimeoutMs?: number
  /** A transaction in which no statement runs for so long is rolled back. *Unit*: ms. *Default*: 0. *0*: no limit. */
  readonly idleInTransactionTimeoutMs?: number
  /** More rows of one statement are `RESULT_TOO_BIG`. *Default*: 0. *0*: no limit. */
  readonly maxRows?: number
  /** More bytes of one result are `RESULT_TOO_BIG`. *Unit*: bytes. *Default*: 0. *0*: no limit. */
  readonly maxBytes?: number
  /** `thread`: each connection on a worker thread. `inline`: on the caller's thread, for scripts and tests. *Default*: `thread`. */
  readonly execution?: 'thread' | 'inline'
  /** `full` syncs at every commit; `normal` may lose the last commits in a power cut, never consistency. *Default*: `normal`. */
  readonly durability?: 'normal' | 'full'
  /** How long SQLite waits for a lock that another process holds. *Unit*: ms. *Default*: 250, inline 0. *0*: not at all. */
  readonly busyTimeoutMs?: number
  /** Prepared statements kept per connection. *Default*: 200. *0*: none. */
  readonly statementCacheSize?: number
  /** Page cache of all connections together; each gets its share, at least 4 MiB. *Unit*: bytes. *Default*: 64 MiB. */
  readonly cacheSizeBytes?: number
  /** Time between checkpoints by the clock, beside those by frames and age. *Unit*: ms. *Default*: 60,000. *0*: none. */
  readonly checkpointIntervalMs?: number
  /** Who checkpoints: the pool, SQLite inside commits, or another program such as Litestream. *Default*: `pool`. */
  readonly checkpointer?: 'pool' | 'sqlite' | 'external'
  /** Length of the log at which writers wait and then get `WAL_FULL`, while it cannot start over. *Unit*: bytes. *Default*: 1 GiB. *0*: no limit. */
  readonly maxWalBytes?: number
  /** A lease that has kept the log from being copied back for longer is taken back. *Unit*: ms. *Default*: 0. *0*: never. */
  readonly starvationReclaimMs?: number
  /** Told when the log cannot be copied back any more, again each time that has lasted twice as long, and when it can. */
  readonly onStarvation?: (event: StarvationEvent) => void
  /** `local`: a file on a network file system is refused. `any`: no other machine opens it. *Default*: `local`. */
  readonly filesystem?: 'local' | 'any'
  /** Where Litestream answers with its metrics, shown beside the log's. *Default*: none, nothing is asked for. */
  readonly litestreamMetricsUrl?: string
}

/** What has no default. */
type Rest = 'onStarvation' | 'litestreamMetricsUrl'

/** Every field given, but those that have no default. */
export type ResolvedPoolOptions = Required<Omit<PoolOptions, Rest>> & Pick<PoolOptions, Rest>

/** As SQLite spells it. */
export const MEMORY = ':memory:'

const MEBIBYTE = 1024 * 1024
const DEFAULT_SIZE = 5

interface NumberRule {
  readonly minimum: number
  readonly maximum: number
  readonly fallback: (options: PoolOptions) => number
}

const rule = (
  fallback: number | NumberRule['fallback'],
  maximum = LONGEST_TIMER_MS,
  minimum = 0,
): NumberRule => ({
  minimum,
  maximum,
  fallback: typeof fallback === 'number' ? () => fallback : fallback,
})

/** What is wrong with a size is said once; the others are then measured against the default. */
const sizeOf = ({ size, path }: PoolOptions): number =>
  isWithin(size, numbers.size) ? size : defaultSizeOf(path)

const defaultSizeOf = (path: unknown): number => (isInMemory(path) ? 1 : DEFAULT_SIZE)

const numbers = {
  /** Small beats big: SQLite's readers share one memory bus, and each costs a thread. */
  size: rule(({ path }) => defaultSizeOf(path), 64, 1),
  minReaders: rule((options) => Math.min(1, sizeOf(options) - 1), 63),
  /** Local file, not a network: whoever waits longer than this waits for a bug. */
  acquireTimeoutMs: rule(5000),
  maxWaiters: rule(1000, 1_000_000),
  idleTimeoutMs: rule(60_000),
  leakThresholdMs: rule(10_000),
  /** Off, as the ones below: what is too long only its user knows. */
  leakReclaimMs: rule(0),
  maxLifetimeMs: rule(0),
  shedTargetMs: rule(0, 60_000),
  statementTimeoutMs: rule(0),
  transactionTimeoutMs: rule(0),
  idleInTransactionTimeoutMs: rule(0),
  maxRows: rule(0, Number.MAX_SAFE_INTEGER),
  maxBytes: rule(0, Number.MAX_SAFE_INTEGER),
  /** Inline it would block the event loop. */
  busyTimeoutMs: rule((options) => (options.execution === 'inline' ? 0 : 250), 60_000),
  /** Enough for the statements of a service; generated SQL must not grow the process. */
  statementCacheSize: rule(200, 100_000),
  cacheSizeBytes: rule(64 * MEBIBYTE, Number.MAX_SAFE_INTEGER),
  checkpointIntervalMs: rule(60_000),
  /** From about there on recovery after a crash takes seconds, and reads are ten times slower. */
  maxWalBytes: rule(1024 * MEBIBYTE, Number.MAX_SAFE_INTEGER),
  starvationReclaimMs: rule(0),
} satisfies Record<string, NumberRule>

const choices = {
  execution: ['thread', 'inline'],
  durability: ['normal', 'full'],
  checkpointer: ['pool', 'sqlite', 'external'],
  filesystem: ['local', 'any'],
} as const

export const POOL_OPTION_NAMES: readonly string[] = [
  'path',
  'name',
  ...Object.keys(numbers),
  ...Object.keys(choices),
  'onStarvation',
  'litestreamMetricsUrl',
]

/**
 * Checks everything and fills in the defaults. The result is frozen.
 *
 * @throws {POOL_INVALID_OPTION} naming every problem at once.
 */
export function resolvePoolOptions(options: PoolOptions): ResolvedPoolOptions {
  if (typeof options !== 'object' || options === null) {
    throw invalid([`options must be an object with a path, and is ${describe(options)}`])
  }
  const problems = [
    ...unknownNames(options),
    ...wrongPath(options.path),
    ...wrongName(options),
    ...wrongRest(options),
  ]
  const resolved: Record<string, unknown> = {
    // The driver trims it as well: all who open or look at the file must mean the same one.
    path: typeof options.path === 'string' ? options.path.trim() : options.path,
    name: options.name ?? baseName(options.path),
    onStarvation: options.onStarvation,
    litestreamMetricsUrl: options.litestreamMetricsUrl,
  }
  for (const [name, limits] of Object.entries(numbers)) {
    const given = options[name as keyof typeof numbers]
    if (given !== undefined && !isWithin(given, limits)) {
      problems.push(
        `${name} must be a whole number from ${limits.minimum} to ${limits.maximum}, and is ${describe(given)}`,
      )
    }
    resolved[name] = given ?? limits.fallback(options)
  }
  for (const [name, allowed] of Object.entries(choices)) {
    const given = options[name as keyof typeof choices]
    if (given !== undefined && !(allowed as readonly string[]).includes(given)) {
      problems.push(`${name} must be one of ${allowed.join(', ')}, and is ${describe(given)}`)
    }
    resolved[name] = given ?? allowed[0]
  }
  problems.push(...tooManyReaders(options), ...wrongInMemory(options))
  if (problems.length > 0) throw invalid(problems)
  return Object.freeze(resolved) as unknown as ResolvedPoolOptions
}

/** @throws {POOL_INVALID_OPTION} */
export function assertSize(size: unknown): void {
  const { minimum, maximum } = numbers.size
  if (isWithin(size, numbers.size)) return
  throw invalid([
    `size must be a whole number from ${minimum} to ${maximum}, and is ${describe(size)}`,
  ])
}

function unknownNames(options: PoolOptions): string[] {
  return Object.keys(options)
    .filter((name) => !POOL_OPTION_NAMES.includes(name))
    .map((name) => {
      const nearest = nearestName(name, POOL_OPTION_NAMES)
      return `${name} is not an option${nearest === null ? '' : `; did you mean ${nearest}?`}`
    })
}

function wrongPath(path: unknown): string[] {
  if (typeof path !== 'string') return [`path must be a string, and is ${describe(path)}`]
  const trimmed = path.trim()
  if (trimmed === '') return ['path is blank: SQLite would open a temporary database']
  if (trimmed.includes('\0')) return [`path contains a NUL byte, and is ${describe(path)}`]
  return []
}

/** What would lose the database, or give each connection one of its own. */
function wrongInMemory(options: PoolOptions): string[] {
  if (!isInMemory(options.path)) return []
  const problems: string[] = []
  if (sizeOf(options) !== 1)
    problems.push('size must be 1 for :memory:, whose connections share nothing')
  if ((options.maxLifetimeMs ?? 0) !== 0) problems.push('maxLifetimeMs must be 0 for :memory:')
  return problems
}

function isInMemory(path: unknown): boolean {
  return typeof path === 'string' && path.trim() === MEMORY
}

function wrongName({ name }: PoolOptions): string[] {
  if (name === undefined || (typeof name === 'string' && name.trim() !== '')) return []
  return [`name must be a string that is not blank, and is ${describe(name)}`]
}

function wrongRest({ onStarvation, litestreamMetricsUrl: url }: PoolOptions): string[] {
  const problems: string[] = []
  if (onStarvation !== undefined && typeof onStarvation !== 'function') {
    problems.push(`onStarvation must be a function, and is ${describe(onStarvation)}`)
  }
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    problems.push(`litestreamMetricsUrl must be an http or https URL, and is ${describe(url)}`)
  }
  return problems
}

/** Only when each is right by itself: one mistake is one problem. */
function tooManyReaders(options: PoolOptions): string[] {
  const { minReaders } = options
  const size = sizeOf(options)
  const isSizeRight = options.size === undefined || options.size === size
  if (!isSizeRight || !isWithin(minReaders, numbers.minReaders) || minReaders < size) return []
  return [`minReaders must be at most size − 1, which is ${size - 1}, and is ${minReaders}`]
}

function isWithin(value: unknown, { minimum, maximum }: NumberRule): value is number {
  return Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum
}

function baseName(path: unknown): string {
  return typeof path === 'string' ? basename(path.trim()) : ''
}

function invalid(problems: readonly string[]): PoolError {
  return new PoolError('POOL_INVALID_OPTION', problems.join('; '), {
    hint: 'docs/pool.md has every option with its unit, default and range',
  })
}

function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 0 })
}
