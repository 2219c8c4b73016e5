import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { codeOf } from '../testing/asked.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import { CLOSE_GRACE_MS } from './closing.ts'
import { PoolError } from './errors.ts'
import { STOP_GRACE_MS } from './stoppable-call.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }

describe('close', () => {
  //  ms       0                1,000         2,000
  //  A        holds            releases
  //  B        waits …          is served     releases
  //  close    called …                       closed
  it('serves those who wait, and waits for their leases', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const a = await rig.pool.acquire()
    const b = watch(rig.pool.acquire())
    const closing = watch(rig.pool.close())
    await rig.advance(1000)
    await a.release()
    await rig.settle()
    assert.equal(b.state, 'fulfilled')
    await rig.advance(1000)
    assert.equal(closing.state, 'pending')
    await b.value.release()
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assert.equal(rig.clock.timerCount, 0)
  })

  it('without drainWaiters refuses those who wait at once, and still waits for the leases', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const [reading, writing] = [await rig.pool.acquire(), await rig.pool.acquire({ mode: 'write' })]
    const waiting = [watch(rig.pool.acquire()), watch(rig.pool.acquire({ mode: 'write' }))]
    const closing = watch(rig.pool.close({ drainWaiters: false }))
    await rig.settle()
    assert.deepEqual(waiting.map(codeOf), ['POOL_CLOSED', 'POOL_CLOSED'])
    assert.equal((waiting[0]!.error as PoolError).cause, undefined)
    assert.equal((waiting[0]!.error as PoolError).holders[0]?.leaseId, reading.id)
    assert.equal(closing.state, 'pending')
    assert.equal((await reading.all('SELECT')).length, 3)
    await reading.release()
    await writing.release()
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
  })

  it('at its deadline refuses who still waits and revokes what is still out', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const lease = await rig.pool.acquire()
    const waiter = watch(rig.pool.acquire({ timeoutMs: 60_000 }))
    const closing = watch(rig.pool.close({ timeoutMs: 700 }))
    await rig.advance(699)
    assert.deepEqual([waiter.state, closing.state], ['pending', 'pending'])
    await rig.advance(1)
    assert.equal(codeOf(waiter), 'POOL_CLOSED')
    assert.equal(closing.state, 'fulfilled')
    await assert.rejects(lease.all('SELECT'), { code: 'POOL_CLOSED' })
    assert.equal(rig.stats.reader.closed.shutdown, 1)
    assert.equal(rig.clock.timerCount, 0)
  })

  it('closes the readers, then the log, then the writer, and then says that it is closed', async () => {
    const order: string[] = []
    const rig = await PoolRig.open({
      ...ONE_READER,
      hooks: {
        readersClosed: async () => void order.push('readersClosed'),
        closed: async () => void order.push('closed'),
      },
    })
    rig.onEvent = (event) => {
      if (event.type === 'connection.closed') order.push(event.role)
    }
    await rig.pool.close()
    assert.deepEqual(order, ['reader', 'readersClosed', 'writer', 'closed'])
  })

  it('writes nothing any more after the pool has failed', async () => {
    const order: string[] = []
    const rig = await PoolRig.open({
      hooks: {
        readersClosed: async () => void order.push('readersClosed'),
        closed: async () => void order.push('closed'),
      },
    })
    rig.pool.fail(new PoolError('DB_REPLACED', 'another file is there'))
    await rig.pool.close()
    assert.deepEqual(order, ['closed'])
  })

  it('of a pool that was never opened has nothing to wait for', async () => {
    const rig = new PoolRig(ONE_READER)
    await rig.pool.close()
    assert.deepEqual([rig.pool.state, rig.database.attemptCount], ['closed', 0])
    await assert.rejects(rig.pool.acquire(), { code: 'POOL_CLOSED' })
  })

  it('of a pool that is being opened waits for what is being opened, also if that fails', async () => {
    for (const end of ['succeed', 'fail'] as const) {
      const rig = new PoolRig(ONE_READER)
      rig.database.opening = 'by hand'
      const opening = watch(rig.pool.open())
      const closing = watch(rig.pool.close({ timeoutMs: 0 }))
      await rig.advance(100)
      assert.equal(closing.state, 'pending')
      if (end === 'succeed') rig.database.pending[0]!.succeed()
      else rig.database.pending[0]!.fail(new Error('no such disk'))
      await rig.settle()
      assert.equal(closing.state, 'fulfilled', end)
      assert.equal(codeOf(opening), end === 'succeed' ? 'POOL_CLOSED' : 'POOL_OPEN_FAILED')
      assert.deepEqual([rig.database.alive.length, rig.clock.timerCount], [0, 0])
    }
  })

  const hanging = [
    { what: 'a connection that is being closed', call: 'close' },
    { what: 'a statement', call: 'SELECT' },
  ] as const
  for (const { what, call } of hanging) {
    it(`gives up on ${what} that does not end, and closes it when it does`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      const connection = rig.database.of('reader')[0]!
      // A thread that runs a statement answers nothing before, its closing included.
      const held = connection.hold('close')
      const lease = await rig.pool.acquire()
      const running = call === 'SELECT' ? watch(lease.all('SELECT')) : undefined
      const closing = watch(rig.pool.close({ timeoutMs: 100 }))
      await rig.advance(100 + CLOSE_GRACE_MS - 1)
      assert.equal(closing.state, 'pending')
      await rig.advance(1)
      assert.equal(codeOf(closing), 'POOL_CLOSE_TIMEOUT')
      assert.equal(rig.pool.state, 'closed')
      assert.equal(rig.database.of('writer').length, 1)
      held.resolve(undefined)
      await rig.settle()
      assert.equal(running?.state ?? 'fulfilled', 'fulfilled')
      assert.deepEqual([rig.database.alive.length, rig.clock.timerCount], [0, 0])
    })
  }

  it('waits for a statement whose caller has left, as for a lease', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const answer = rig.database.of('reader')[0]!.hold('SELECT')
    const controller = new AbortController()
    const lease = await rig.pool.acquire({ signal: controller.signal })
    const stopped = watch(lease.all('SELECT'))
    controller.abort()
    await rig.settle()
    assert.equal(stopped.error, controller.signal.reason)
    await lease.release()
    assert.equal(rig.stats.reader.zombie, 1)
    const closing = watch(rig.pool.close({ timeoutMs: 1000 }))
    await rig.advance(900)
    assert.equal(closing.state, 'pending')
    answer.resolve([])
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assert.equal(rig.clock.timerCount, 0)
  })

  it('closes a writer whose statement ends while the log is being closed, and resets it no more', async () => {
    const log = Promise.withResolvers<void>()
    const rig = await PoolRig.open({ hooks: { readersClosed: () => log.promise } })
    const { writer } = rig
    const answer = writer.hold('INSERT')
    const controller = new AbortController()
    const lease = await rig.pool.acquire({ mode: 'write', signal: controller.signal })
    const stopped = watch(lease.run('INSERT'))
    controller.abort()
    await rig.advance(STOP_GRACE_MS)
    assert.equal(codeOf(stopped), 'STATEMENT_CANCELLED')
    await lease.release()
    assert.equal(rig.stats.writer.zombie, 1)
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(100)
    answer.resolve(undefined)
    await rig.settle()
    assert.deepEqual(writer.calls, ['INSERT', 'close'])
    log.resolve()
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
  })
})
