import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }

/** Everything is closed, nothing is counted, no timer is set. */
function assertNothingLeft(rig: PoolRig): void {
  rig.assertInvariants()
  assert.deepEqual(rig.database.alive, [])
  assert.deepEqual(rig.pool.connections(), [])
  assert.deepEqual(rig.pool.waiters(), [])
  assert.equal(rig.clock.timerCount, 0)
  for (const lane of [rig.stats.reader, rig.stats.writer]) {
    assert.deepEqual([lane.size, lane.waiting, lane.acquired - lane.released], [0, 0, 0])
    const closed = Object.values(lane.closed).reduce((sum, count) => sum + count, 0)
    assert.equal(closed, lane.opened, 'each that was opened was closed once')
  }
}

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

describe('scopes', () => {
  const ends: readonly { name: string; fn: () => unknown; expected: unknown }[] = [
    { name: 'a value', fn: () => 7, expected: 7 },
    { name: 'a promise', fn: async () => 7, expected: 7 },
    { name: 'undefined', fn: () => undefined, expected: undefined },
  ]
  for (const { name, fn, expected } of ends) {
    it(`withConnection passes on ${name} and releases`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      assert.equal(await rig.pool.withConnection(fn), expected)
      assert.equal(rig.stats.reader.idle, 1)
    })
  }

  const errors: readonly { name: string; isThrown: boolean; error: unknown }[] = [
    { name: 'a synchronous throw', isThrown: true, error: new Error('now') },
    { name: 'a rejection', isThrown: false, error: new Error('later') },
    { name: 'something thrown that is no Error', isThrown: true, error: 'words' },
  ]
  for (const { name, isThrown, error } of errors) {
    it(`withConnection passes on ${name} untouched and releases`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      const fn = (): Promise<never> => {
        if (isThrown) throw error
        return Promise.reject(error as Error)
      }
      const asked = watch(rig.pool.withConnection(fn))
      await rig.settle()
      assert.equal(asked.error, error)
      assert.equal(rig.stats.reader.idle, 1)
    })
  }

  it('refuse what is no function before they acquire', async () => {
    const rig = await PoolRig.open(ONE_READER)
    for (const scope of ['withConnection', 'read', 'write', 'transaction'] as const) {
      await assert.rejects(rig.pool[scope](undefined as never), TypeError)
    }
    assert.equal(rig.stats.reader.acquired + rig.stats.writer.acquired, 0)
  })

  it('withConnection lets fn release by itself', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.withConnection((db) => db.release())
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.released], [1, 1])
  })

  it('refuse what fn did not await, after they ended', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const gate = Promise.withResolvers<void>()
    let late: Promise<unknown> | undefined
    await rig.pool.withConnection((db) => {
      late = gate.promise.then(() => db.all('SELECT'))
    })
    gate.resolve()
    await assert.rejects(late!, { code: 'LEASE_RELEASED' })
  })

  it('one-shot calls read on a reader and write on the writer', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.get('SELECT 1')
    await rig.pool.all('SELECT 2')
    await rig.pool.run('INSERT')
    await rig.pool.all('INSERT … RETURNING', [], { mode: 'write' })
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['SELECT 1', 'SELECT 2'])
    assert.deepEqual(rig.writer.calls, ['INSERT', 'INSERT … RETURNING'])
    assert.equal(rig.stats.operationMs.count, 4)
  })

  it('all work on the one connection of a pool of size 1', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 0 } })
    await rig.pool.get('SELECT')
    await rig.pool.read((db) => db.all('SELECT'))
    await rig.pool.write((db) => db.run('INSERT'))
    assert.equal(rig.database.connections.length, 1)
    assert.equal(rig.stats.writer.acquired, 3)
    await rig.pool.close()
    assertNothingLeft(rig)
  })
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
