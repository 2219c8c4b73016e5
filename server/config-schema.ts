import { Type, type Static, type TSchema } from 'typebox'

/**
 * Every variable that Glasspool reads, beside the standard `OTEL_*`: its type, bounds, default, what to
 * say when it is wrong (`allowed`), and what `.env.example` says about it (`description`).
 */
interface Text {
  readonly allowed: string
  /** Where 0 is allowed, it says what 0 means. */
  readonly description: string
  /** What a number counts; `ms` for every duration. */
  readonly unit?: string
  /** Its value is never shown. */
  readonly isSecret?: true
}

type NumberOptions = Omit<Text, 'allowed'> & {
  minimum: number
  maximum: number
  default: number
}

/** Every maximum is below 2³¹ ms: more does not fit a timer. */
const wholeNumber = (options: NumberOptions) => {
  const { minimum, maximum } = options
  return Type.Integer({ ...options, allowed: `a whole number from ${minimum} to ${maximum}` })
}

const wholeNumberOrZero = (options: NumberOptions) => {
  const { minimum, maximum, ...rest } = options
  return Type.Union([Type.Literal(0), Type.Integer({ minimum, maximum })], {
    ...rest,
    allowed: `0, or a whole number from ${minimum} to ${maximum}`,
  })
}

const choice = <const T extends string[]>(
  values: readonly [...T],
  options: Omit<Text, 'allowed'> & { default: T[number] },
) => Type.Enum([...values] as unknown as T, { ...options, allowed: `one of ${values.join(', ')}` })

type TextOptions = Text & {
  default?: string
  pattern?: string
  minLength?: number
  maxLength?: number
}

const text = (options: TextOptions) => Type.String({ minLength: 1, pattern: '\\S', ...options })

const optionalText = (options: Omit<TextOptions, 'default'>) => Type.Optional(text(options))

const secret = (description: string) =>
  optionalText({
    description,
    allowed: '32 to 512 ASCII characters without spaces, for instance from `openssl rand -hex 32`',
    minLength: 32,
    maxLength: 512,
    // Anything else cannot travel in an Authorization header.
    pattern: '^[!-~]+$',
    isSecret: true,
  })

const SECONDS_10 = 10_000
const MINUTES_10 = 600_000
const DAY = 86_400_000

export const configSchema = Type.Object({
  DB_POOL_SIZE: wholeNumber({
    unit: 'connections',
    minimum: 1,
    maximum: 64,
    default: 5,
    description: 'Connections in all: one writer, the others readers. 1: one connection does both.',
  }),
  DATABASE_PATH: text({
    default: './database.sqlite',
    allowed: 'the path of a file in a directory that exists',
    description: 'The database file; created and filled at the first start.',
  }),
  DB_DURABILITY: choice(['normal', 'full'], {
    default: 'normal',
    description:
      'full syncs at every commit. normal may lose the last commits in a power cut, never consistency.',
  }),
  SQLITE_BUSY_TIMEOUT_MS: wholeNumber({
    unit: 'ms',
    minimum: 0,
    maximum: 5000,
    default: 250,
    description:
      'How long SQLite waits on its thread for a lock that another process holds; the pool then tries again until the deadline of the caller. 0: not at all.',
  }),
  POOL_MIN_READERS: wholeNumber({
    unit: 'readers',
    minimum: 0,
    maximum: 63,
    default: 1,
    description: 'Readers that stay open when nothing happens. 0: all may close.',
  }),
  POOL_ACQUIRE_TIMEOUT_MS: wholeNumber({
    unit: 'ms',
    minimum: 50,
    maximum: MINUTES_10,
    default: 5000,
    description: 'How long a caller waits for a connection before it gets POOL_ACQUIRE_TIMEOUT.',
  }),
  POOL_MAX_WAITERS: wholeNumber({
    unit: 'callers',
    minimum: 0,
    maximum: 100_000,
    default: 1000,
    description:
      'Callers that may wait at once; the next gets POOL_QUEUE_FULL. 0: nobody waits, a busy pool refuses at once.',
  }),
  POOL_IDLE_TIMEOUT_MS: wholeNumberOrZero({
    unit: 'ms',
    minimum: 1000,
    maximum: DAY,
    default: 60_000,
    description: 'Idle readers above the minimum are closed after this long. 0: never.',
  }),
  POOL_LEAK_THRESHOLD_MS: wholeNumberOrZero({
    unit: 'ms',
    minimum: 2000,
    maximum: DAY,
    default: SECONDS_10,
    description: 'A lease held longer is reported as a possible leak. 0: off.',
  }),
  WAL_CHECKPOINT_INTERVAL: wholeNumberOrZero({
    unit: 'ms',
    minimum: 1000,
    maximum: DAY,
    default: 60_000,
    description:
      'Time between checkpoints by the clock, beside those by frames and age. 0: none by the clock.',
  }),
  WAL_MAX_MIB: wholeNumberOrZero({
    unit: 'MiB',
    minimum: 16,
    maximum: 1_048_576,
    default: 1024,
    description:
      'Length of the log at which writers wait and are then refused with WAL_FULL, while a reader keeps it from starting over. 0: no limit.',
  }),
  WAL_STARVATION_RECLAIM_MS: wholeNumberOrZero({
    unit: 'ms',
    minimum: 2000,
    maximum: DAY,
    default: 0,
    description:
      'A lease that has kept the log from being copied back for longer is taken back. 0: never.',
  }),
  WAL_CHECKPOINTER: choice(['pool', 'sqlite', 'external'], {
    default: 'pool',
    description:
      'Who copies the log back: the pool, SQLite inside commits, or another program such as Litestream.',
  }),
  LITESTREAM_METRICS_URL: optionalText({
    description:
      'Where Litestream answers with its metrics, for instance http://127.0.0.1:9090/metrics. They are shown beside the log.',
    allowed: 'an http or https URL',
    pattern: '^https?://',
  }),
  DB_FILESYSTEM: choice(['local', 'any'], {
    default: 'local',
    description:
      'local: refuse to start with the file on a network file system. any: start, because no other machine opens it.',
  }),
  HOST: text({
    default: '127.0.0.1',
    allowed: 'an IP address, or localhost',
    description:
      'The address to listen on. Any other than loopback needs ADMIN_TOKEN, ALLOWED_HOSTS, and TLS or TRUST_PROXY.',
  }),
  PORT: wholeNumber({
    minimum: 0,
    maximum: 65_535,
    default: 3000,
    description: 'The TCP port to listen on. 0: any free one; the printed link names it.',
  }),
  ALLOWED_HOSTS: optionalText({
    allowed: 'names or addresses with an optional port, separated by commas',
    description:
      'Names under which browsers may reach this server, separated by commas: glasspool.example.com,10.0.0.5:3000',
  }),
  TLS_CERT_PATH: optionalText({
    allowed: 'the path of a readable PEM file',
    description: 'Certificate chain for HTTPS, PEM. Belongs with TLS_KEY_PATH.',
  }),
  TLS_KEY_PATH: optionalText({
    allowed: 'the path of a readable PEM file',
    description: 'The private key of that certificate, PEM, without a passphrase.',
  }),
  TRUST_PROXY: optionalText({
    allowed: 'addresses or ranges of your proxies, separated by commas',
    description:
      'Addresses of the reverse proxies whose X-Forwarded-* is believed: 10.0.0.1,10.1.0.0/16',
  }),
  ALLOW_INSECURE_HTTP: choice(['0', '1'], {
    default: '0',
    description:
      '1: listen beyond loopback without TLS. Tokens then cross the network readable. 0: refuse to.',
  }),
  ADMIN_TOKEN: secret(
    'Unlocks everything. Without it a loopback server makes one, prints it once, and keeps it in memory only.',
  ),
  VIEWER_TOKEN: secret('Unlocks the dashboard and its data, not the admin routes.'),
  LIVE_MAX_VIEWERS: wholeNumber({
    unit: 'viewers',
    minimum: 1,
    maximum: 10_000,
    default: 100,
    description: 'Dashboards that may watch at once.',
  }),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'debug also logs every request.',
  }),
  SHUTDOWN_TIMEOUT_MS: wholeNumber({
    unit: 'ms',
    minimum: 500,
    maximum: MINUTES_10,
    default: SECONDS_10,
    description: 'What a shutdown may take at most; then the process kills itself (137).',
  }),
})

export type Settings = Static<typeof configSchema>
export type SettingName = keyof Settings

/** The schema of one variable with its texts. */
export type SettingSchema = TSchema & Text & { readonly default?: string | number }

export const settingSchemas = configSchema.properties as unknown as Readonly<
  Record<SettingName, SettingSchema>
>
