import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertNothingLeft } from '../testing/closed-pool.ts'
import { ONE_READER } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'

describe('scopes', () => {
  const ends: readonly { name: string; fn: () => unknown; expected: unknown }[] = [
    { name: 'a value', fn: () => 7, expected: 7 },
    { name: 'a promise', fn: async () => 7, expected: 7 },
    { name: 'undefined', fn: () => undefined, expected: undefined },
  ]
  for (const { name, fn, expected } of ends) {
    it(`withConnection passes on ${name} and releases`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      assert.equal(await rig.pool.withConnection(fn), expected)
      assert.equal(rig.stats.reader.idle, 1)
    })
  }

  const errors: readonly { name: string; isThrown: boolean; error: unknown }[] = [
    { name: 'a synchronous throw', isThrown: true, error: new Error('now') },
    { name: 'a rejection', isThrown: false, error: new Error('later') },
    { name: 'something thrown that is no Error', isThrown: true, error: 'words' },
  ]
  for (const { name, isThrown, error } of errors) {
    it(`withConnection passes on ${name} untouched and releases`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      const fn = (): Promise<never> => {
        if (isThrown) throw error
        return Promise.reject(error as Error)
      }
      const asked = watch(rig.pool.withConnection(fn))
      await rig.settle()
      assert.equal(asked.error, error)
      assert.equal(rig.stats.reader.idle, 1)
    })
  }

  it('refuse what is no function before they acquire', async () => {
    const rig = await PoolRig.open(ONE_READER)
    for (const scope of ['withConnection', 'read', 'write', 'transaction'] as const) {
      await assert.rejects(rig.pool[scope](undefined as never), TypeError)
    }
    assert.equal(rig.stats.reader.acquired + rig.stats.writer.acquired, 0)
  })

  it('withConnection lets fn release by itself', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.withConnection((db) => db.release())
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.released], [1, 1])
  })

  it('refuse what fn did not await, after they ended', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const gate = Promise.withResolvers<void>()
    let late: Promise<unknown> | undefined
    await rig.pool.withConnection((db) => {
      late = gate.promise.then(() => db.all('SELECT'))
    })
    gate.resolve()
    await assert.rejects(late!, { code: 'LEASE_RELEASED' })
  })

  it('one-shot calls read on a reader and write on the writer', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.get('SELECT 1')
    await rig.pool.all('SELECT 2')
    await rig.pool.run('INSERT')
    await rig.pool.all('INSERT … RETURNING', [], { mode: 'write' })
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['SELECT 1', 'SELECT 2'])
    assert.deepEqual(rig.writer.calls, ['INSERT', 'INSERT … RETURNING'])
    assert.equal(rig.stats.operationMs.count, 4)
  })

  it('all work on the one connection of a pool of size 1', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 0 } })
    await rig.pool.get('SELECT')
    await rig.pool.read((db) => db.all('SELECT'))
    await rig.pool.write((db) => db.run('INSERT'))
    assert.equal(rig.database.connections.length, 1)
    assert.equal(rig.stats.writer.acquired, 3)
    await rig.pool.close()
    assertNothingLeft(rig)
  })
})
