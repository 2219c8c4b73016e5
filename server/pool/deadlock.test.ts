import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settled } from '../testing/hand-clock.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { type Watched, watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const TWO_READERS = { readers: { min: 2, max: 2 } }

const codeOf = (one: Watched<unknown>): unknown => (one.error as PoolError).code

describe('a caller that asks for a connection inside of a scope', () => {
  it('that holds the last one is told at once, with who holds what', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const call = rig.pool.withConnection(() => rig.pool.all('SELECT'), { label: 'outer' })
    await assert.rejects(call, (error: PoolError) => {
      assert.deepEqual([error.code, error.outcome], ['POOL_DEADLOCK', 'not_started'])
      assert.deepEqual(
        error.holders.map(({ label }) => label),
        ['outer'],
      )
      return true
    })
    assert.deepEqual([rig.stats.reader.failed.deadlock, rig.stats.reader.idle], [1, 1])
  })

  it('is served when there is another', async () => {
    const rig = await PoolRig.open(TWO_READERS)
    await rig.pool.withConnection(() => rig.pool.all('SELECT'))
    assert.equal(rig.stats.reader.failed.deadlock, 0)
  })

  //  Each of these will free a connection without the caller doing anything.
  const hopes: readonly {
    readonly name: string
    readonly prepare: (rig: PoolRig) => Promise<() => void>
  }[] = [
    {
      name: 'that somebody outside of any scope holds',
      prepare: async (rig) => {
        const lease = await rig.pool.acquire()
        return () => void lease.release()
      },
    },
    {
      name: 'that another scope holds, which waits for nothing',
      prepare: async (rig) => {
        const gate = Promise.withResolvers<void>()
        watch(rig.pool.withConnection(() => gate.promise))
        await settled()
        return () => gate.resolve()
      },
    },
    {
      name: 'that is being cleaned',
      prepare: async (rig) => {
        const lease = await rig.pool.acquire()
        await lease.exec('BEGIN')
        const { connectionId } = lease
        const held = rig.database.connections[connectionId - 1]!.hold('reset')
        watch(lease.release())
        return () => held.resolve(undefined)
      },
    },
    {
      name: 'that still runs a statement of somebody who has left',
      prepare: async (rig) => {
        const controller = new AbortController()
        const lease = await rig.pool.acquire()
        const held = rig.database.connections[lease.connectionId - 1]!.hold('SELECT slow')
        watch(lease.all('SELECT slow', [], { signal: controller.signal }))
        await settled()
        controller.abort()
        await lease.release()
        return () => held.resolve(undefined)
      },
    },
  ]
  for (const { name, prepare } of hopes) {
    it(`waits for one ${name}`, async () => {
      const rig = await PoolRig.open(TWO_READERS)
      const free = await prepare(rig)
      const call = watch(rig.pool.withConnection(() => rig.pool.all('SELECT')))
      await rig.settle()
      assert.equal(call.state, 'pending')
      free()
      await rig.settle()
      assert.equal(call.state, 'fulfilled')
    })
  }

  it('waits for one that is being opened', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 2 } })
    rig.database.opening = 'by hand'
    const call = watch(rig.pool.withConnection(() => rig.pool.all('SELECT')))
    await rig.settle()
    assert.equal(call.state, 'pending')
    rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
  })

  //  scope   holds       waits for
  //   A      reader 1    a reader
  //   B      reader 2    a reader: nobody is left who could give one back
  it('is told when all others wait in turn, and the others go on', async () => {
    const rig = await PoolRig.open(TWO_READERS)
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const scopes = gates.map(({ promise }) =>
      watch(rig.pool.withConnection(() => promise.then(() => rig.pool.all('SELECT')))),
    )
    await rig.settle()
    gates[0]!.resolve()
    await rig.settle()
    assert.equal(scopes[0]?.state, 'pending')
    gates[1]!.resolve()
    await rig.settle()
    assert.equal(codeOf(scopes[1]!), 'POOL_DEADLOCK')
    assert.equal(scopes[0]?.state, 'fulfilled')
  })

  //  scope   holds      waits for
  //   A      writer     the reader
  //   B      reader     the writer
  it('is told when the circle goes through both lanes', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const gate = Promise.withResolvers<void>()
    const a = watch(rig.pool.transaction(() => gate.promise.then(() => rig.pool.all('SELECT'))))
    const b = watch(rig.pool.withConnection(() => rig.pool.run('INSERT')))
    await rig.settle()
    assert.deepEqual([a.state, b.state], ['pending', 'pending'])
    gate.resolve()
    await rig.settle()
    assert.equal(codeOf(a), 'POOL_DEADLOCK')
    assert.equal(b.state, 'fulfilled')
  })

  it('waits when the circle is open: whoever holds the reader waits for nothing', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const reader = await rig.pool.acquire()
    const call = watch(rig.pool.transaction(() => rig.pool.all('SELECT')))
    await rig.settle()
    assert.equal(call.state, 'pending')
    await reader.release()
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
  })

  it('is told also when somebody who is in no scope waits before it', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const gate = Promise.withResolvers<void>()
    const call = watch(
      rig.pool.withConnection(() => gate.promise.then(() => rig.pool.all('SELECT'))),
    )
    await rig.settle()
    const stranger = watch(rig.pool.acquire())
    gate.resolve()
    await rig.settle()
    assert.equal(codeOf(call), 'POOL_DEADLOCK')
    assert.equal(stranger.state, 'fulfilled', 'and gets what it held')
  })
})
