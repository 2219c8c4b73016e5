import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertNothingLeft } from '../testing/closed-pool.ts'
import { ONE_READER } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

describe('Pool.close', () => {
  it('closes the readers, then what lives with them, then the writer', async () => {
    const order: string[] = []
    const rig = await PoolRig.open({
      ...ONE_READER,
      hooks: {
        readersClosed: async () => {
          assert.deepEqual(
            [rig.database.of('reader').length, rig.database.of('writer').length],
            [0, 1],
          )
          order.push('readersClosed')
        },
        closed: async () => {
          assert.deepEqual(rig.database.alive, [])
          order.push('closed')
        },
      },
    })
    await rig.pool.close()
    assert.deepEqual(order, ['readersClosed', 'closed'])
    assert.deepEqual(
      rig.eventsOf('pool').map((event) => event.state),
      ['ready', 'draining', 'closed'],
    )
    assertNothingLeft(rig)
  })

  it('refuses newcomers at once, in the lane that they came to', async () => {
    const rig = await PoolRig.open()
    const closing = rig.pool.close()
    for (const mode of ['read', 'write'] as const) {
      await assert.rejects(rig.pool.acquire({ mode }), {
        code: 'POOL_CLOSED',
        outcome: 'not_started',
      })
    }
    await closing
    await assert.rejects(rig.pool.run('INSERT'), { code: 'POOL_CLOSED' })
    assert.deepEqual(
      [rig.stats.reader.failed.pool_closed, rig.stats.writer.failed.pool_closed],
      [1, 2],
    )
    assert.equal(rig.eventsOf('acquire').length, 3)
    assertNothingLeft(rig)
  })

  it('serves those who wait already, and waits for the leases that are out', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    const waiter = watch(rig.pool.acquire())
    const closing = watch(rig.pool.close())
    await rig.settle()
    await holder.release()
    await rig.settle()
    assert.deepEqual([waiter.state, closing.state], ['fulfilled', 'pending'])
    await waiter.value.release()
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assertNothingLeft(rig)
  })

  //  time   holder            waiter          close({ timeoutMs: 100 })
  //     0   holds             waits           called
  //   100   revoked           POOL_CLOSED     closes everything
  it('rejects waiters and revokes leases at its deadline', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    const waiter = watch(rig.pool.acquire())
    const closing = watch(rig.pool.close({ timeoutMs: 100 }))
    await rig.advance(100)
    assert.equal((waiter.error as PoolError).code, 'POOL_CLOSED')
    assert.equal(closing.state, 'fulfilled')
    assert.equal(holder.isReleased, true)
    await assert.rejects(holder.all('SELECT'), { code: 'POOL_CLOSED' })
    await assert.rejects(holder.release(), { code: 'POOL_CLOSED' })
    await holder[Symbol.asyncDispose]()
    assertNothingLeft(rig)
  })

  it('waits for the closing of a connection whose lease it revoked', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    const closed = rig.database.of('reader')[0]!.hold('close')
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(0)
    assert.equal(holder.isReleased, true)
    assert.equal(closing.state, 'pending', 'a reader that is open would keep the -wal file')
    assert.equal(rig.database.of('writer').length, 1)
    closed.resolve(undefined)
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
  })

  it('waits for the closing of a connection that was evicted just before', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const closed = rig.database.of('reader')[0]!.hold('close')
    void (await rig.pool.acquire()).destroy()
    const closing = watch(rig.pool.close())
    await rig.settle()
    assert.equal(closing.state, 'pending')
    closed.resolve(undefined)
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assertNothingLeft(rig)
  })

  it('waits for a reset that is under way', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    await holder.exec('BEGIN')
    const resetting = rig.database.of('reader')[0]!.hold('reset')
    void holder.release()
    const closing = watch(rig.pool.close())
    await rig.settle()
    assert.equal(closing.state, 'pending')
    resetting.resolve(undefined)
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assertNothingLeft(rig)
  })

  it('waits for a connection that is being opened, and closes it', async () => {
    const rig = await PoolRig.open()
    rig.database.opening = 'by hand'
    const waiter = watch(rig.pool.acquire())
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(0)
    assert.equal((waiter.error as PoolError).code, 'POOL_CLOSED')
    assert.equal(closing.state, 'pending')
    rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assertNothingLeft(rig)
  })

  it('leaves no timer when an opening fails while it closes', async () => {
    const rig = await PoolRig.open()
    rig.database.opening = 'by hand'
    watch(rig.pool.acquire())
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(0)
    rig.database.pending[0]!.fail(new Error('too late'))
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assertNothingLeft(rig)
  })

  it('is bounded: a statement that does not end is left to itself, and said to be', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const running = rig.database.of('reader')[0]!.hold('SELECT slow')
    const closed = rig.database.of('reader')[0]!.hold('close')
    const call = watch(rig.pool.all('SELECT slow'))
    const closing = watch(rig.pool.close({ timeoutMs: 100 }))
    await rig.advance(100)
    assert.equal(closing.state, 'pending')
    await rig.advance(3000)
    assert.equal((closing.error as PoolError).code, 'POOL_CLOSE_TIMEOUT')
    assert.equal(rig.pool.state, 'closed')
    running.resolve([])
    closed.resolve(undefined)
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    assertNothingLeft(rig)
  })

  it('is the same promise each time', async () => {
    const rig = await PoolRig.open()
    const closing = rig.pool.close()
    assert.equal(rig.pool.close({ timeoutMs: 1 }), closing)
    await closing
    assert.equal(rig.pool.close(), closing)
    assert.equal(rig.eventsOf('connection.closed').length, 1)
  })

  it('is the same even for a listener that closes when it hears of it', async () => {
    let closedCount = 0
    const hooks = { closed: async () => void (closedCount += 1) }
    const rig = await PoolRig.open({ ...ONE_READER, hooks })
    rig.onEvent = () => void rig.pool.close()
    await rig.pool.close()
    assert.equal(closedCount, 1)
    assertNothingLeft(rig)
  })

  it('waits without a limit when told so', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    const closing = watch(rig.pool.close({ timeoutMs: Number.POSITIVE_INFINITY }))
    await rig.advance(3_600_000)
    assert.equal(closing.state, 'pending')
    await holder.release()
    await closing.promise
    assertNothingLeft(rig)
  })

  for (const timeoutMs of [Number.NaN, -1, '5', null]) {
    it(`refuses timeoutMs ${String(timeoutMs)}, and closes nothing`, async () => {
      const rig = await PoolRig.open()
      await assert.rejects(rig.pool.close({ timeoutMs: timeoutMs as number }), {
        code: 'POOL_INVALID_OPTION',
      })
      assert.equal(rig.pool.state, 'ready')
    })
  }

  it('rejects every waiter, even when a listener ends other waits meanwhile', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.acquire()
    const controller = new AbortController()
    const first = watch(rig.pool.acquire())
    const aborted = watch(rig.pool.acquire({ signal: controller.signal }))
    const last = watch(rig.pool.acquire())
    rig.onEvent = (event) => {
      if (event.type === 'acquire' && event.outcome === 'pool_closed') controller.abort()
    }
    const closing = rig.pool.close({ timeoutMs: 0 })
    await rig.advance(0)
    await closing
    assert.deepEqual(
      [first, aborted, last].map((one) => one.state),
      ['rejected', 'rejected', 'rejected'],
    )
    assertNothingLeft(rig)
  })
})
