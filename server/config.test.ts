import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { settingSchemas, type SettingName } from './config-schema.ts'
import { ConfigError, readConfig } from './config.ts'
import { tempDir } from './testing/temp-db.ts'

type Environment = Record<string, string>

const token = 'f1e2d3c4b5a697887a6b5c4d3e2f1a0b9c8d7e6f'
const otherToken = '7c3a9e51b2d84f60a1c5e7092b4d6f8835aa10ce'
const public_: Environment = {
  HOST: '0.0.0.0',
  ADMIN_TOKEN: token,
  ALLOWED_HOSTS: 'pool.test',
  ALLOW_INSECURE_HTTP: '1',
}

function problemsOf(env: Environment): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems
  }
}

function isDeepFrozen(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  return Object.isFrozen(value) && Object.values(value).every(isDeepFrozen)
}

describe('readConfig', () => {
  it('has a default for everything', () => {
    assert.deepEqual(readConfig({}), {
      pool: {
        path: resolve('database.sqlite'),
        size: 5,
        minReaders: 1,
        acquireTimeoutMs: 5000,
        maxWaiters: 1000,
        idleTimeoutMs: 60_000,
        leakThresholdMs: 10_000,
        busyTimeoutMs: 250,
        durability: 'normal',
        checkpointIntervalMs: 60_000,
        checkpointer: 'pool',
        maxWalBytes: 1024 * 1024 * 1024,
        starvationReclaimMs: 0,
        filesystem: 'local',
      },
      http: {
        host: '127.0.0.1',
        port: 3000,
        isLoopback: true,
        allowedHosts: [],
        trustedProxies: [],
        tls: null,
      },
      access: { adminToken: null, viewerToken: null },
      maxViewers: 100,
      logLevel: 'info',
      shutdownTimeoutMs: 10_000,
    })
  })

  it('takes every setting', (t) => {
    const path = join(tempDir(t), 'shop.sqlite')
    const config = readConfig({
      DB_POOL_SIZE: '9',
      DATABASE_PATH: path,
      DB_DURABILITY: 'full',
      SQLITE_BUSY_TIMEOUT_MS: '0',
      POOL_MIN_READERS: '8',
      POOL_ACQUIRE_TIMEOUT_MS: '50',
      POOL_MAX_WAITERS: '0',
      POOL_IDLE_TIMEOUT_MS: '0',
      POOL_LEAK_THRESHOLD_MS: '2000',
      WAL_CHECKPOINT_INTERVAL: '0',
      WAL_MAX_MIB: '16',
      WAL_STARVATION_RECLAIM_MS: '2000',
      WAL_CHECKPOINTER: 'external',
      LITESTREAM_METRICS_URL: 'http://127.0.0.1:9090/metrics',
      DB_FILESYSTEM: 'any',
      HOST: '::',
      PORT: '0',
      ALLOWED_HOSTS: 'Pool.Example.com, 10.0.0.5:3000,[2001:db8::1]:443',
      TRUST_PROXY: '10.0.0.1, 10.1.0.0/16,2001:db8::/32',
      ADMIN_TOKEN: token,
      VIEWER_TOKEN: otherToken,
      LIVE_MAX_VIEWERS: '1',
      LOG_LEVEL: 'silent',
      SHUTDOWN_TIMEOUT_MS: '600000',
    })
    assert.deepEqual(config, {
      pool: {
        path,
        size: 9,
        minReaders: 8,
        acquireTimeoutMs: 50,
        maxWaiters: 0,
        idleTimeoutMs: 0,
        leakThresholdMs: 2000,
        busyTimeoutMs: 0,
        durability: 'full',
        checkpointIntervalMs: 0,
        checkpointer: 'external',
        maxWalBytes: 16 * 1024 * 1024,
        starvationReclaimMs: 2000,
        filesystem: 'any',
        litestreamMetricsUrl: 'http://127.0.0.1:9090/metrics',
      },
      http: {
        host: '::',
        port: 0,
        isLoopback: false,
        allowedHosts: ['pool.example.com', '10.0.0.5:3000', '[2001:db8::1]:443'],
        trustedProxies: ['10.0.0.1', '10.1.0.0/16', '2001:db8::/32'],
        tls: null,
      },
      access: { adminToken: token, viewerToken: otherToken },
      maxViewers: 1,
      logLevel: 'silent',
      shutdownTimeoutMs: 600_000,
    })
  })

  it('is frozen to the bottom', () => {
    assert.ok(isDeepFrozen(readConfig(public_)))
  })

  it('listens on one address for localhost', () => {
    assert.equal(readConfig({ HOST: 'localhost' }).http.host, '127.0.0.1')
  })

  it('knows loopback by its address', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost', '::ffff:127.0.0.1']) {
      assert.ok(readConfig({ HOST: host }).http.isLoopback, host)
    }
    assert.ok(!readConfig(public_).http.isLoopback)
  })

  it('adapts the default minimum of readers to a small pool', () => {
    assert.equal(readConfig({ DB_POOL_SIZE: '1' }).pool.minReaders, 0)
  })

  it('lets the variables of others pass', () => {
    const others = {
      PATH: '/bin',
      NODE_ENV: 'production',
      HOSTNAME: 'box',
      HOSTS: 'x',
      SPORT: 'tennis',
      npm_config_port: '1',
      SQLITE_TMPDIR: '/var/tmp',
      OTEL_SERVICE_NAME: 'shop',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_METRIC_EXPORT_INTERVAL: 'often',
    }
    assert.deepEqual(readConfig(others), readConfig({}))
  })

  it('treats an undefined value as not set', () => {
    assert.equal(readConfig({ PORT: undefined, DB_SIZE: undefined }).http.port, 3000)
  })
})

const wholeNumbers = (Object.keys(settingSchemas) as SettingName[]).filter(
  (name) => typeof settingSchemas[name].default === 'number',
)

// What one wrong setting is called, each alone in an otherwise good environment.
const wrong: readonly (readonly [env: Environment, problem: RegExp])[] = [
  [{ DB_POOL_SIZE: 'abc' }, /^DB_POOL_SIZE is "abc": it must be a whole number from 1 to 64$/],
  [{ DB_POOL_SIZE: '0' }, /^DB_POOL_SIZE is "0": /],
  [{ DB_POOL_SIZE: '65' }, /^DB_POOL_SIZE is "65": /],
  [{ DB_POOL_SIZE: '-1' }, /^DB_POOL_SIZE is "-1": /],
  [{ DB_POOL_SIZE: '+5' }, /^DB_POOL_SIZE is "\+5": /],
  [{ DB_POOL_SIZE: '1.5' }, /^DB_POOL_SIZE is "1\.5": /],
  [{ DB_POOL_SIZE: '5.0' }, /^DB_POOL_SIZE is "5\.0": /],
  [{ DB_POOL_SIZE: '1e1' }, /^DB_POOL_SIZE is "1e1": /],
  [{ DB_POOL_SIZE: '1e9' }, /^DB_POOL_SIZE is "1e9": /],
  [{ DB_POOL_SIZE: '' }, /^DB_POOL_SIZE is empty: it must be .*, or not be set at all$/],
  [{ DB_POOL_SIZE: 'Infinity' }, /^DB_POOL_SIZE is "Infinity": /],
  [{ DB_POOL_SIZE: 'NaN' }, /^DB_POOL_SIZE is "NaN": /],
  [{ DB_POOL_SIZE: '0x10' }, /^DB_POOL_SIZE is "0x10": /],
  [{ DB_POOL_SIZE: '010' }, /^DB_POOL_SIZE is "010": /],
  [{ DB_POOL_SIZE: ' 8 ' }, /^DB_POOL_SIZE is " 8 ": /],
  [{ DB_POOL_SIZE: '8\n' }, /^DB_POOL_SIZE is "8\\n": /],
  [{ DB_POOL_SIZE: '1_0' }, /^DB_POOL_SIZE is "1_0": /],
  [{ DB_POOL_SIZE: '٥' }, /^DB_POOL_SIZE is "٥": /],
  [{ DB_POOL_SIZE: '99999999999999999999' }, /^DB_POOL_SIZE is "9{20}": /],
  [{ DB_POOL_SIZE: '9'.repeat(500) }, /^DB_POOL_SIZE is "9{79}…": /],
  [{ POOL_IDLE_TIMEOUT_MS: '999' }, /: it must be 0, or a whole number from 1000 to 86400000$/],
  [{ POOL_LEAK_THRESHOLD_MS: '1' }, /^POOL_LEAK_THRESHOLD_MS is "1": it must be 0, or /],
  [{ POOL_ACQUIRE_TIMEOUT_MS: '0' }, /a whole number from 50 to 600000$/],
  [{ POOL_ACQUIRE_TIMEOUT_MS: '2147483648' }, /^POOL_ACQUIRE_TIMEOUT_MS is "2147483648": /],
  [{ POOL_ACQUIRE_TIMEOUT_MS: '5s' }, /^POOL_ACQUIRE_TIMEOUT_MS is "5s": /],
  [{ POOL_MIN_READERS: '5' }, /^POOL_MIN_READERS is 5: a pool of 5 connections has 4 readers/],
  [{ DB_POOL_SIZE: '1', POOL_MIN_READERS: '2' }, /^POOL_MIN_READERS is 2: .* has 0 readers/],
  [{ WAL_CHECKPOINT_INTERVAL: '60' }, /^WAL_CHECKPOINT_INTERVAL is "60": it must be 0, or /],
  [{ SQLITE_BUSY_TIMEOUT_MS: '5001' }, /^SQLITE_BUSY_TIMEOUT_MS is "5001": /],
  [{ SHUTDOWN_TIMEOUT_MS: '499' }, /^SHUTDOWN_TIMEOUT_MS is "499": /],
  [{ DB_DURABILITY: 'off' }, /^DB_DURABILITY is "off": it must be one of normal, full$/],
  [{ DB_DURABILITY: 'FULL' }, /^DB_DURABILITY is "FULL": /],
  [{ LOG_LEVEL: 'verbose' }, /^LOG_LEVEL is "verbose": it must be one of fatal, error, /],
  [{ ALLOW_INSECURE_HTTP: 'true' }, /^ALLOW_INSECURE_HTTP is "true": it must be one of 0, 1$/],

  [{ PORT: '70000' }, /^PORT is "70000": it must be a whole number from 0 to 65535$/],
  [{ PORT: 'http' }, /^PORT is "http": /],
  [{ HOST: '' }, /^HOST is empty: /],
  [{ HOST: 'example.com' }, /^HOST is "example\.com": it must be an IP address, or localhost$/],
  [{ HOST: '0' }, /^HOST is "0": it must be an IP address/],
  [{ HOST: '127.1' }, /^HOST is "127\.1": it must be an IP address/],
  [{ HOST: '127.0.0.1:3000' }, /^HOST is "127\.0\.0\.1:3000": it must be an IP address/],
  [{ HOST: '[::1]' }, /^HOST is "\[::1\]": it must be an IP address/],

  [{ DATABASE_PATH: '' }, /^DATABASE_PATH is empty: /],
  [{ DATABASE_PATH: '  ' }, /^DATABASE_PATH is " {2}": it must be the path of a file/],
  [{ DATABASE_PATH: 'x.sqlite ' }, /it begins or ends with a blank$/],
  [{ DATABASE_PATH: 'a\0b' }, /it holds a NUL character$/],
  [{ DATABASE_PATH: ':memory:' }, /each connection would get a database of its own/],
  [{ DATABASE_PATH: ':MEMORY:?cache=shared' }, /each connection would get a database of its own/],
  [{ DATABASE_PATH: 'file:x.sqlite' }, /URIs are not supported/],
  [{ DATABASE_PATH: import.meta.dirname }, /it is a directory$/],
  [{ DATABASE_PATH: './new/' }, /it is a directory$/],
  [{ DATABASE_PATH: '/dev/null' }, /it is not a file$/],
  [{ DATABASE_PATH: '/no/such/directory/x.sqlite' }, /its directory does not exist$/],
  [{ DATABASE_PATH: '~/x.sqlite' }, /its directory does not exist$/],
  [{ DATABASE_PATH: `${import.meta.filename}/x.sqlite` }, /its directory does not exist$/],
  [{ DATABASE_PATH: 'x'.repeat(300) }, /^DATABASE_PATH is "x{79}…": .*\(ENAMETOOLONG\)$/],

  [{ ADMIN_TOKEN: '' }, /^ADMIN_TOKEN is empty: /],
  [{ ADMIN_TOKEN: 'f1e2d3c4' }, /^ADMIN_TOKEN is 8 characters: it must be 32 to 512 ASCII/],
  [{ ADMIN_TOKEN: `${token} ${token}` }, /^ADMIN_TOKEN is 81 characters: /],
  [{ ADMIN_TOKEN: `${token}é` }, /^ADMIN_TOKEN is 41 characters: /],
  [{ ADMIN_TOKEN: token.repeat(13) }, /^ADMIN_TOKEN is 520 characters: /],
  [{ ADMIN_TOKEN: 'a'.repeat(64) }, /^ADMIN_TOKEN can be guessed: /],
  [{ ADMIN_TOKEN: `change-me-${token}` }, /^ADMIN_TOKEN can be guessed: /],
  [{ ADMIN_TOKEN: '0123456789abcdef0123456789abcdef' }, /^ADMIN_TOKEN can be guessed: /],
  [{ VIEWER_TOKEN: 'your_token_here_your_token_here_' }, /^VIEWER_TOKEN can be guessed: /],
  [{ ADMIN_TOKEN: token, VIEWER_TOKEN: token }, /^VIEWER_TOKEN is the same as ADMIN_TOKEN: /],

  [{ ALLOWED_HOSTS: '*' }, /^ALLOWED_HOSTS has "\*": it must be names or addresses/],
  [{ ALLOWED_HOSTS: 'https://pool.test' }, /^ALLOWED_HOSTS has "https:\/\/pool\.test": /],
  [{ ALLOWED_HOSTS: 'a,,b' }, /^ALLOWED_HOSTS has "": /],
  [{ ALLOWED_HOSTS: 'pool.test:99999' }, /^ALLOWED_HOSTS has "pool\.test:99999": /],
  [{ ALLOWED_HOSTS: '[:::]' }, /^ALLOWED_HOSTS has "\[:::\]": /],
  [{ TRUST_PROXY: 'true' }, /^TRUST_PROXY has "true": it must be addresses or ranges/],
  [{ TRUST_PROXY: '0.0.0.0/0' }, /^TRUST_PROXY has "0\.0\.0\.0\/0": /],
  [{ TRUST_PROXY: '10.0.0.0/33' }, /^TRUST_PROXY has "10\.0\.0\.0\/33": /],
  [{ TRUST_PROXY: '10.0.0.0/8/8' }, /^TRUST_PROXY has "10\.0\.0\.0\/8\/8": /],

  [{ ...public_, ADMIN_TOKEN: 'short' }, /^ADMIN_TOKEN is 5 characters/],
  [{ ...public_, ALLOWED_HOSTS: '*' }, /^ALLOWED_HOSTS has "\*"/],
  [{ ...public_, ALLOW_INSECURE_HTTP: 'yes' }, /^ALLOW_INSECURE_HTTP is "yes"/],
  [
    { ...public_, ALLOW_INSECURE_HTTP: '0' },
    /^HOST is "0\.0\.0\.0", .*: it needs TLS_CERT_PATH and /,
  ],
  [{ HOST: '::', ALLOW_INSECURE_HTTP: '1' }, /: it needs ADMIN_TOKEN, ALLOWED_HOSTS$/],
  [{ HOST: 'fe80::1%eth0' }, /: it needs ADMIN_TOKEN, ALLOWED_HOSTS, TLS_CERT_PATH and /],
  [{ HOST: '192.168.1.4' }, /which others can reach: it needs ADMIN_TOKEN, /],

  [{ DB_POOLSIZE: '5' }, /^DB_POOLSIZE is not a setting; did you mean DB_POOL_SIZE\?$/],
  [{ db_pool_size: '5' }, /^db_pool_size is not a setting; did you mean DB_POOL_SIZE\?$/],
  [
    { DATABASE_URL: 'postgres://u:p@h/d' },
    /^DATABASE_URL is not a setting; did you mean DATABASE_PATH\?$/,
  ],
  [{ WAL_CHECKPOINT_INTERVAL_MS: '1' }, /; did you mean WAL_CHECKPOINT_INTERVAL\?$/],
  [{ SQLITE_BUSY_TIMEOUT: '1' }, /; did you mean SQLITE_BUSY_TIMEOUT_MS\?$/],
  [{ ADMIN_TOKENS: token }, /^ADMIN_TOKENS is not a setting; did you mean ADMIN_TOKEN\?$/],
  [{ ALOWED_HOSTS: 'a' }, /^ALOWED_HOSTS is not a setting; did you mean ALLOWED_HOSTS\?$/],
  [{ LOGLEVEL: 'debug' }, /^LOGLEVEL is not a setting; did you mean LOG_LEVEL\?$/],
  [{ POOL_FAIRNESS: '1' }, /^POOL_FAIRNESS is not a setting$/],
]

describe('readConfig refuses', () => {
  for (const [env, problem] of wrong) {
    const name = JSON.stringify(env)
    it(name.length > 100 ? `${name.slice(0, 99)}…` : name, () => {
      const problems = problemsOf(env)
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.match(problems[0]!, problem)
    })
  }

  it('one below, one above, and nothing at all, for every whole number', () => {
    const outside = (name: SettingName): string[] => {
      const [low, high] = settingSchemas[name].allowed.match(/\d+(?= to)|\d+$/g)!.map(Number)
      return ['', String(low! - 1), String(high! + 1)]
    }
    for (const name of wholeNumbers) {
      const isAllowed0 = settingSchemas[name].allowed.startsWith('0,')
      for (const value of outside(name)) {
        if (value === '0' && isAllowed0) continue
        const problems = problemsOf({ [name]: value })
        assert.match(problems.join('\n'), new RegExp(`^${name} is `), `${name}=${value}`)
      }
    }
  })

  it('everything that is wrong at once, each setting by its name', () => {
    const env = Object.fromEntries(Object.keys(settingSchemas).map((name) => [name, '']))
    const { message } = new ConfigError(problemsOf(env))
    for (const name of Object.keys(env)) assert.match(message, new RegExp(`^ {2}${name} `, 'm'))
    assert.match(message, new RegExp(`^${Object.keys(env).length} settings are wrong:\n`))
  })

  it('a file that this user may not write, and a directory', { skip: mayDoAll() }, (t) => {
    const directory = tempDir(t)
    const path = join(directory, 'locked.sqlite')
    writeFileSync(path, '', { mode: 0o400 })
    assert.match(problemsOf({ DATABASE_PATH: path }).join(), /this user may not read and write it$/)
    chmodSync(directory, 0o500)
    const inside = join(directory, 'new.sqlite')
    assert.match(problemsOf({ DATABASE_PATH: inside }).join(), /may not write in its directory$/)
    assert.match(problemsOf({ DATABASE_PATH: path }).join(), /may not write in its directory$/)
    chmodSync(directory, 0o700)
  })

  it('a loop of links', (t) => {
    const path = join(tempDir(t), 'loop.sqlite')
    symlinkSync(path, path)
    assert.match(problemsOf({ DATABASE_PATH: path }).join(), /\(ELOOP\)$/)
  })

  it('and creates no file', (t) => {
    const directory = tempDir(t)
    mkdirSync(join(directory, 'data'))
    problemsOf({ DATABASE_PATH: join(directory, 'data', 'new.sqlite'), PORT: 'x' })
    readConfig({ DATABASE_PATH: join(directory, 'data', 'new.sqlite') })
    assert.deepEqual(readdirSync(directory, { recursive: true }), ['data'])
  })

  it('without ever showing a secret', () => {
    const secret = 'hunter2'
    for (const name of ['ADMIN_TOKEN', 'VIEWER_TOKEN', 'DB_PASSWORD']) {
      const text = problemsOf({ [name]: secret }).join('\n')
      assert.notEqual(text, '')
      assert.ok(!text.includes(secret), text)
    }
  })
})

/** For the superuser every file can be written: nothing to refuse. */
function mayDoAll(): boolean {
  return process.getuid === undefined || process.getuid() === 0
}

const hasOpenssl = spawnSync('openssl', ['version']).status === 0

describe('readConfig with TLS', { skip: !hasOpenssl && 'openssl makes the pairs' }, () => {
  function makePair(directory: string, name: string): { cert: string; key: string } {
    const [cert, key] = [join(directory, `${name}.pem`), join(directory, `${name}-key.pem`)]
    const curve = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    const request = `req -x509 ${curve} -subj /CN=pool.test -days 1`.split(' ')
    execFileSync('openssl', [...request, '-out', cert, '-keyout', key], { stdio: 'ignore' })
    return { cert, key }
  }

  it('accepts a certificate with its key, and needs no other protection', (t) => {
    const { cert, key } = makePair(tempDir(t), 'one')
    const { ALLOW_INSECURE_HTTP: _, ...env } = public_
    const config = readConfig({ ...env, TLS_CERT_PATH: cert, TLS_KEY_PATH: key })
    assert.deepEqual(config.http.tls, { certPath: cert, keyPath: key })
    assert.ok(isDeepFrozen(config))
  })

  it('refuses half a pair, a missing file, another key, and something that is no PEM', (t) => {
    const directory = tempDir(t)
    const one = makePair(directory, 'one')
    const two = makePair(directory, 'two')
    const text = join(directory, 'text.pem')
    writeFileSync(text, 'not a certificate')
    const cases: readonly (readonly [cert: string | null, key: string | null, RegExp])[] = [
      [one.cert, null, /belong together: set both, or none$/],
      [null, one.key, /belong together: set both, or none$/],
      [one.cert, join(directory, 'gone'), /^TLS_KEY_PATH is ".*gone": there is no such file$/],
      [directory, one.key, /^TLS_CERT_PATH is .*: there is no such file$/],
      [one.cert, two.key, /are no certificate with its key \(.+\)$/],
      [text, one.key, /are no certificate with its key \(.+\)$/],
    ]
    for (const [cert, key, problem] of cases) {
      const problems = problemsOf({
        ...(cert !== null && { TLS_CERT_PATH: cert }),
        ...(key !== null && { TLS_KEY_PATH: key }),
      })
      assert.equal(problems.length, 1, problems.join('\n'))
      assert.match(problems[0]!, problem)
    }
  })
})

describe('readConfig, whatever it is given', () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.integer().map(String),
    fc.double().map(String),
    fc.constantFrom('0', '1', '', ' ', 'null', 'true', '::', '127.0.0.1', '__proto__', '[]', '{}'),
  )
  const name = fc.oneof(
    fc.constantFrom(...Object.keys(settingSchemas)),
    fc.constantFrom('__proto__', 'constructor', 'toString', 'DB_', 'POOL_', 'OTEL_X'),
    fc.string(),
  )

  it('answers with a frozen configuration in bounds, or names what is wrong', () => {
    fc.assert(
      fc.property(fc.dictionary(name, value, { noNullPrototype: true }), (env) => {
        const problems = problemsOf(env)
        if (problems.length > 0) {
          for (const problem of problems) {
            assert.ok(
              Object.keys({ ...settingSchemas, ...env }).some((key) => problem.startsWith(key)),
              problem,
            )
          }
          return
        }
        const { pool, http } = readConfig(env)
        assert.ok(pool.size >= 1 && pool.size <= 64 && pool.minReaders < pool.size)
        assert.ok(http.port >= 0 && http.port <= 65_535)
        assert.ok(http.isLoopback || env['ADMIN_TOKEN'] !== undefined)
      }),
      { seed: 42, numRuns: 2000 },
    )
  })

  it('takes a whole number exactly as it is written', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -10, max: 100 }),
        fc.constantFrom('', ' ', '0', '+', '.'),
        (number, noise) => {
          const isRight = noise === '' && number >= 1 && number <= 64
          const problems = problemsOf({ DB_POOL_SIZE: `${noise}${number}` })
          assert.equal(problems.length === 0, isRight)
        },
      ),
      { seed: 42 },
    )
  })
})
