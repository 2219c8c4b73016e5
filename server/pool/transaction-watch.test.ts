import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

const never = (): Promise<never> => new Promise(() => undefined)

/** The lane has its writer back, and no timer is left but the pool's own. */
function assertFree(rig: PoolRig, timerCount: number): void {
  const { idle, inUse, dirtyReleased } = rig.stats.writer
  assert.deepEqual([idle, inUse, dirtyReleased], [1, 0, 0])
  assert.equal(rig.clock.timerCount, timerCount)
}

describe('transactionTimeoutMs', () => {
  //  time   fn                  its caller              the writer
  //     0   INSERT, never ends
  //   100   goes on             TRANSACTION_TIMEOUT     rolled back, free
  it('ends a transaction that takes longer, although its function never ends', async () => {
    const rig = await PoolRig.open({ transactionTimeoutMs: 100 })
    const { timerCount } = rig.clock
    const call = watch(
      rig.pool.transaction(
        async (db) => {
          await db.run('INSERT')
          await never()
        },
        { label: 'import' },
      ),
    )
    await rig.advance(99)
    assert.equal(call.state, 'pending')
    await rig.advance(1)
    const { code, outcome, message, holders } = call.error as PoolError
    assert.deepEqual([code, outcome], ['TRANSACTION_TIMEOUT', 'rolled_back'])
    assert.match(message, /100 ms/)
    assert.deepEqual([holders[0]?.label, holders[0]?.heldMs], ['import', 100])
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT', 'reset'])
    assert.equal(rig.stats.writer.revoked, 1)
    assertFree(rig, timerCount)
  })

  it('counts its statements too', async () => {
    const rig = await PoolRig.open({ transactionTimeoutMs: 100 })
    const { timerCount } = rig.clock
    const held = rig.writer.hold('INSERT')
    const call = watch(rig.pool.transaction((db) => db.run('INSERT')))
    await rig.advance(100)
    assert.equal((call.error as PoolError).code, 'TRANSACTION_TIMEOUT')
    assert.equal(rig.stats.writer.zombie, 1)
    held.resolve(undefined)
    await rig.settle()
    assertFree(rig, timerCount)
  })

  it('is over when COMMIT is sent: from then on nobody can say that it was rolled back', async () => {
    const rig = await PoolRig.open({ transactionTimeoutMs: 100 })
    const { timerCount } = rig.clock
    const held = rig.writer.hold('COMMIT')
    const call = watch(rig.pool.transaction((db) => db.run('INSERT')))
    await rig.advance(1000)
    assert.equal(call.state, 'pending')
    held.resolve(undefined)
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    assertFree(rig, timerCount)
  })

  it('is no limit for a lease outside of transactions', async () => {
    const rig = await PoolRig.open({ transactionTimeoutMs: 100, idleInTransactionTimeoutMs: 10 })
    const lease = await rig.pool.acquire({ mode: 'write' })
    await lease.run('INSERT')
    await rig.advance(1000)
    assert.equal(lease.isReleased, false)
  })
})

describe('idleInTransactionTimeoutMs', () => {
  it('ends a transaction in which no statement runs for longer', async () => {
    const rig = await PoolRig.open({ idleInTransactionTimeoutMs: 50 })
    const { timerCount } = rig.clock
    const call = watch(
      rig.pool.transaction(async (db) => {
        await db.run('INSERT')
        await never()
      }),
    )
    await rig.advance(49)
    assert.equal(call.state, 'pending')
    await rig.advance(1)
    const { code, outcome } = call.error as PoolError
    assert.deepEqual([code, outcome], ['TRANSACTION_IDLE', 'rolled_back'])
    assertFree(rig, timerCount)
  })

  //  time     0 … 40   40 … 140         140 … 180    180
  //           pause    two statements   pause        COMMIT
  it('begins anew after each statement, and does not run while one does', async () => {
    const rig = await PoolRig.open({ idleInTransactionTimeoutMs: 50 })
    const { timerCount } = rig.clock
    const held = [rig.writer.hold('INSERT 1'), rig.writer.hold('INSERT 2')]
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const call = watch(
      rig.pool.transaction(async (db) => {
        await gates[0]!.promise
        await Promise.all([db.run('INSERT 1'), db.run('INSERT 2')])
        await gates[1]!.promise
      }),
    )
    await rig.advance(40)
    gates[0]!.resolve()
    await rig.advance(50)
    held[0]!.resolve(undefined)
    await rig.advance(50)
    held[1]!.resolve(undefined)
    await rig.advance(40)
    gates[1]!.resolve()
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    assertFree(rig, timerCount)
  })

  it('is over with the transaction: a lease that goes on may pause as long as it likes', async () => {
    const rig = await PoolRig.open({ idleInTransactionTimeoutMs: 50, transactionTimeoutMs: 100 })
    const { timerCount } = rig.clock
    const lease = await rig.pool.acquire({ mode: 'write' })
    const failing = (): Promise<never> => Promise.reject(new Error('mine'))
    await lease.transaction((db) => db.run('INSERT'))
    await assert.rejects(lease.transaction(failing), /mine/)
    assert.equal(rig.clock.timerCount, timerCount)
    await rig.advance(1000)
    assert.equal(lease.isReleased, false)
    await lease.release()
    assertFree(rig, timerCount)
  })

  it('is over with the transaction also when that is left open: the lease is released', async () => {
    const rig = await PoolRig.open({ idleInTransactionTimeoutMs: 50 })
    const { timerCount } = rig.clock
    await assert.rejects(
      rig.pool.transaction((db) => db.release()),
      { code: 'LEASE_RELEASED' },
    )
    assertFree(rig, timerCount)
  })
})

describe('a transaction without limits', () => {
  it('sets no timer', async () => {
    const rig = await PoolRig.open()
    const { timerCount } = rig.clock
    const call = watch(rig.pool.transaction(never))
    await rig.advance(0)
    assert.equal(rig.clock.timerCount, timerCount)
    await rig.advance(10_000_000)
    assert.equal(call.state, 'pending')
  })
})
