import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settled } from '../../testing/hand-clock.ts'
import { PoolRig } from '../../testing/pool-rig.ts'
import { watch } from '../../testing/watched.ts'
import { onEveryPool } from './testing/every-pool.ts'
import { quietly } from './testing/pools.ts'

const TIMEOUT_MS = 100

onEveryPool(
  'a broken connection that is given back is replaced for the oldest waiter',
  { size: 1, isChecked: true },
  async ({ acquire, database, time }) => {
    const holder = await acquire()
    const first = watch(acquire())
    const second = watch(acquire())
    database.opening = 'by hand'
    quietly(holder.releaseAs('broken'))
    await time.advance(1)
    const newcomer = watch(acquire())
    await settled()
    assert.equal(database.pending.length, 1, 'another one is being opened')
    database.pending[0]!.succeed()
    await settled()
    assert.deepEqual(
      [first.state, second.state, newcomer.state],
      ['fulfilled', 'pending', 'pending'],
    )
    assert.notEqual(first.value.connection, holder.connection)
    assert.ok(holder.connection.isClosed)
    await first.value.release()
    await settled()
    assert.deepEqual([second.state, newcomer.state], ['fulfilled', 'pending'])
  },
)

onEveryPool(
  'a deadline stays where it is when connections fail in between',
  { size: 2, isChecked: true, timeoutMs: TIMEOUT_MS },
  async ({ acquire, database, time, counts }) => {
    const holders = [await acquire(), await acquire()]
    const waiter = watch(acquire())
    database.opening = 'by hand'
    for (const holder of holders) {
      await time.advance(TIMEOUT_MS * 0.45)
      quietly(holder.releaseAs('broken'))
    }
    await time.advance(TIMEOUT_MS * 0.1 - 1)
    assert.equal(waiter.state, 'pending')
    await time.advance(1)
    assert.equal(waiter.state, 'rejected')
    while (database.pending.length > 0) database.pending[0]!.succeed()
    await settled()
    const { idle, size } = counts()
    assert.equal(idle, size, 'what was opened for it waits for the next')
  },
)

onEveryPool(
  'a check that never ends does not hold its place for ever',
  { size: 1, isChecked: true },
  async ({ acquire, time }) => {
    const holder = await acquire()
    quietly(holder.releaseAs('hung'))
    quietly(acquire())
    await time.advance(10_000)
    const later = watch(acquire())
    await time.advance(500)
    assert.equal(later.state, 'fulfilled', 'its place was given to another connection')
  },
)

onEveryPool(
  'a connection that never closes does not hold its place',
  { size: 1, isChecked: true },
  async ({ acquire, time, counts }) => {
    const holder = await acquire()
    holder.connection.hold('close')
    const waiter = watch(acquire())
    quietly(holder.releaseAs('broken'))
    await time.advance(10)
    assert.equal(waiter.state, 'fulfilled')
    assert.deepEqual([counts().used, counts().size], [1, 1])
  },
)

onEveryPool(
  'a release wakes one waiter and no other',
  { size: 1 },
  async ({ acquire, counts, time }) => {
    const served: number[] = []
    const holder = await acquire()
    const waiters = Array.from({ length: 50 }, async (_, number) => {
      const lease = await acquire()
      served.push(number)
      return lease
    })
    await time.advance(1)
    let lease = holder
    for (const [number, waiter] of waiters.entries()) {
      quietly(lease.release())
      await settled()
      assert.equal(served.length, number + 1)
      assert.equal(counts().waiting, waiters.length - number - 1)
      lease = await waiter
    }
    assert.deepEqual(served, [...served.keys()], 'in the order of their coming')
  },
)

describe('a reset in glasspool', () => {
  it('is done before the connection is counted as idle, and before anyone has it', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    const holder = await rig.pool.acquire()
    const connection = rig.database.of('reader')[0]!
    connection.inTransaction = true
    const reset = connection.hold('reset')
    const waiter = watch(rig.pool.acquire())
    quietly(holder.release())
    const newcomer = watch(rig.pool.acquire())
    await rig.settle()
    const { idle, inUse, resetting } = rig.stats.reader
    assert.deepEqual({ idle, inUse, resetting }, { idle: 0, inUse: 0, resetting: 1 })
    assert.deepEqual([waiter.state, newcomer.state], ['pending', 'pending'])
    reset.resolve(undefined)
    await rig.settle()
    assert.deepEqual([waiter.state, newcomer.state], ['fulfilled', 'pending'])
  })

  it('that fails again and again costs each waiter one opening, and no place', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    let lease = await rig.pool.acquire()
    for (let round = 1; round <= 20; round += 1) {
      const connection = rig.database.of('reader')[0]!
      connection.inTransaction = true
      connection.next('reset', new Error('the reset failed'))
      const next = rig.pool.acquire()
      quietly(lease.release())
      lease = await next
      rig.assertInvariants()
      assert.equal(rig.stats.reader.closed.error, round)
    }
    await lease.release()
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.size], [1, 1])
  })
})
