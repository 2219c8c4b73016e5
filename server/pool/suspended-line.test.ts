import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, codeOf } from '../testing/asked.ts'
import { ONE_READER } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'

describe('suspend', () => {
  it('lets everyone wait, although connections idle, and leaves leases alone', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    const lease = await rig.pool.acquire()
    rig.isHeldBack = true
    rig.pool.suspend()
    assert.equal(rig.pool.state, 'suspended')
    const [reading, writing] = [ask(rig), ask(rig, { mode: 'write' })]
    assert.equal(rig.pool.tryAcquire(), null)
    await rig.settle()
    assert.deepEqual([reading.state, writing.state], ['pending', 'pending'])
    assert.equal((await lease.all('SELECT')).length, 3)
    await lease.release()
    await rig.settle()
    assert.deepEqual([reading.state, rig.stats.reader.idle], ['pending', 2])
  })

  it('opens nothing for those who wait', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 2 } })
    rig.isHeldBack = true
    rig.pool.suspend()
    ask(rig)
    await rig.settle()
    assert.equal(rig.stats.reader.opened, 0)
    rig.pool.resume()
    await rig.settle()
    assert.equal(rig.stats.reader.inUse, 1)
  })

  it('ends no deadline and no signal', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.isHeldBack = true
    rig.pool.suspend()
    const controller = new AbortController()
    const [timed, aborted] = [ask(rig, { timeoutMs: 100 }), ask(rig, { signal: controller.signal })]
    controller.abort()
    await rig.advance(100)
    assert.equal(codeOf(timed), 'POOL_ACQUIRE_TIMEOUT')
    assert.equal(aborted.error, controller.signal.reason)
  })

  //  idle 2 · A, B, C wait                    resume: A and B get them, C waits on
  it('ends with resume, which serves those who have waited, in order', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    rig.isHeldBack = true
    rig.pool.suspend()
    const asked = [ask(rig), ask(rig), ask(rig)]
    await rig.advance(500)
    rig.pool.resume()
    rig.isHeldBack = false
    assert.equal(rig.pool.state, 'ready')
    await rig.settle()
    assert.deepEqual(
      asked.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'pending'],
    )
    assert.deepEqual(
      rig.eventsOf('acquire').map(({ waitMs, releasedBy }) => [waitMs, releasedBy]),
      [
        [500, null],
        [500, null],
      ],
    )
  })

  it('has no effect a second time, nor resume without it', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.pool.resume()
    assert.equal(rig.pool.state, 'ready')
    rig.pool.suspend()
    rig.pool.suspend()
    rig.pool.resume()
    rig.pool.resume()
    assert.deepEqual(
      rig.eventsOf('pool').map(({ state }) => state),
      ['ready', 'suspended', 'ready'],
    )
  })

  it('does not keep the pool from closing: those who wait are served first', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.isHeldBack = true
    rig.pool.suspend()
    const waiter = ask(rig)
    const closing = watch(rig.pool.close())
    rig.isHeldBack = false
    await rig.settle()
    await waiter.value.release()
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
  })

  it('ends for those whose connection is idle when a slow line is turned away', async () => {
    const rig = await PoolRig.open({ ...ONE_READER, shedTargetMs: 100 })
    const holder = await rig.pool.acquire()
    const [first, second] = [ask(rig), ask(rig)]
    await rig.advance(150)
    await holder.release()
    await rig.settle()
    await first.value.release()
    await rig.settle()
    rig.isHeldBack = true
    rig.pool.suspend()
    const late = ask(rig)
    await second.value.release()
    await rig.advance(2500)
    rig.pool.resume()
    rig.isHeldBack = false
    await rig.settle()
    assert.equal(codeOf(late), 'POOL_OVERLOADED')
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.waiting], [1, 0])
  })
})
