import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, codeOf } from '../testing/asked.ts'
import { BarePool } from '../testing/bare-pool.ts'
import { held } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

describe('deadlines of one moment', () => {
  it('are passed once each, although who hears of the first aborts the second', async () => {
    const { rig } = await held()
    const controller = new AbortController()
    const first = ask(rig, { timeoutMs: 100 })
    const second = ask(rig, { timeoutMs: 100, signal: controller.signal })
    const third = ask(rig, { timeoutMs: 100 })
    rig.onEvent = (event) => {
      if (event.type === 'acquire' && event.outcome === 'timeout') controller.abort()
    }
    await rig.advance(100)
    assert.deepEqual([first, third].map(codeOf), Array(2).fill('POOL_ACQUIRE_TIMEOUT'))
    assert.equal(second.error, controller.signal.reason)
    assert.deepEqual([rig.stats.reader.failed.timeout, rig.stats.reader.failed.aborted], [2, 1])
    assert.equal(rig.stats.reader.waiting, 0)
  })
})

describe('a line to which nobody listens', () => {
  it('notes no holders and makes no event', async () => {
    const { pool, events } = await BarePool.open()
    const holder = await pool.acquire()
    const waiter = watch(pool.acquire())
    await holder.release()
    await waiter.promise
    assert.deepEqual(
      events.filter(({ type }) => type === 'acquire'),
      [],
    )
  })
})

describe('the queue', () => {
  it('names the four oldest holders to those who wait and to those it refuses, with their stacks', async () => {
    const rig = await PoolRig.open({
      readers: { min: 6, max: 6 },
      maxWaiters: 1,
      leakThresholdMs: 60_000,
    })
    const leases = []
    for (let n = 0; n < 6; n += 1) leases.push(await rig.pool.acquire({ label: `holder ${n}` }))
    const waiter = ask(rig, { timeoutMs: 100 })
    const refused = ask(rig)
    await rig.advance(100)
    const oldest = ['holder 0', 'holder 1', 'holder 2', 'holder 3']
    for (const { error } of [waiter, refused]) {
      const { holders } = error as PoolError
      assert.deepEqual(
        holders.map(({ label }) => label),
        oldest,
      )
      for (const { stack } of holders) assert.match(stack ?? '', /waiting-line\.test\.ts/)
    }
    for (const { holders } of rig.eventsOf('acquire')) {
      assert.deepEqual(
        holders.map(({ label }) => label),
        oldest,
      )
    }
    for (const lease of leases) await lease.release()
  })

  it('is as full as ever while the pool is suspended, although a connection could be opened', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 2 }, maxWaiters: 3 })
    rig.isHeldBack = true
    rig.pool.suspend()
    const asked = Array.from({ length: 10 }, () => ask(rig))
    await rig.settle()
    assert.equal(rig.stats.reader.waiting, 3)
    assert.deepEqual(asked.slice(3).map(codeOf), Array(7).fill('POOL_QUEUE_FULL'))
    assert.equal(rig.database.of('reader').length, 0)
  })

  it('hears of an opening that failed although nobody waits any more', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 } })
    rig.database.opening = 'by hand'
    const gone = ask(rig, { timeoutMs: 10 })
    await rig.advance(10)
    assert.equal(codeOf(gone), 'POOL_ACQUIRE_TIMEOUT')
    rig.database.pending[0]!.fail(new Error('no such disk'))
    await rig.settle()
    assert.equal(rig.stats.reader.failed.open_failed, 0)
  })
})

describe('a barrier', () => {
  //  A reads · B waits · barrier · C comes       A, B are served, then the barrier runs, then C
  it('is behind those who wait already, and before those who come', async () => {
    const { rig, holder } = await held()
    const b = ask(rig, { label: 'b' })
    const order: string[] = []
    const inside = Promise.withResolvers<void>()
    const barrier = watch(
      rig.pool.barrier(async () => {
        order.push('barrier')
        await inside.promise
      }),
    )
    await rig.settle()
    rig.isHeldBack = true
    const c = ask(rig, { label: 'c' })
    const urgent = ask(rig, { label: 'urgent', priority: 10 })
    await holder.release()
    await rig.settle()
    assert.deepEqual([b.state, c.state, urgent.state], ['fulfilled', 'pending', 'pending'])
    await b.value.release()
    await rig.settle()
    assert.deepEqual([order, c.state, urgent.state], [['barrier'], 'pending', 'pending'])
    inside.resolve()
    await rig.settle()
    rig.isHeldBack = false
    assert.deepEqual([barrier.state, urgent.state, c.state], ['fulfilled', 'fulfilled', 'pending'])
    await urgent.value.release()
    await rig.settle()
    assert.equal(c.state, 'fulfilled')
  })

  it('waits for nobody who gave up meanwhile', async () => {
    const { rig, holder } = await held()
    const controller = new AbortController()
    const b = ask(rig, { signal: controller.signal })
    const barrier = watch(rig.pool.barrier(async () => 'done'))
    await rig.settle()
    controller.abort()
    assert.equal(barrier.state, 'pending')
    await holder.release()
    await rig.settle()
    assert.equal(b.error, controller.signal.reason)
    assert.equal(barrier.value, 'done')
  })

  //  A reads · B waits · barrier · A destroys     another connection is opened for B, and none for C
  it('has connections opened for those before it, and for nobody else', async () => {
    const { rig, holder } = await held({ readers: { min: 0, max: 1 } })
    const b = ask(rig)
    const barrier = watch(rig.pool.barrier(async () => 'done'))
    await rig.settle()
    rig.isHeldBack = true
    const c = ask(rig)
    await holder.destroy()
    await rig.settle()
    await b.value.destroy()
    await rig.settle()
    rig.isHeldBack = false
    assert.equal(barrier.value, 'done')
    assert.equal(rig.stats.reader.opened, 3)
    await c.value.release()
  })
})
