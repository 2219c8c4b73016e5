import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { POOL_ERROR_CODES } from '../server/pool/errors.ts'
import { POOL_OPTION_NAMES, resolvePoolOptions, type PoolOptions } from '../server/pool/options.ts'
import type { Lease } from '../server/pool/lease.ts'
import { settled } from '../server/testing/hand-clock.ts'
import { PoolRig } from '../server/testing/pool-rig.ts'
import { watch } from '../server/testing/watched.ts'
import { POOL_STATES } from '../telemetry/events.ts'
import { ACQUIRE_FAILURES, CLOSE_REASONS, type CloseReason } from '../telemetry/stats.ts'
import { EVENT_TYPES } from './testing/event-types.ts'
import { readTable } from './testing/markdown-table.ts'

const markdown = readFileSync(join(import.meta.dirname, 'pool.md'), 'utf8')
const table = (name: string): Record<string, string>[] => readTable(markdown, name)
const column = (name: string, heading: string): string[] =>
  table(name).map((row) => row[heading]!.replaceAll('`', ''))

describe('docs/pool.md', () => {
  const lists: readonly { table: string; heading: string; code: readonly string[] }[] = [
    { table: 'options', heading: 'option', code: POOL_OPTION_NAMES },
    { table: 'errors', heading: 'code', code: POOL_ERROR_CODES },
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
    for (const row of table('errors')) assert.ok(row['what to do']!.length > 10, row['code']!)
  })
})

describe('the options table', () => {
  const resolved = resolvePoolOptions({ path: 'app.sqlite' })
  const resolve = (options: object): object =>
    resolvePoolOptions({ path: 'app.sqlite', ...options })

  for (const row of table('options')) {
    const name = row['option']!.replaceAll('`', '') as keyof PoolOptions
    if (name === 'path' || name === 'name') continue
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
}

/** One reader, brought into each state. Opening and resetting go on only when the test says so. */
const scenes: Record<string, () => Promise<Scene>> = {
  opening: async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 }, idleTimeoutMs: 100 })
    rig.database.opening = 'by hand'
    watch(rig.pool.acquire({ timeoutMs: 1 }))
    await rig.advance(1)
    return { rig, lease: undefined }
  },
  idle: async () => {
    const { rig, lease } = await scenes['inUse']!()
    await lease!.release()
    return { rig, lease: undefined }
  },
  inUse: async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 }, idleTimeoutMs: 100 })
    return { rig, lease: await rig.pool.acquire() }
  },
  resetting: async () => {
    const { rig, lease } = await scenes['inUse']!()
    const [reader] = rig.database.of('reader')
    held = reader!.hold('reset')
    await lease!.exec('BEGIN')
    void lease!.release()
    return { rig, lease: undefined }
  },
}
let held: PromiseWithResolvers<unknown> = Promise.withResolvers()

const happenings: Record<string, (scene: Scene) => unknown> = {
  opened: ({ rig }) => rig.database.pending[0]!.succeed(),
  'cannot be opened': ({ rig }) => rig.database.pending[0]!.fail(new Error('no')),
  acquire: ({ rig }) => rig.pool.acquire(),
  'release, clean': ({ lease }) => lease!.release(),
  'release, dirty': async ({ rig, lease }) => {
    rig.database.of('reader')[0]!.hold('reset')
    await lease!.exec('BEGIN')
    void lease!.release()
  },
  destroy: ({ lease }) => lease!.destroy(),
  'reset done': () => held.resolve(undefined),
  'reset fails': () => held.reject(new Error('no')),
  'its thread ends': ({ rig }) => rig.database.of('reader')[0]!.lose(),
  'idle timeout': ({ rig }) => rig.advance(2000),
  'close, at its deadline': async ({ rig }) => {
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(0)
    for (const pending of rig.database.pending) pending.succeed()
    await settled()
    assert.equal(closing.state, 'fulfilled')
  },
}

/** In the words of the table: `idle`, `gone (lost)`. */
function describeReader({ rig }: Scene): string {
  const { reader } = rig.stats
  const states = ['opening', 'idle', 'inUse', 'resetting'] as const
  const state = states.find((one) => reader[one] > 0)
  if (state !== undefined) return state
  const reason = (Object.keys(reader.closed) as CloseReason[]).find((one) => reader.closed[one] > 0)
  return reason === undefined ? 'gone' : `gone (${reason})`
}

describe('the table of connection states', () => {
  for (const { 'a connection is': state, ...cells } of table('connection states')) {
    for (const [happening, outcome] of Object.entries(cells)) {
      if (outcome === '–') continue
      it(`${state}, ${happening} → ${outcome}`, async () => {
        const scene = await scenes[state!]!()
        assert.equal(describeReader(scene), state)
        await happenings[happening]!(scene)
        await scene.rig.settle()
        assert.equal(describeReader(scene), outcome)
      })
    }
  }

  it('has every state and everything that can happen', () => {
    const rows = table('connection states')
    assert.deepEqual(
      rows.map((row) => row['a connection is']),
      Object.keys(scenes),
    )
    assert.deepEqual(Object.keys(rows[0]!).slice(1), Object.keys(happenings))
  })
})
