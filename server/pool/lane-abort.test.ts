import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, codeOf } from '../testing/asked.ts'
import { ONE_READER, held } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'

describe('abort', () => {
  it('refuses a caller whose signal is aborted already, without a side effect', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const reason = new Error('gone')
    const asked = ask(rig, { signal: AbortSignal.abort(reason) })
    await rig.settle()
    assert.equal(asked.error, reason)
    assert.equal(rig.stats.reader.acquired, 0)
    assert.equal(rig.stats.reader.failed.aborted, 1)
  })

  //  step  A           B            pool (max 1)
  //   1    acquire ✓   acquire …    waiting 1
  //   2                aborts ✗     waiting 0
  //   3    release                  idle 1      ← not handed to B
  it('takes a waiter out at once', async () => {
    const { rig, holder } = await held()
    const controller = new AbortController()
    const b = ask(rig, { signal: controller.signal })
    const c = ask(rig)
    const reason = new Error('the client has gone')
    controller.abort(reason)
    assert.equal(rig.stats.reader.waiting, 1)
    await rig.settle()
    assert.equal(b.error, reason)
    await holder.release()
    await rig.settle()
    assert.equal(c.state, 'fulfilled')
  })

  //  one tick, in both orders: exactly one of the two wins, and the connection is not lost
  const orders = [
    { name: 'abort, then release', isAbortFirst: true, b: 'rejected', idle: 1 },
    { name: 'release, then abort', isAbortFirst: false, b: 'fulfilled', idle: 0 },
  ] as const
  for (const { name, isAbortFirst, b: expected, idle } of orders) {
    it(`in the same tick as a release loses nothing: ${name}`, async () => {
      const { rig, holder } = await held()
      const controller = new AbortController()
      const b = ask(rig, { signal: controller.signal })
      if (isAbortFirst) controller.abort()
      void holder.release()
      if (!isAbortFirst) controller.abort()
      await rig.settle()
      assert.equal(b.state, expected)
      assert.equal(rig.stats.reader.idle, idle)
      if (expected === 'fulfilled') await b.value.release()
      assert.equal(rig.stats.reader.idle, 1)
    })
  }

  it('in the same tick as the deadline settles the wait once', async () => {
    const { rig } = await held()
    const controller = new AbortController()
    const b = ask(rig, { signal: controller.signal, timeoutMs: 100 })
    rig.clock.advance(100)
    controller.abort()
    await rig.settle()
    assert.equal(codeOf(b), 'POOL_ACQUIRE_TIMEOUT')
    assert.deepEqual(
      [rig.stats.reader.failed.timeout, rig.stats.reader.failed.aborted, rig.stats.reader.waiting],
      [1, 0, 0],
    )
  })

  it('leaves no listener on the signal, however the wait ended', async (t) => {
    const { rig, holder } = await held()
    const controller = new AbortController()
    const { signal } = controller
    const add = t.mock.method(signal, 'addEventListener')
    const remove = t.mock.method(signal, 'removeEventListener')
    const listenerCount = (): number => add.mock.callCount() - remove.mock.callCount()
    const served = ask(rig, { signal })
    ask(rig, { signal, timeoutMs: 10 })
    assert.equal(listenerCount(), 2)
    await rig.advance(10)
    assert.equal(listenerCount(), 1)
    await holder.release()
    await served.promise
    assert.equal(listenerCount(), 0)
  })

  it('after the grant lets no further statement be sent, and the lease still be released', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const controller = new AbortController()
    const lease = await rig.pool.acquire({ signal: controller.signal })
    assert.equal((await lease.all('SELECT')).length, 3)
    controller.abort()
    await assert.rejects(lease.all('SELECT'), controller.signal.reason as Error)
    await lease.release()
    assert.equal(rig.stats.reader.idle, 1)
  })
})
