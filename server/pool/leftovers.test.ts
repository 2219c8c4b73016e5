import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settled } from '../testing/hand-clock.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch, type Watched } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'
import { STOP_GRACE_MS } from './stoppable-call.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const codeOf = ({ error }: Watched<unknown>): string => (error as PoolError).code

describe('what a function has begun and not awaited', () => {
  it('on its own lease is refused once the function has returned', async () => {
    const rig = await PoolRig.open()
    const held = rig.writer.hold('COMMIT')
    let begin: (() => Promise<unknown>)[] = []
    const done = rig.pool.transaction(async (db) => {
      begin = [() => db.run('INSERT late'), () => db.transaction((late) => late.run('INSERT'))]
    })
    await settled()
    const late = begin.map((one) => watch(one()))
    await settled()
    assert.deepEqual(late.map(codeOf), ['LEASE_RELEASED', 'LEASE_RELEASED'])
    held.resolve(undefined)
    await done
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'COMMIT'])
  })

  it('in a transaction of a lease of its own is refused too, and the lease goes on', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire({ mode: 'write' })
    const held = rig.writer.hold('COMMIT')
    const done = lease.transaction(async () => undefined)
    await settled()
    await assert.rejects(lease.run('INSERT late'), { code: 'TRANSACTION_ENDED' })
    held.resolve(undefined)
    await done
    await lease.run('INSERT')
    await lease.release()
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'COMMIT', 'INSERT'])
  })

  it('as a transaction that waits for its turn inside a nested one does not begin', async () => {
    const rig = await PoolRig.open()
    let queued: Watched<unknown> | undefined
    await rig.pool.transaction(async (db) => {
      await db.transaction(async (nested) => {
        const first = watch(nested.transaction((inner) => inner.run('INSERT 1')))
        queued = watch(nested.transaction((inner) => inner.run('INSERT 2')))
        assert.equal(first.state, 'pending')
      })
    })
    assert.equal(codeOf(queued!), 'TRANSACTION_ENDED')
    assert.ok(!rig.writer.calls.includes('INSERT 2'))
  })

  it('outside of it, in its async context, is its own: it waits in line and is no savepoint', async () => {
    const rig = await PoolRig.open()
    const held = rig.writer.hold('COMMIT')
    let audit: Promise<unknown> | undefined
    const first = rig.pool.transaction(async () => {
      setImmediate(() => {
        audit = rig.pool.transaction((db) => db.run('INSERT audit'))
      })
    })
    await settled()
    await settled()
    held.resolve(undefined)
    await first
    await audit
    assert.deepEqual(rig.writer.calls, [
      'BEGIN IMMEDIATE',
      'COMMIT',
      'BEGIN IMMEDIATE',
      'INSERT audit',
      'COMMIT',
    ])
  })
})

describe('a transaction with a statement that SQLite still runs for nobody', () => {
  it('ends without waiting for it, also when another of its statements is in flight', async () => {
    const rig = await PoolRig.open()
    const stuck = rig.writer.hold('UPDATE stuck')
    const other = rig.writer.hold('UPDATE other')
    const controller = new AbortController()
    const call = watch(
      rig.pool.transaction(async (db) => {
        watch(db.run('UPDATE other'))
        await db.run('UPDATE stuck', [], { signal: controller.signal })
      }),
    )
    await rig.settle()
    controller.abort()
    await rig.advance(STOP_GRACE_MS)
    assert.ok(!rig.writer.calls.includes('ROLLBACK'), 'it would wait behind them')
    other.resolve(undefined)
    await rig.settle()
    assert.equal(codeOf(call), 'STATEMENT_CANCELLED')
    assert.equal(rig.stats.writer.zombie, 1)
    stuck.resolve(undefined)
    await rig.settle()
    assert.deepEqual([rig.stats.writer.idle, rig.writer.calls.at(-1)], [1, 'reset'])
  })
})

describe('a cursor that is still open', () => {
  for (const end of ['COMMIT', 'ROLLBACK'] as const) {
    it(`is closed before ${end}, which SQLite refuses beside it`, async () => {
      const rig = await PoolRig.open()
      const call = watch(
        rig.pool.transaction(async (db) => {
          const cursor = await db.iterate('SELECT')
          await cursor.next()
          if (end === 'ROLLBACK') throw new Error('mine')
        }),
      )
      await rig.settle()
      assert.notEqual(call.state, 'pending')
      assert.deepEqual(rig.writer.calls.slice(-2), ['closeCursor', end])
    })
  }

  it('that was read to its end needs no closing', async () => {
    const rig = await PoolRig.open()
    await rig.pool.transaction(async (db) => {
      for await (const row of db.prepare('SELECT').iterate()) assert.ok(row)
    })
    assert.ok(!rig.writer.calls.includes('closeCursor'))
  })
})

describe('a transaction inside one that the caller has begun', () => {
  it('is told when SQLite has rolled both back, and nothing is written outside', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire({ mode: 'write' })
    await lease.exec('BEGIN')
    const call = watch(
      lease.transaction(async (db) => {
        rig.writer.inTransaction = false
        await db.run('INSERT after')
      }),
    )
    await rig.settle()
    assert.equal(codeOf(call), 'TRANSACTION_ENDED')
    assert.ok(!rig.writer.calls.includes('INSERT after'))
    await lease.release()
  })
})

describe('a barrier', () => {
  //  reads     holds a reader, asks for the writer: waits for the barrier's lease
  //  barrier   has the writer, waits for that reader
  it('that waits for someone who waits for it is told at once', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const writer = await rig.pool.acquire({ mode: 'write' })
    const barrier = watch(rig.pool.barrier(() => 'alone'))
    const reads = watch(rig.pool.read(() => rig.pool.run('INSERT')))
    await rig.settle()
    await writer.release()
    await rig.settle()
    assert.equal(codeOf(barrier), 'POOL_DEADLOCK')
    assert.equal(reads.state, 'fulfilled')
  })

  //  first     reads, asks for the writer: waits for the barrier's lease
  //  second    reads, and gives its reader back: from then on nobody moves
  it('finds that out as soon as the last reader that could move has come back', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    const writer = await rig.pool.acquire({ mode: 'write' })
    const second = await rig.pool.acquire()
    const barrier = watch(rig.pool.barrier(() => 'alone'))
    const first = watch(rig.pool.read(() => rig.pool.run('INSERT')))
    await rig.settle()
    await writer.release()
    await rig.settle()
    assert.equal(barrier.state, 'pending')
    await second.release()
    await rig.settle()
    assert.equal(codeOf(barrier), 'POOL_DEADLOCK')
    assert.equal(first.state, 'fulfilled')
  })

  it('is told to someone who asks for another reader while it is raised', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    const go = Promise.withResolvers<void>()
    const reads = watch(
      rig.pool.read(async () => {
        await go.promise
        return rig.pool.get('SELECT')
      }),
    )
    await rig.settle()
    const barrier = watch(rig.pool.barrier(() => 'alone'))
    await settled()
    go.resolve()
    await settled()
    await settled()
    assert.equal(codeOf(reads), 'POOL_DEADLOCK')
    assert.equal(barrier.value, 'alone')
  })
})

describe('the pool tells the truth', () => {
  it('about a batch: COMMIT in it is refused before anything is sent', async () => {
    const rig = await PoolRig.open()
    const batch = rig.pool.batch([{ sql: 'INSERT 1' }, { sql: 'COMMIT' }, { sql: 'INSERT 2' }])
    await assert.rejects(batch, { code: 'TRANSACTION_CONTROL', outcome: 'not_started' })
    assert.deepEqual(rig.writer.calls, [])
  })

  it('about a lease that is taken back: what it wrote without a transaction stays', async () => {
    const rig = await PoolRig.open({ leakReclaimMs: 1000 })
    const lease = await rig.pool.acquire({ mode: 'write' })
    await lease.run('INSERT')
    await rig.advance(3000)
    await assert.rejects(lease.run('INSERT'), { code: 'LEASE_REVOKED', outcome: 'unknown' })
  })

  it('to those who wait when it closes: nothing was started', async () => {
    const rig = await PoolRig.open()
    await rig.pool.acquire({ mode: 'write' })
    const waiting = watch(rig.pool.run('INSERT'))
    watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(0)
    assert.equal(codeOf(waiting), 'POOL_CLOSED')
    assert.equal((waiting.error as PoolError).outcome, 'not_started')
  })

  it('to a lease that was released while its statement is tried again, when it closes', async () => {
    const rig = await PoolRig.open()
    const busy = Object.assign(new Error('busy'), { code: 'SQLITE_BUSY' })
    rig.writer.always('INSERT', busy)
    const lease = await rig.pool.acquire({ mode: 'write' })
    const call = watch(lease.run('INSERT'))
    await settled()
    const released = watch(lease.release())
    watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(1000)
    assert.equal(codeOf(call), 'POOL_CLOSED')
    assert.equal(released.state, 'fulfilled')
  })

  it('in its accounts, when a listener resizes in the middle of many timeouts', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.acquire()
    await rig.pool.acquire({ mode: 'write' })
    const waiting = [0, 1, 2].map(() => watch(rig.pool.acquire({ timeoutMs: 100 })))
    rig.onEvent = (event) => {
      if (event.type === 'acquire' && event.outcome === 'timeout') rig.pool.resize(1)
    }
    await rig.clock.advanceInSteps(500)
    assert.deepEqual(
      waiting.map(codeOf),
      Array.from({ length: 3 }, () => 'POOL_ACQUIRE_TIMEOUT'),
    )
    assert.deepEqual([rig.stats.reader.waiting, rig.stats.writer.waiting], [0, 0])
  })
})
