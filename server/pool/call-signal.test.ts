import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { REASON, assertNothingLeft, scene } from '../testing/stopping-scene.ts'
import { watch } from '../testing/watched.ts'
import { Lease } from './lease.ts'

describe('a signal', () => {
  const refused: readonly {
    readonly name: string
    readonly ask: (lease: Lease, signal: AbortSignal) => Promise<unknown>
  }[] = [
    { name: 'all', ask: (lease, signal) => lease.all('SELECT', [], { signal }) },
    { name: 'get', ask: (lease, signal) => lease.get('SELECT', [], { signal }) },
    { name: 'run', ask: (lease, signal) => lease.run('SELECT', [], { signal }) },
    { name: 'iterate', ask: (lease, signal) => lease.iterate('SELECT', [], { signal }) },
    {
      name: 'a prepared statement',
      ask: (lease, signal) => lease.prepare('SELECT').abortable(signal).all(),
    },
  ]
  for (const { name, ask } of refused) {
    it(`that is aborted before ${name} sends nothing`, async () => {
      const { rig, reader } = await scene()
      const lease = await rig.pool.acquire()
      await assert.rejects(ask(lease, AbortSignal.abort(REASON)), REASON)
      assert.deepEqual(reader.calls, [])
    })
  }

  it('of the acquire stops every statement of the lease, and keeps the next from being sent', async () => {
    const { rig, reader, controller, signal } = await scene()
    const lease = await rig.pool.acquire({ signal })
    const held = reader.hold('SELECT 1')
    const calls = [watch(lease.all('SELECT 1')), watch(lease.get('SELECT 2'))]
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(calls[0]?.error, REASON)
    await assert.rejects(lease.all('SELECT 3'), REASON)
    await lease.release()
    held.resolve([])
    await rig.settle()
    assert.deepEqual(reader.calls, ['SELECT 1', 'SELECT 2', 'reset'])
  })

  it('of the acquire and another of the call: either stops it, and nothing stays with either', async () => {
    for (const first of [true, false]) {
      const all = await scene()
      const { rig, reader, controller, signal } = all
      const other = new AbortController()
      const lease = await rig.pool.acquire({ signal: other.signal })
      const held = reader.hold('SELECT')
      const call = watch(lease.all('SELECT', [], { signal }))
      await rig.settle()
      ;(first ? controller : other).abort(REASON)
      await rig.settle()
      assert.equal(call.error, REASON)
      assert.deepEqual(getEventListeners(other.signal, 'abort'), [])
      held.resolve([])
      await lease.release()
      await rig.settle()
      assertNothingLeft(all)
    }
  })

  it('that is given to both is listened to once', async () => {
    const { rig, reader, signal } = await scene()
    const lease = await rig.pool.acquire({ signal })
    const held = reader.hold('SELECT')
    const call = watch(lease.all('SELECT', [], { signal }))
    await rig.settle()
    assert.equal(getEventListeners(signal, 'abort').length, 1)
    held.resolve([])
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
    assert.equal(Lease.holdOf(lease)!.calls!.stops.size, 0)
  })

  it('does not stop a COMMIT, which nobody could then tell the end of', async () => {
    const all = await scene({ statementTimeoutMs: 10 })
    const { rig, controller, signal } = all
    const held = rig.writer.hold('COMMIT')
    const call = watch(rig.pool.transaction((db) => db.run('INSERT'), { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.advance(1000)
    assert.equal(call.state, 'pending')
    held.resolve(undefined)
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    assert.deepEqual(rig.writer.cancelled, [])
    assertNothingLeft(all)
  })

  it('of the acquire stops a cursor too', async () => {
    const all = await scene()
    const { rig, controller, signal } = all
    const lease = await rig.pool.acquire({ signal })
    const cursor = await lease.iterate('SELECT')
    await cursor.next()
    controller.abort(REASON)
    await assert.rejects(cursor.next(), REASON)
    await cursor.close()
    await lease.release()
    assertNothingLeft(all)
  })

  it('stops a cursor, at its next rows or between them', async () => {
    for (const isRunning of [true, false]) {
      const all = await scene()
      const { rig, reader, controller, signal } = all
      const lease = await rig.pool.acquire()
      const cursor = await lease.iterate('SELECT', [], { signal })
      assert.equal((await cursor.next())?.length, 2)
      const held = isRunning ? reader.hold('next') : undefined
      const next = isRunning ? watch(cursor.next()) : undefined
      await rig.settle()
      controller.abort(REASON)
      await rig.settle()
      if (isRunning) assert.equal(next?.error, REASON)
      await assert.rejects(cursor.next(), REASON)
      assert.deepEqual(reader.cancelled, isRunning ? ['SELECT'] : [])
      held?.resolve(undefined)
      await cursor.close()
      await lease.release()
      await rig.settle()
      assertNothingLeft(all)
    }
  })
})
