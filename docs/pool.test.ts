import assert from 'node:assert/strict'
import type { Channel } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ConnectionPool } from '../server/connection-pool.ts'
import { createPool } from '../server/create-pool.ts'
import type { CallOptions } from '../server/pool/acquire-request.ts'
import { StatementStopped } from '../server/pool/cancellation.ts'
import { diagnostics } from '../server/pool/diagnostics.ts'
import { POOL_ERROR_CODES } from '../server/pool/errors.ts'
import { POOL_OPTION_NAMES, resolvePoolOptions, type PoolOptions } from '../server/pool/options.ts'
import { Lease, type LeaseCallOptions } from '../server/pool/lease.ts'
import type { ScopeOptions } from '../server/pool/acquire-request.ts'
import type { Pool } from '../server/pool/pool.ts'
import { Statement } from '../server/pool/statement.ts'
import {
  ConnectionLostError,
  JournalModeError,
  PragmaRefusedError,
  ResultTooBigError,
} from '../server/sqlite/errors.ts'
import { settled } from '../server/testing/hand-clock.ts'
import { PoolRig, type RigOptions } from '../server/testing/pool-rig.ts'
import type { ScriptedConnection } from '../server/testing/scripted-connection.ts'
import { tempDatabase } from '../server/testing/temp-db.ts'
import { watch } from '../server/testing/watched.ts'
import { POOL_STATES } from '../telemetry/events.ts'
import { ACQUIRE_FAILURES, CLOSE_REASONS, type CloseReason } from '../telemetry/stats.ts'
import { apiNames } from './testing/api-names.ts'
import { EVENT_TYPES } from './testing/event-types.ts'
import { readTable } from './testing/markdown-table.ts'

const markdown = readFileSync(join(import.meta.dirname, 'pool.md'), 'utf8')
const table = (name: string): Record<string, string>[] => readTable(markdown, name)
const column = (name: string, heading: string): string[] =>
  table(name).map((row) => row[heading]!.replaceAll('`', ''))

/** What a call takes, held to the types by the compiler. */
type AnyCall = ScopeOptions &
  CallOptions &
  LeaseCallOptions &
  Omit<Parameters<Pool['snapshot']>[0], keyof CallOptions>
const CALL_OPTIONS: Record<keyof AnyCall, true> = {
  mode: true,
  label: true,
  signal: true,
  timeoutMs: true,
  priority: true,
  maxRetries: true,
  maxAgeMs: true,
  rows: true,
  safeIntegers: true,
}

const CONNECTION_ERRORS = [
  new ConnectionLostError(),
  new JournalModeError('delete'),
  new ResultTooBigError(),
  new PragmaRefusedError(),
].map(({ code }) => code)

/** By whoever guards the file, and no business of callers. */
const INTERNAL_CALLS = ['pool.fail']
const CALLS = [
  ...apiNames('pool', ConnectionPool),
  ...apiNames('lease', Lease),
  ...apiNames('Statement', Statement),
].filter((name) => !INTERNAL_CALLS.includes(name))

describe('docs/pool.md', () => {
  const lists: readonly { table: string; heading: string; code: readonly string[] }[] = [
    { table: 'options', heading: 'option', code: POOL_OPTION_NAMES },
    { table: 'calls', heading: 'call', code: CALLS },
    { table: 'call options', heading: 'field', code: Object.keys(CALL_OPTIONS) },
    { table: 'errors', heading: 'code', code: POOL_ERROR_CODES },
    { table: 'connection errors', heading: 'code', code: CONNECTION_ERRORS },
    { table: 'events', heading: 'event', code: EVENT_TYPES },
    { table: 'pool states', heading: 'state', code: POOL_STATES },
    { table: 'close reasons', heading: 'reason', code: CLOSE_REASONS },
    { table: 'acquire failures', heading: 'reason', code: ACQUIRE_FAILURES },
  ]
  for (const { table: name, heading, code } of lists) {
    it(`has every one of the ${name} of the code, and no other`, () => {
      assert.deepEqual(column(name, heading).sort(), [...code].sort())
    })
  }

  it('says what to do about every error', () => {
    for (const row of [...table('errors'), ...table('connection errors')]) {
      assert.ok(row['what to do']!.length > 10, row['code']!)
    }
  })

  it('says of the one code that callers never see that they do not', () => {
    const { code } = new StatementStopped('rolled_back')
    const line = markdown.split('\n').find((text) => text.startsWith(`\`${code}\``))
    assert.match(line ?? '', /Callers never see it/)
    assert.ok(!column('errors', 'code').includes(code))
  })

  it('names no error code that is not there', () => {
    const known = new Set<string>([...POOL_ERROR_CODES, ...CONNECTION_ERRORS, 'STATEMENT_STOPPED'])
    const named = [
      ...markdown.matchAll(/`((?:POOL|LEASE|STATEMENT|TRANSACTION|SNAPSHOT|DB)_[A-Z_]+)`/g),
    ]
    assert.ok(named.length > 50)
    const unknown = named.map(([, code]) => code!).filter((code) => !known.has(code))
    assert.deepEqual(unknown, [])
  })
})

describe('the options table', () => {
  const resolved = resolvePoolOptions({ path: 'app.sqlite' })
  const resolve = (options: object): object =>
    resolvePoolOptions({ path: 'app.sqlite', ...options })

  for (const row of table('options')) {
    const name = row['option']!.replaceAll('`', '') as keyof PoolOptions
    if (name === 'path' || name === 'name') continue
    if (row['default'] === 'none') {
      it(`has no default of ${name}`, () => assert.equal(resolved[name], undefined))
      continue
    }
    const range = row['range']!

    it(`has the default of ${name}`, () => {
      assert.equal(row['default'], String(resolved[name]))
    })

    it(`has the unit of ${name}`, () => {
      const unit = name.endsWith('Ms') ? 'ms' : name.endsWith('Bytes') ? 'bytes' : ''
      assert.equal(row['unit'], unit)
    })

    it(`has the range of ${name}, and what 0 means when it is in it`, () => {
      if (typeof resolved[name] === 'string') {
        const words = range.split(', ')
        for (const word of words) resolve({ [name]: word })
        assert.throws(() => resolve({ [name]: 'other' }), new RegExp(`one of ${words.join(', ')},`))
        return
      }
      const [minimum, maximum] = range.split(' to ').map(Number)
      const others = name === 'minReaders' ? { size: 64 } : name === 'size' ? { minReaders: 0 } : {}
      for (const value of [minimum, maximum]) resolve({ ...others, [name]: value })
      for (const value of [minimum! - 1, maximum! + 1]) {
        assert.throws(() => resolve({ ...others, [name]: value }), { code: 'POOL_INVALID_OPTION' })
      }
      assert.equal(row['0 means'] !== '', minimum === 0)
    })
  }
})

interface Scene {
  readonly rig: PoolRig
  readonly lease: Lease | undefined
  /** A call of the connection that goes on until the test ends it. */
  readonly held: PromiseWithResolvers<unknown> | undefined
}

async function leased(options: RigOptions): Promise<Scene & { readonly lease: Lease }> {
  const rig = await PoolRig.open({ readers: { min: 0, max: 1 }, idleTimeoutMs: 0, ...options })
  return { rig, lease: await rig.pool.acquire(), held: undefined }
}

/** One reader, brought into each state. Opening, statements and resetting go on only when the test says so. */
const scenes: Record<string, (options: RigOptions) => Promise<Scene>> = {
  opening: async (options) => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 }, idleTimeoutMs: 0, ...options })
    rig.database.opening = 'by hand'
    watch(rig.pool.acquire({ timeoutMs: 1 }))
    await rig.advance(1)
    return { rig, lease: undefined, held: undefined }
  },
  idle: async (options) => {
    const { rig, lease } = await leased(options)
    await lease.release()
    return { rig, lease: undefined, held: undefined }
  },
  inUse: leased,
  resetting: async (options) => {
    const { rig, lease } = await leased(options)
    const held = readerOf(rig).hold('reset')
    await lease.exec('BEGIN')
    void lease.release()
    return { rig, lease: undefined, held }
  },
  zombie: async (options) => {
    const { rig, lease } = await leased(options)
    const held = stopStatement({ rig, lease })
    await lease.release()
    return { rig, lease: undefined, held }
  },
}

const readerOf = (rig: PoolRig): ScriptedConnection => rig.database.of('reader')[0]!

/** Its caller is told the end, and the connection goes on. */
function stopStatement({ rig, lease }: Pick<Scene, 'rig' | 'lease'>): Scene['held'] {
  const held = readerOf(rig).hold('SELECT slow')
  const controller = new AbortController()
  watch(lease!.all('SELECT slow', [], { signal: controller.signal }))
  controller.abort()
  return held
}

interface Happening {
  readonly options?: RigOptions
  readonly run: (scene: Scene) => unknown
}

const evictAll = ({ rig }: Scene): void => rig.pool.evictAll()
const lowerSize = ({ rig }: Scene): void => rig.pool.resize(1)
const release = ({ lease }: Scene): Promise<void> => lease!.release()
const RECLAIM: RigOptions = { leakReclaimMs: 1000, leakThresholdMs: 500 }
const LIFETIME: RigOptions = { maxLifetimeMs: 1000 }

const happenings: Record<string, Happening> = {
  opened: { run: ({ rig }) => rig.database.pending[0]!.succeed() },
  'cannot be opened': { run: ({ rig }) => rig.database.pending[0]!.fail(new Error('no')) },
  acquire: { run: ({ rig }) => rig.pool.acquire() },
  'its statement ends': {
    run: ({ rig, lease, held }) => {
      readerOf(rig).hold('reset')
      return lease === undefined ? held!.resolve([]) : lease.all('SELECT 1')
    },
  },
  'its statement is stopped': { run: (scene) => void stopStatement(scene) },
  'release, clean': { run: release },
  'release, dirty': {
    run: async ({ rig, lease }) => {
      readerOf(rig).hold('reset')
      await lease!.exec('BEGIN')
      void lease!.release()
    },
  },
  'release, its statement still runs': {
    run: async (scene) => {
      stopStatement(scene)
      await release(scene)
    },
  },
  'taken away, clean': { options: RECLAIM, run: ({ rig }) => rig.advance(2000) },
  'taken away, dirty': {
    options: RECLAIM,
    run: async ({ rig, lease }) => {
      readerOf(rig).hold('reset')
      await lease!.exec('BEGIN')
      await rig.advance(2000)
    },
  },
  'taken away, its statement runs': {
    options: RECLAIM,
    run: async ({ rig, lease }) => {
      readerOf(rig).hold('SELECT slow')
      watch(lease!.all('SELECT slow'))
      await rig.advance(2000)
    },
  },
  destroy: { run: ({ lease }) => lease!.destroy() },
  'reset done': { run: ({ held }) => held!.resolve(undefined) },
  'reset fails': { run: ({ held }) => held!.reject(new Error('no')) },
  'reset takes 5 s': { run: ({ rig }) => rig.advance(5000) },
  'its thread ends': { run: ({ rig }) => readerOf(rig).lose() },
  'idle timeout': { options: { idleTimeoutMs: 100 }, run: ({ rig }) => rig.advance(2000) },
  'lifetime over': { options: LIFETIME, run: ({ rig }) => rig.advance(2000) },
  'lifetime over, and release': {
    options: LIFETIME,
    run: async (scene) => {
      await scene.rig.advance(2000)
      await release(scene)
    },
  },
  evictAll: { run: evictAll },
  'evictAll, and opened': {
    run: (scene) => {
      evictAll(scene)
      scene.rig.database.pending[0]!.succeed()
    },
  },
  'evictAll, and release': {
    run: async (scene) => {
      evictAll(scene)
      await release(scene)
    },
  },
  'a lower size': { run: lowerSize },
  'a lower size, and release': {
    run: async (scene) => {
      lowerSize(scene)
      await release(scene)
    },
  },
  suspend: { run: ({ rig }) => rig.pool.suspend() },
  'close, at its deadline': {
    run: async ({ rig }) => {
      const closing = watch(rig.pool.close({ timeoutMs: 0 }))
      await rig.advance(0)
      for (const pending of rig.database.pending) pending.succeed()
      await settled()
      assert.equal(closing.state, 'fulfilled')
    },
  },
}

/** In the words of the table: `idle`, `gone (lost)`. */
function describeReader({ rig }: Scene): string {
  const { reader } = rig.stats
  const states = ['opening', 'idle', 'inUse', 'resetting', 'zombie'] as const
  const state = states.find((one) => reader[one] > 0)
  if (state !== undefined) return state
  const reason = (Object.keys(reader.closed) as CloseReason[]).find((one) => reader.closed[one] > 0)
  return reason === undefined ? 'gone' : `gone (${reason})`
}

describe('the table of connection states', () => {
  for (const { 'what happens': happening, ...cells } of table('connection states')) {
    for (const [state, outcome] of Object.entries(cells)) {
      if (outcome === '–') continue
      it(`${state}, ${happening} → ${outcome}`, async () => {
        const { options = {}, run } = happenings[happening!]!
        const scene = await scenes[state]!(options)
        assert.equal(describeReader(scene), state)
        await run(scene)
        await scene.rig.settle()
        assert.equal(describeReader(scene), outcome)
      })
    }
  }

  it('has every state and everything that can happen', () => {
    const rows = table('connection states')
    assert.deepEqual(
      rows.map((row) => row['what happens']),
      Object.keys(happenings),
    )
    assert.deepEqual(Object.keys(rows[0]!).slice(1), Object.keys(scenes))
  })
})

describe('the table of diagnostics channels', () => {
  /** What each message contains, by channel; of a tracing channel the first. */
  async function hear(): Promise<Record<string, string[]>> {
    const heard: Record<string, string[]> = {}
    const stops: (() => void)[] = []
    const listen = (channel: Channel, name: string): void => {
      const onMessage = (message: unknown): void =>
        void (heard[name] ??= Object.keys(message as object))
      channel.subscribe(onMessage)
      stops.push(() => channel.unsubscribe(onMessage))
    }
    for (const channel of Object.values(diagnostics)) {
      if (!('asyncEnd' in channel)) listen(channel, channel.name as string)
      else {
        const { start, end, asyncStart, asyncEnd, error } = channel
        const events = Object.keys({ start, end, asyncStart, asyncEnd, error })
        // The rest of the name is the tracing channel's own way.
        const name = (start.name as string).replace(/start$/, `{${events.join(',')}}`)
        listen(start, name)
      }
    }
    try {
      const rig = await PoolRig.open()
      await rig.pool.read((db) => db.all('SELECT 1'))
      await rig.pool.close()
    } finally {
      for (const stop of stops) stop()
    }
    return heard
  }

  it('has every channel and the fields of its messages, as a pool tells them', async () => {
    const documented = table('channels').map(({ channel, message }) => [
      channel!.replaceAll('`', ''),
      [...message!.matchAll(/`([^`]+)`/g)].map(([, field]) => field),
    ])
    assert.deepEqual(Object.fromEntries(documented), await hear())
  })
})

describe('the examples of docs/pool.md', () => {
  const examples = [...markdown.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code!)
  const withPool = examples.filter((code) => !code.startsWith('import '))

  it('open a pool first', () => {
    assert.equal(withPool.length, examples.length - 1)
    assert.ok(withPool.length > 5)
  })

  it('run, one after the other', async (t) => {
    const pool = await createPool({ path: tempDatabase(t) })
    t.mock.method(console, 'log', () => undefined)
    try {
      await pool.transaction((db) =>
        db.exec(`
          CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT, author TEXT);
          CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER);
          CREATE TABLE entry (id INTEGER PRIMARY KEY, text TEXT);
          INSERT INTO account VALUES (1, 100), (2, 0)`),
      )
      for (const code of withPool) {
        const module = `export default async (pool, moveFunds) => {\n${code}\n}`
        const { default: run } = (await import(
          `data:text/javascript,${encodeURIComponent(module)}`
        )) as {
          readonly default: (pool: Pool, moveFunds: () => Promise<void>) => Promise<void>
        }
        try {
          await run(pool, async () => {})
        } catch (error) {
          throw new Error(`this example fails:\n${code}`, { cause: error })
        }
        if (code.includes("'only this part'")) {
          assert.deepEqual(await pool.all('SELECT text FROM entry', [], { rows: 'pluck' }), [
            'kept',
          ])
          assert.deepEqual(
            await pool.all('SELECT balance FROM account', [], { rows: 'pluck' }),
            [80, 10],
          )
        }
      }
      assert.equal(pool.state, 'closed')
    } finally {
      await pool.close()
    }
  })
})
