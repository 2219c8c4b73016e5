import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import { PoolError } from './errors.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const REPLACED = new PoolError('DB_REPLACED', 'the file was replaced')

const statesOf = (rig: PoolRig): string[] => rig.eventsOf('pool').map(({ state }) => state)

describe('Pool.suspend and resume', () => {
  //  step  pool         holder       caller
  //   1    suspended    goes on      waits, although a reader is idle
  //   2                 released     waits
  //   3    resumed                   served
  it('hold back every acquire of both lanes, while leases that are out go on', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    rig.isHeldBack = true
    rig.pool.suspend()
    assert.equal(rig.pool.state, 'suspended')
    const calls = [watch(rig.pool.all('SELECT')), watch(rig.pool.run('INSERT'))]
    await holder.all('SELECT')
    await holder.release()
    await rig.advance(1000)
    assert.deepEqual(
      calls.map(({ state }) => state),
      ['pending', 'pending'],
    )
    rig.pool.resume()
    rig.isHeldBack = false
    await rig.settle()
    assert.deepEqual(
      calls.map(({ state }) => state),
      ['fulfilled', 'fulfilled'],
    )
    assert.deepEqual(statesOf(rig), ['ready', 'suspended', 'ready'])
  })

  it('leave the deadline of those who wait where it is', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.isHeldBack = true
    rig.pool.suspend()
    const call = watch(rig.pool.all('SELECT', [], { timeoutMs: 100 }))
    await rig.advance(100)
    assert.equal((call.error as PoolError).code, 'POOL_ACQUIRE_TIMEOUT')
  })

  it('have no effect a second time, nor in any other state', async () => {
    const rig = new PoolRig(ONE_READER)
    rig.pool.suspend()
    rig.pool.resume()
    assert.equal(rig.pool.state, 'starting')
    await rig.pool.open()
    rig.pool.resume()
    rig.pool.suspend()
    rig.pool.suspend()
    rig.pool.resume()
    await rig.pool.close()
    rig.pool.suspend()
    rig.pool.resume()
    assert.deepEqual(statesOf(rig), ['ready', 'suspended', 'ready', 'draining', 'closed'])
  })

  it('are over when the pool closes, which serves those who wait', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.isHeldBack = true
    rig.pool.suspend()
    const call = watch(rig.pool.all('SELECT'))
    await rig.settle()
    const closing = watch(rig.pool.close())
    await rig.settle()
    assert.deepEqual([call.state, closing.state], ['fulfilled', 'fulfilled'])
  })
})

describe('Pool.fail', () => {
  it('refuses everything with its reason, and closes every connection', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    const waiter = watch(rig.pool.acquire())
    await rig.settle()
    rig.pool.fail(REPLACED)
    await rig.settle()
    assert.equal(rig.pool.state, 'failed')
    assert.deepEqual(rig.eventsOf('pool').at(-1), {
      type: 'pool',
      state: 'failed',
      reason: 'DB_REPLACED',
    })
    assert.equal(waiter.error, REPLACED)
    await assert.rejects(holder.all('SELECT'), REPLACED)
    await assert.rejects(rig.pool.run('INSERT'), REPLACED)
    assert.equal(rig.pool.tryAcquire(), null)
    assert.deepEqual(rig.database.alive, [])
  })

  it('is told to a statement that is under way, which was of no use to anyone', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const held = rig.writer.hold('INSERT')
    const call = watch(rig.pool.run('INSERT'))
    await rig.settle()
    rig.pool.fail(REPLACED)
    held.resolve(undefined)
    await rig.settle()
    assert.equal(call.error, REPLACED)
  })

  //  step  open()               the file
  //   1    the hook runs …
  //   2                         is replaced: fail()
  //   3    rejects with why     nothing is opened that stays open
  it('during the opening is why that rejects', async () => {
    const hook = Promise.withResolvers<void>()
    const rig = new PoolRig({ ...ONE_READER, hooks: { writerOpened: () => hook.promise } })
    const opening = watch(rig.pool.open())
    await rig.settle()
    rig.pool.fail(REPLACED)
    hook.resolve()
    await rig.advance(0)
    assert.equal(opening.error, REPLACED)
    assert.deepEqual(statesOf(rig), ['failed', 'draining', 'closed'])
    assert.deepEqual([rig.database.alive, rig.clock.timerCount], [[], 0])
  })

  it('fails once, and not a pool that closes', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.pool.fail(REPLACED)
    rig.pool.fail(new PoolError('DB_REPLACED', 'again'))
    await assert.rejects(rig.pool.run('INSERT'), REPLACED)
    const closing = await PoolRig.open(ONE_READER)
    await closing.pool.close()
    closing.pool.fail(REPLACED)
    assert.deepEqual(statesOf(closing), ['ready', 'draining', 'closed'])
  })

  it('is closed without what would write', async () => {
    const order: string[] = []
    const rig = await PoolRig.open({
      ...ONE_READER,
      hooks: {
        readersClosed: async () => void order.push('readersClosed'),
        closed: async () => void order.push('closed'),
      },
    })
    rig.pool.fail(REPLACED)
    await rig.pool.close()
    assert.deepEqual(order, ['closed'])
    assert.deepEqual(statesOf(rig), ['ready', 'failed', 'draining', 'closed'])
    assert.equal(rig.clock.timerCount, 0)
  })
})

describe('Pool.resize', () => {
  for (const size of [0, 65, 1.5, -1, Number.NaN, '5', undefined]) {
    it(`refuses ${String(size)}, and changes nothing`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      assert.throws(() => rig.pool.resize(size as number), { code: 'POOL_INVALID_OPTION' })
      assert.deepEqual([rig.stats.reader.min, rig.stats.reader.max], [1, 1])
    })
  }

  it('to more serves those who wait', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.acquire()
    const waiter = watch(rig.pool.acquire())
    await rig.settle()
    rig.pool.resize(3)
    await rig.settle()
    assert.equal(waiter.state, 'fulfilled')
    assert.equal(rig.stats.reader.max, 2)
  })

  it('to less takes nothing from anyone', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    const leases = [await rig.pool.acquire(), await rig.pool.acquire()]
    rig.pool.resize(2)
    await leases[0]!.all('SELECT')
    assert.deepEqual([rig.stats.reader.size, rig.stats.reader.max], [2, 1])
    for (const lease of leases) await lease.release()
    await rig.settle()
    assert.deepEqual([rig.stats.reader.size, rig.stats.reader.closed.evicted], [1, 1])
  })

  it('to 1 has those who wait for a reader wait for the writer', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const reader = await rig.pool.acquire()
    const waiter = watch(rig.pool.acquire())
    await rig.settle()
    rig.pool.resize(1)
    await rig.settle()
    assert.equal(waiter.value.role, 'writer')
    await reader.release()
    await rig.settle()
    assert.deepEqual(rig.database.of('reader'), [])
  })
})

describe('Pool.evictAll', () => {
  it('replaces every connection, those in use when they are released', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const before = rig.database.alive
    const lease = await rig.pool.acquire()
    rig.pool.evictAll()
    await lease.all('SELECT')
    await lease.release()
    await rig.settle()
    assert.ok(before.every(({ isClosed }) => isClosed))
    assert.deepEqual([rig.stats.reader.idle, rig.stats.writer.idle], [1, 1])
  })
})

describe('Pool.close', () => {
  it('with drainWaiters false refuses those who wait at once, and waits for the leases', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    const waiter = watch(rig.pool.acquire())
    await rig.settle()
    const closing = watch(rig.pool.close({ drainWaiters: false }))
    await rig.settle()
    assert.equal((waiter.error as PoolError).code, 'POOL_CLOSED')
    assert.equal(closing.state, 'pending')
    await holder.all('SELECT')
    await holder.release()
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
  })

  for (const drainWaiters of [null, 0, 'no']) {
    it(`refuses drainWaiters ${String(drainWaiters)}, and closes nothing`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      await assert.rejects(rig.pool.close({ drainWaiters: drainWaiters as never }), {
        code: 'POOL_INVALID_OPTION',
      })
      assert.equal(rig.pool.state, 'ready')
    })
  }
})
