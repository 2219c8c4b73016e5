import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { REASON, assertNothingLeft, scene } from '../testing/stopping-scene.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

describe('a statement on a reader that is stopped', () => {
  //  step  caller                     connection
  //   1    SELECT …                   runs
  //   2    aborts; rejected           runs on: zombie
  //   3                               ends: reset, idle
  it('is the end for its caller at once, and for the connection when its step ends', async () => {
    const all = await scene()
    const { rig, reader, controller, signal } = all
    const held = reader.hold('SELECT')
    const call = watch(rig.pool.all('SELECT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(call.error, REASON)
    assert.deepEqual(reader.cancelled, ['SELECT'])
    assert.deepEqual([rig.stats.reader.zombie, rig.stats.reader.idle], [1, 0])
    held.resolve([])
    await rig.settle()
    assert.deepEqual(reader.calls, ['SELECT', 'reset'])
    assertNothingLeft(all)
  })

  it('stays with its lease until the release', async () => {
    const all = await scene()
    const { rig, reader, controller, signal } = all
    const lease = await rig.pool.acquire()
    const held = reader.hold('SELECT')
    const call = watch(lease.all('SELECT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(call.error, REASON)
    assert.deepEqual([rig.stats.reader.inUse, rig.stats.reader.zombie], [1, 0])
    await lease.release()
    assert.deepEqual([rig.stats.reader.inUse, rig.stats.reader.zombie], [0, 1])
    held.reject(new Error('of no interest to anyone'))
    await rig.settle()
    assertNothingLeft(all)
  })

  it('that can be interrupted frees its connection at once', async () => {
    const all = await scene()
    const { rig, reader, controller, signal } = all
    reader.canInterrupt = true
    reader.hold('SELECT')
    const call = watch(rig.pool.all('SELECT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(call.error, REASON)
    assertNothingLeft(all)
  })

  it('is given back to the next caller only after it ended', async () => {
    const { rig, reader, controller, signal } = await scene()
    const held = reader.hold('SELECT')
    watch(rig.pool.all('SELECT', [], { signal }))
    await rig.settle()
    const next = watch(rig.pool.all('SELECT next'))
    controller.abort(REASON)
    await rig.settle()
    assert.equal(next.state, 'pending')
    held.resolve([])
    await rig.settle()
    assert.equal(next.state, 'fulfilled')
    assert.deepEqual(reader.calls, ['SELECT', 'reset', 'SELECT next'])
  })

  it('inside read ends the read, whose transaction goes with the connection', async () => {
    const all = await scene()
    const { rig, reader, controller, signal } = all
    const held = reader.hold('SELECT')
    const call = watch(rig.pool.read((db) => db.all('SELECT'), { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(call.error, REASON)
    held.resolve([])
    await rig.settle()
    assert.deepEqual(reader.calls.slice(1), ['SELECT', 'reset'])
    assertNothingLeft(all)
  })
})

describe('a statement whose lease is taken away', () => {
  for (const mode of ['read', 'write'] as const) {
    it(`is the end for its caller at once, also on the ${mode === 'read' ? 'reader' : 'writer'}`, async () => {
      const { rig, reader, signal } = await scene()
      const connection = mode === 'read' ? reader : rig.writer
      const lease = await rig.pool.acquire({ mode })
      const held = connection.hold('SELECT')
      const call = watch(lease.all('SELECT', [], { signal }))
      await rig.settle()
      const closing = watch(rig.pool.close({ timeoutMs: 0 }))
      await rig.advance(0)
      assert.equal((call.error as PoolError).code, 'POOL_CLOSED')
      assert.deepEqual(connection.cancelled, ['SELECT'])
      held.resolve([])
      await rig.settle()
      assert.equal(closing.state, 'fulfilled')
      assert.equal(rig.clock.timerCount, 0)
    })
  }

  it('hears why also when it was being stopped already', async () => {
    const { rig, controller, signal } = await scene()
    const lease = await rig.pool.acquire({ mode: 'write' })
    const held = rig.writer.hold('INSERT')
    const call = watch(lease.run('INSERT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(0)
    assert.equal((call.error as PoolError).code, 'POOL_CLOSED')
    held.resolve(undefined)
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assert.equal(rig.clock.timerCount, 0)
  })
})
