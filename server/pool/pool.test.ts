import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertNothingLeft } from '../testing/closed-pool.ts'
import { ONE_READER } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

describe('Pool.open', () => {
  it('opens the writer, then what lives with it, then the readers', async () => {
    const order: string[] = []
    const rig = new PoolRig({
      readers: { min: 2, max: 4 },
      hooks: { writerOpened: async () => void order.push('hook') },
    })
    rig.database.opening = (role) => {
      order.push(role)
      return 'at once'
    }
    assert.equal(rig.pool.state, 'starting')
    await rig.pool.open()
    assert.deepEqual(order, ['writer', 'hook', 'reader', 'reader'])
    assert.equal(rig.pool.state, 'ready')
    assert.deepEqual([rig.stats.writer.idle, rig.stats.reader.idle], [1, 2])
  })

  it('is done once, however often it is called', async () => {
    let hookCount = 0
    const rig = new PoolRig({ hooks: { writerOpened: async () => void (hookCount += 1) } })
    await Promise.all([rig.pool.open(), rig.pool.open()])
    await rig.pool.open()
    assert.equal(hookCount, 1)
    assert.equal(rig.pool.state, 'ready')
  })

  const failures = [
    { name: 'the writer', fails: 'writer' },
    { name: 'a reader', fails: 'reader' },
  ] as const
  for (const { name, fails } of failures) {
    it(`leaves nothing behind when ${name} cannot be opened`, async () => {
      const cause = new Error('no such directory')
      const rig = new PoolRig({ readers: { min: 2, max: 2 } })
      rig.database.opening = (role) => (role === fails ? cause : 'at once')
      await assert.rejects(rig.pool.open(), (error: PoolError) => {
        assert.equal(error.code, 'POOL_OPEN_FAILED')
        assert.equal(error.cause, cause)
        assert.match(error.message, /no such directory/)
        return true
      })
      assert.equal(rig.pool.state, 'closed')
      assertNothingLeft(rig)
    })
  }

  it('passes on why the hook failed, and leaves nothing behind', async () => {
    const cause = new Error('unsafe')
    const rig = new PoolRig({ ...ONE_READER, hooks: { writerOpened: () => Promise.reject(cause) } })
    await assert.rejects(rig.pool.open(), cause)
    assertNothingLeft(rig)
  })

  it('says why it failed even when closing again takes too long', async () => {
    const rig = new PoolRig(ONE_READER)
    rig.database.opening = (role) => (role === 'writer' ? 'at once' : new Error('no reader'))
    const opening = watch(rig.pool.open())
    rig.database.connections[0]!.hold('close')
    await rig.advance(10_000)
    assert.match((opening.error as Error).message, /no reader/)
  })

  //  step  open()                       close()
  //   1    writer opening …
  //   2                                 called: waits for what is being opened
  //   3    writer opened
  //   4                                 closes it; no hook, no reader
  //   5    rejects with POOL_CLOSED     resolves
  it('gives way to a close() that comes meanwhile', async () => {
    let hookCount = 0
    const hooks = { writerOpened: async () => void (hookCount += 1) }
    const rig = new PoolRig({ ...ONE_READER, hooks })
    rig.database.opening = 'by hand'
    const opening = watch(rig.pool.open())
    const closing = watch(rig.pool.close())
    await rig.settle()
    assert.equal(closing.state, 'pending')
    rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.equal((opening.error as PoolError).code, 'POOL_CLOSED')
    assert.equal(closing.state, 'fulfilled')
    assert.equal(hookCount, 0)
    assert.equal(rig.pool.state, 'closed')
    assertNothingLeft(rig)
  })

  it('gives way to a close() while the hook runs: the pool is not ready after it was closed', async () => {
    const hook = Promise.withResolvers<void>()
    const rig = new PoolRig({ ...ONE_READER, hooks: { writerOpened: () => hook.promise } })
    const opening = watch(rig.pool.open())
    await rig.settle()
    const closing = watch(rig.pool.close())
    await rig.settle()
    assert.equal(closing.state, 'pending', 'what is being opened must be there to be closed')
    hook.resolve()
    await rig.settle()
    assert.deepEqual([opening.state, closing.state], ['rejected', 'fulfilled'])
    assert.deepEqual(
      rig.eventsOf('pool').map((event) => event.state),
      ['draining', 'closed'],
    )
    assertNothingLeft(rig)
  })
})

describe('Pool.release', () => {
  it('gives a lease back', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.release(await rig.pool.acquire())
    assert.equal(rig.stats.reader.idle, 1)
  })

  const strangers: readonly { name: string; lease: () => Promise<unknown> }[] = [
    { name: 'a lease of another pool', lease: async () => (await PoolRig.open()).pool.acquire() },
    {
      name: 'a released lease of another pool',
      lease: async () => {
        const lease = await (await PoolRig.open()).pool.acquire()
        await lease.release()
        return lease
      },
    },
    { name: 'an object', lease: async () => ({}) },
    { name: 'undefined', lease: async () => undefined },
  ]
  for (const { name, lease } of strangers) {
    it(`refuses ${name}`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      const stranger = (await lease()) as never
      await assert.rejects(rig.pool.release(stranger), { code: 'LEASE_FOREIGN' })
      assert.equal(rig.stats.reader.released, 0)
    })
  }
})

describe('what the pool shows', () => {
  it('every connection with its lease, and every waiter', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const lease = await rig.pool.acquire({ label: 'report' })
    rig.clock.advance(5)
    const running = rig.database.of('reader')[0]!.hold('SELECT')
    const call = lease.all('SELECT')
    watch(rig.pool.acquire({ label: 'next' }))
    await rig.settle()
    const [writer, reader] = rig.pool.connections()
    assert.deepEqual([writer?.role, writer?.state, writer?.leaseId], ['writer', 'idle', null])
    assert.deepEqual(
      [reader?.state, reader?.label, reader?.sql, reader?.isRunning],
      ['in_use', 'report', 'SELECT', true],
    )
    assert.equal(reader?.sinceAtMs, rig.clock.timeOriginMs)
    assert.equal(reader.statementSinceAtMs, rig.clock.timeOriginMs + 5)
    assert.deepEqual(
      rig.pool.waiters().map(({ position, label }) => [position, label]),
      [[1, 'next']],
    )
    running.resolve(undefined)
    await call
  })
})
