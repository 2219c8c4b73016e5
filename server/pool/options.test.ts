import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PoolError } from './errors.ts'
import { assertSize, POOL_OPTION_NAMES, resolvePoolOptions, type PoolOptions } from './options.ts'

const path = '/somewhere/app.sqlite'

function problemOf(options: unknown): PoolError {
  try {
    resolvePoolOptions(options as PoolOptions)
  } catch (error) {
    return error as PoolError
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(options)} was accepted` })
}

describe('resolvePoolOptions', () => {
  it('needs only a path, fills in the rest, and freezes it', () => {
    const resolved = resolvePoolOptions({ path })
    assert.deepEqual(resolved, {
      path,
      name: 'app.sqlite',
      size: 5,
      minReaders: 1,
      acquireTimeoutMs: 5000,
      maxWaiters: 1000,
      idleTimeoutMs: 60_000,
      leakThresholdMs: 10_000,
      leakReclaimMs: 0,
      maxLifetimeMs: 0,
      shedTargetMs: 0,
      statementTimeoutMs: 0,
      transactionTimeoutMs: 0,
      idleInTransactionTimeoutMs: 0,
      maxRows: 0,
      maxBytes: 0,
      busyTimeoutMs: 250,
      statementCacheSize: 200,
      cacheSizeBytes: 64 * 1024 * 1024,
      checkpointIntervalMs: 60_000,
      execution: 'thread',
      durability: 'normal',
      checkpointer: 'pool',
      maxWalBytes: 1024 * 1024 * 1024,
      starvationReclaimMs: 0,
      filesystem: 'local',
      onStarvation: undefined,
      litestreamMetricsUrl: undefined,
    })
    assert.ok(Object.isFrozen(resolved))
    assert.deepEqual(Object.keys(resolved).sort(), [...POOL_OPTION_NAMES].sort())
  })

  it('takes the default for what is undefined', () => {
    assert.equal(resolvePoolOptions({ path, size: undefined } as never).size, 5)
  })

  const derived: readonly { name: string; given: object; expected: object }[] = [
    {
      name: 'no reader stays open in a pool of 1',
      given: { size: 1 },
      expected: { minReaders: 0 },
    },
    {
      name: 'inline never blocks on a lock',
      given: { execution: 'inline' },
      expected: { busyTimeoutMs: 0 },
    },
    {
      name: 'the name is that of the file',
      given: { path: 'a/b/c.db' },
      expected: { name: 'c.db' },
    },
    {
      name: 'spaces around the path are dropped, as SQLite gets it',
      given: { path: ' a.db ' },
      expected: { path: 'a.db', name: 'a.db' },
    },
  ]
  for (const { name, given, expected } of derived) {
    it(name, () => {
      assert.partialDeepStrictEqual(resolvePoolOptions({ path, ...given }), expected)
    })
  }

  const wholeNumbers: readonly { name: keyof PoolOptions; minimum: number; maximum: number }[] = [
    { name: 'size', minimum: 1, maximum: 64 },
    { name: 'minReaders', minimum: 0, maximum: 63 },
    { name: 'acquireTimeoutMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'maxWaiters', minimum: 0, maximum: 1_000_000 },
    { name: 'idleTimeoutMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'leakThresholdMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'leakReclaimMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'maxLifetimeMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'shedTargetMs', minimum: 0, maximum: 60_000 },
    { name: 'statementTimeoutMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'transactionTimeoutMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'idleInTransactionTimeoutMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'maxRows', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    { name: 'maxBytes', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    { name: 'busyTimeoutMs', minimum: 0, maximum: 60_000 },
    { name: 'statementCacheSize', minimum: 0, maximum: 100_000 },
    { name: 'cacheSizeBytes', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    { name: 'checkpointIntervalMs', minimum: 0, maximum: 2 ** 31 - 1 },
    { name: 'maxWalBytes', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    { name: 'starvationReclaimMs', minimum: 0, maximum: 2 ** 31 - 1 },
  ]
  for (const { name, minimum, maximum } of wholeNumbers) {
    it(`takes ${name} from ${minimum} to ${maximum}, whole, and nothing else`, () => {
      const others = name === 'minReaders' ? { size: 64 } : name === 'size' ? { minReaders: 0 } : {}
      for (const value of [minimum, maximum]) {
        assert.equal(resolvePoolOptions({ path, ...others, [name]: value })[name], value)
      }
      const bad = [
        minimum - 1,
        maximum + 1,
        1.5,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        '5',
        null,
        true,
        5n,
        {},
      ]
      for (const value of bad) {
        const error = problemOf({ path, ...others, [name]: value })
        assert.equal(error.code, 'POOL_INVALID_OPTION')
        assert.match(error.message, new RegExp(`^${name} must be a whole number from`))
      }
    })
  }

  for (const name of ['execution', 'durability', 'checkpointer', 'filesystem'] as const) {
    it(`takes one of the words of ${name}, and nothing else`, () => {
      for (const value of ['', 'Thread', 'other', 0, null, []]) {
        const error = problemOf({ path, [name]: value })
        assert.match(error.message, new RegExp(`^${name} must be one of `))
      }
    })
  }

  const rest: readonly { name: string; given: object; says: RegExp | null }[] = [
    { name: 'a function', given: { onStarvation: () => undefined }, says: null },
    { name: 'a word', given: { onStarvation: 'log' }, says: /^onStarvation must be a function/ },
    {
      name: 'an address',
      given: { litestreamMetricsUrl: 'http://127.0.0.1:9090/metrics' },
      says: null,
    },
    {
      name: 'a file',
      given: { litestreamMetricsUrl: 'file:///a' },
      says: /^litestreamMetricsUrl must/,
    },
    {
      name: 'no URL',
      given: { litestreamMetricsUrl: 'metrics' },
      says: /^litestreamMetricsUrl must/,
    },
  ]
  for (const { name, given, says } of rest) {
    it(`${says === null ? 'takes' : 'refuses'} ${name} as ${Object.keys(given)[0]}`, () => {
      if (says === null)
        assert.partialDeepStrictEqual(resolvePoolOptions({ path, ...given }), given)
      else assert.match(problemOf({ path, ...given }).message, says)
    })
  }

  const paths: readonly { name: string; value: unknown; says: RegExp }[] = [
    { name: 'none', value: undefined, says: /path must be a string, and is undefined/ },
    { name: 'a number', value: 7, says: /path must be a string, and is 7/ },
    { name: 'a URL', value: new URL('file:///a.db'), says: /path must be a string/ },
    { name: 'a blank one', value: '  ', says: /path is blank/ },
    { name: 'one with a NUL byte', value: 'a\0b', says: /NUL/ },
  ]
  for (const { name, value, says } of paths) {
    it(`refuses as path ${name}`, () => {
      const error = problemOf({ path: value })
      assert.equal(error.code, 'POOL_INVALID_OPTION')
      assert.match(error.message, says)
    })
  }

  it('takes :memory: with one connection, which must live as long as the pool', () => {
    for (const memory of [':memory:', ' :memory: ']) {
      const resolved = resolvePoolOptions({ path: memory })
      assert.deepEqual([resolved.path, resolved.size, resolved.minReaders], [':memory:', 1, 0])
    }
    const given = { path: ':memory:', size: 1, maxLifetimeMs: 0 }
    assert.equal(resolvePoolOptions(given).size, 1)
    const { message } = problemOf({ path: ':memory:', size: 2, maxLifetimeMs: 1000 })
    assert.match(message, /size must be 1 for :memory:/)
    assert.match(message, /maxLifetimeMs must be 0 for :memory:/)
  })

  for (const value of ['', ' ', 7, null]) {
    it(`refuses the name ${JSON.stringify(value)}`, () => {
      assert.match(problemOf({ path, name: value }).message, /^name must be a string/)
    })
  }

  it('names an unknown option and the one that was meant', () => {
    const { message } = problemOf({ path, acquireTimeout: 5, frobnicate: 1 })
    assert.match(message, /acquireTimeout is not an option; did you mean acquireTimeoutMs\?/)
    assert.match(message, /frobnicate is not an option(;|$)/)
  })

  it('refuses more readers to stay open than there can be', () => {
    assert.match(
      problemOf({ path, size: 3, minReaders: 3 }).message,
      /minReaders must be at most size − 1, which is 2, and is 3/,
    )
    assert.match(problemOf({ path, minReaders: 5 }).message, /which is 4/)
  })

  it('names every problem at once', () => {
    const { message, hint } = problemOf({
      path: 7,
      name: '',
      size: 3,
      minReaders: 9,
      maxWaiters: -1,
      durability: 'some',
      sise: 3,
    })
    for (const name of ['path', 'name', 'minReaders', 'maxWaiters', 'durability', 'sise']) {
      assert.match(message, new RegExp(`(^|; )${name} `), name)
    }
    assert.match(hint, /docs\/pool\.md/)
  })

  for (const value of [undefined, null, 'app.sqlite', 7]) {
    it(`refuses ${String(value)} in place of options`, () => {
      assert.match(problemOf(value).message, /options must be an object/)
    })
  }

  it('survives a value that cannot be printed', () => {
    assert.match(problemOf({ path, size: Object.create(null) }).message, /^size must be/)
  })
})

describe('assertSize', () => {
  it('takes what the option takes, and nothing else', () => {
    for (const size of [1, 5, 64]) assertSize(size)
    for (const size of [0, 65, 1.5, '5', null, undefined]) {
      assert.throws(() => assertSize(size), {
        code: 'POOL_INVALID_OPTION',
        message: /^size must be a whole number from 1 to 64/,
      })
    }
  })
})
