import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { describe, it } from 'node:test'
import { ask, codeOf } from '../testing/asked.ts'
import { plainRequest } from '../testing/bare-pool.ts'
import { ONE_READER, held } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import type { CallOptions } from './acquire-request.ts'
import type { Lane } from './lane.ts'
import { Lease } from './lease.ts'

describe('waiting', () => {
  //  step  A           B            C            reader lane (max 1)
  //   1    acquire ✓                             inUse 1
  //   2                acquire …                 waiting 1
  //   3                             acquire …    waiting 2
  //   4    release  →  ✓                         inUse 1, waiting 1: handed over, never idle
  //   5                release   →  ✓            inUse 1, waiting 0
  it('serves in the order of coming, by hand-off', async () => {
    const { rig, holder } = await held()
    const b = ask(rig)
    const c = ask(rig)
    await rig.settle()
    assert.equal(rig.stats.reader.waiting, 2)
    await holder.release()
    await rig.settle()
    assert.deepEqual([b.state, c.state], ['fulfilled', 'pending'])
    assert.equal(rig.stats.reader.idle, 0)
    await b.value.release()
    await rig.settle()
    assert.equal(c.state, 'fulfilled')
    await c.value.release()
    assert.equal(rig.stats.reader.idle, 1)
  })

  //  step  A           B            newcomer     reader lane (max 1)
  //   1    acquire ✓   acquire …                 waiting 1
  //   2    release  →  ✓                         granted in this very step
  //   3                             acquire …    in the same tick, before B has run: it must wait
  it('lets no newcomer barge in between a release and its waiter', async () => {
    const { rig, holder } = await held()
    const b = ask(rig)
    void holder.release()
    const newcomer = ask(rig)
    await rig.settle()
    assert.deepEqual([b.state, newcomer.state], ['fulfilled', 'pending'])
  })

  it('lets no newcomer barge in while the connection is being reset', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    const resetting = rig.database.of('reader')[0]!.hold('reset')
    const b = ask(rig)
    void holder.release()
    await rig.settle()
    assert.equal(rig.stats.reader.resetting, 1)
    const newcomer = ask(rig)
    resetting.resolve(undefined)
    await rig.settle()
    assert.deepEqual([b.state, newcomer.state], ['fulfilled', 'pending'])
  })

  it('does not let readers wait for the writer, nor the writer for readers', async () => {
    const { rig } = await held()
    const reading = ask(rig)
    await rig.pool.run('INSERT')
    await rig.settle()
    assert.equal(reading.state, 'pending')
  })

  it('grants the most recently used idle connection', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    const [a, b] = [await rig.pool.acquire(), await rig.pool.acquire()]
    await b.release()
    await a.release()
    const next = await rig.pool.acquire()
    assert.equal(next.connectionId, a.connectionId)
  })

  it('tells how long a caller waited, behind whom, and who served it', async () => {
    const { rig, holder } = await held()
    const b = ask(rig, { label: 'b' })
    await rig.advance(120)
    await holder.release()
    await rig.settle()
    const [event] = rig.eventsOf('acquire')
    assert.equal(event?.outcome, 'granted')
    assert.equal(event.waitMs, 120)
    assert.equal(event.queueDepth, 0)
    assert.equal(event.label, 'b')
    assert.equal(event.startedAtMs, rig.clock.timeOriginMs)
    assert.equal(event.connectionId, b.value.connectionId)
    assert.equal(event.releasedBy?.label, 'holder')
    assert.deepEqual(
      event.holders.map((one) => one.leaseId),
      [holder.id],
    )
  })

  it('makes no event of an acquire that did not wait', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const lease = await rig.pool.acquire()
    await lease.release()
    assert.equal(rig.eventsOf('acquire').length, 0)
    assert.equal(rig.stats.reader.waitMs.count, 1)
  })
})

describe('what a call takes', () => {
  const cases: readonly { name: string; options: unknown; says: RegExp }[] = [
    { name: 'timeoutMs NaN', options: { timeoutMs: Number.NaN }, says: /timeoutMs .* is NaN/ },
    { name: 'timeoutMs −1', options: { timeoutMs: -1 }, says: /timeoutMs .* is -1/ },
    { name: 'timeoutMs "5"', options: { timeoutMs: '5' }, says: /timeoutMs .* is '5'/ },
    { name: 'timeoutMs null', options: { timeoutMs: null }, says: /timeoutMs .* is null/ },
    { name: 'mode "both"', options: { mode: 'both' }, says: /mode must be read or write/ },
    { name: 'a label of 7', options: { label: 7 }, says: /label must be a string/ },
    { name: 'a signal that is none', options: { signal: {} }, says: /signal .* AbortSignal/ },
  ]
  for (const { name, options, says } of cases) {
    it(`refuses ${name}, and nobody is left in the queue`, async () => {
      const { rig } = await held()
      const asked = ask(rig, options as CallOptions)
      await rig.settle()
      assert.equal(codeOf(asked), 'POOL_INVALID_OPTION')
      assert.match((asked.error as Error).message, says)
      assert.equal(rig.stats.reader.waiting, 0)
    })
  }

  it('is the same when nothing is to be waited for', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await assert.rejects(rig.pool.acquire({ timeoutMs: Number.NaN }), {
      code: 'POOL_INVALID_OPTION',
    })
    assert.equal(rig.stats.reader.acquired, 0)
  })
})

describe('a full queue', () => {
  it('refuses the next at once, over both lanes, and takes again when someone has left', async () => {
    const { rig } = await held({ maxWaiters: 2 })
    await rig.pool.acquire({ mode: 'write' })
    const controller = new AbortController()
    ask(rig, { signal: controller.signal })
    ask(rig, { mode: 'write' })
    const refused = [ask(rig), ask(rig, { mode: 'write' })]
    await rig.settle()
    assert.deepEqual(refused.map(codeOf), ['POOL_QUEUE_FULL', 'POOL_QUEUE_FULL'])
    assert.deepEqual(
      [rig.stats.reader.failed.queue_full, rig.stats.writer.failed.queue_full],
      [1, 1],
    )
    controller.abort()
    const next = ask(rig)
    await rig.settle()
    assert.equal(next.state, 'pending')
  })

  it('of length 0 lets nobody wait for others, only for a connection that is opened for them', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 }, maxWaiters: 0 })
    const first = ask(rig)
    const second = ask(rig)
    await rig.settle()
    assert.equal(first.state, 'fulfilled')
    assert.equal(codeOf(second), 'POOL_QUEUE_FULL')
  })
})

describe('a lane', () => {
  /** As only the pool sees it. */
  const laneOf = (lease: Lease): Lane => Lease.holdOf(lease)!.host as Lane

  it('takes a lease back once', async () => {
    const { holder } = await held()
    await holder.release()
    const hold = Lease.holdOf(holder)!
    assert.throws(() => hold.host.end(hold, false), { name: 'InvariantError', message: /^BUG: / })
  })

  it('that is shut refuses whoever comes', async () => {
    const { rig, holder } = await held()
    const lane = laneOf(holder)
    await holder.release()
    await rig.pool.close()
    await assert.rejects(lane.acquire(plainRequest()), { code: 'POOL_CLOSED' })
    assert.equal(lane.tryAcquire(plainRequest()), null)
    assert.equal(rig.stats.reader.failed.pool_closed, 1)
  })

  it('behind a barrier moves for nobody: who waits for it inside the barrier is told at once', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.barrier(async () => {
      await assert.rejects(rig.pool.acquire(), { code: 'POOL_DEADLOCK' })
    })
    assert.equal(rig.stats.reader.failed.deadlock, 1)
  })

  it('tells diagnostics_channel of every release', async (t) => {
    const heard: unknown[] = []
    const released = channel('glasspool.lease.released')
    const listener = (message: unknown): void => void heard.push(message)
    released.subscribe(listener)
    t.after(() => released.unsubscribe(listener))
    const { rig, holder } = await held()
    await rig.advance(25)
    await holder.release()
    assert.deepEqual(heard, [{ leaseId: 1, connectionId: 2, useMs: 25 }])
  })
})

describe('tryAcquire', () => {
  it('takes what is free, at once, and counts it as any other', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const lease = rig.pool.tryAcquire({ label: 'now or never' })
    assert.equal(lease?.label, 'now or never')
    assert.equal(rig.pool.tryAcquire(), null)
    await lease.release()
    assert.deepEqual([rig.stats.reader.acquired, rig.stats.reader.waitMs.count], [1, 1])
  })

  it('takes nothing before those who wait', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    const resetting = rig.database.of('reader')[0]!.hold('reset')
    const waiter = ask(rig)
    void holder.release()
    assert.equal(rig.pool.tryAcquire(), null)
    resetting.resolve(undefined)
    await rig.settle()
    assert.equal(waiter.state, 'fulfilled')
  })

  it('has one connection opened for the next caller, and one only', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 3 } })
    for (let n = 0; n < 3; n += 1) assert.equal(rig.pool.tryAcquire(), null)
    await rig.settle()
    assert.equal(rig.stats.reader.opened, 1)
    assert.notEqual(rig.pool.tryAcquire(), null)
  })

  it('gives null when the pool is closed, and hears of a failed opening from nobody', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 } })
    rig.database.opening = new Error('no such disk')
    assert.equal(rig.pool.tryAcquire(), null)
    await rig.settle()
    await rig.pool.close()
    assert.equal(rig.pool.tryAcquire(), null)
  })
})
