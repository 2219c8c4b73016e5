import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { LOOK_INTERVAL_MS } from './housekeeper.ts'

const FEW_READERS = { min: 1, max: 3 }

/** Opens `count` readers and lets them idle, one after the other at the given times. */
async function idleFrom(rig: PoolRig, timesMs: readonly number[]): Promise<number[]> {
  const leases = await Promise.all(timesMs.map(() => rig.pool.acquire()))
  for (const [i, timeMs] of timesMs.entries()) {
    await rig.advance(timeMs - rig.clock.nowMs())
    await leases[i]!.release()
  }
  return leases.map((lease) => lease.connectionId)
}

describe('idle readers', () => {
  it('are closed after the idle timeout, the longest idle first, down to the minimum', async () => {
    const rig = await PoolRig.open({ readers: FEW_READERS, idleTimeoutMs: 10_000 })
    const ids = await idleFrom(rig, [0, 2000, 4000])
    const closedIds = (): number[] =>
      rig.eventsOf('connection.closed').map((event) => event.connectionId)
    await rig.advance(5999)
    assert.deepEqual(closedIds(), [])
    await rig.advance(1)
    assert.deepEqual(closedIds(), [ids[0]])
    await rig.advance(2000)
    assert.deepEqual(closedIds(), [ids[0], ids[1]])
    await rig.advance(100_000)
    assert.deepEqual(closedIds(), [ids[0], ids[1]])
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.closed.idle], [1, 2])
    assert.equal(rig.database.of('writer').length, 1)
  })

  it('are not closed while they are used now and then', async () => {
    const rig = await PoolRig.open({ readers: FEW_READERS, idleTimeoutMs: 10_000 })
    await idleFrom(rig, [0, 0])
    for (let i = 0; i < 10; i += 1) {
      await rig.advance(6000)
      const pair = await Promise.all([rig.pool.acquire(), rig.pool.acquire()])
      for (const lease of pair) await lease.release()
    }
    assert.equal(rig.stats.reader.closed.idle, 0)
  })

  it('stay for ever when the timeout is 0', async () => {
    const rig = await PoolRig.open({ readers: FEW_READERS, idleTimeoutMs: 0 })
    await idleFrom(rig, [0, 0, 0])
    await rig.advance(1_000_000)
    assert.equal(rig.stats.reader.idle, 3)
  })
})

describe('a lease that is held for too long', () => {
  const options = { readers: { min: 1, max: 2 }, leakThresholdMs: 3000 }

  it('is reported once, with where it was acquired, and once more when it comes back', async () => {
    const rig = await PoolRig.open(options)
    const lease = await rig.pool.acquire({ label: 'forgetful' })
    await lease.all('SELECT')
    await rig.advance(2999)
    assert.equal(rig.eventsOf('leak').length, 0)
    await rig.advance(10_000)
    const [leak, ...more] = rig.eventsOf('leak')
    assert.deepEqual(more, [])
    assert.equal(leak?.isRecovered, false)
    assert.deepEqual(
      [leak.holder.leaseId, leak.holder.label, leak.holder.sql, leak.holder.heldMs],
      [lease.id, 'forgetful', 'SELECT', 3000],
    )
    assert.match(leak.stack ?? '', new RegExp(basename(import.meta.filename)))
    assert.equal(rig.stats.reader.leakSuspected, 1)
    assert.equal(
      rig.pool.connections().find((row) => row.leaseId === lease.id)?.isLeakSuspect,
      true,
    )

    await lease.release()
    await rig.advance(10_000)
    assert.deepEqual(
      rig.eventsOf('leak').map((event) => event.isRecovered),
      [false, true],
    )
    assert.equal(rig.stats.reader.leakSuspected, 1)
  })

  it('is named where a scope was asked for, through every entry', async () => {
    const rig = await PoolRig.open(options)
    const never = new Promise<never>(() => undefined)
    for (const scope of ['withConnection', 'read'] as const) void rig.pool[scope](() => never)
    void rig.pool.write(() => never)
    await rig.advance(5000)
    const stacks = rig.eventsOf('leak').map((event) => event.stack ?? '')
    assert.equal(stacks.length, 3)
    for (const stack of stacks) assert.match(stack, new RegExp(basename(import.meta.filename)))
  })

  it('is not looked for when the threshold is 0', async () => {
    const rig = await PoolRig.open({ ...options, leakThresholdMs: 0 })
    const lease = await rig.pool.acquire()
    await rig.advance(1_000_000)
    assert.equal(rig.eventsOf('leak').length, 0)
    assert.equal(lease.site, null)
  })

  it('is left alone: it goes on working', async () => {
    const rig = await PoolRig.open(options)
    const lease = await rig.pool.acquire()
    await rig.advance(60_000)
    assert.equal((await lease.all('SELECT')).length, 3)
    await lease.release()
  })
})

describe('Housekeeper', () => {
  it('looks once a second on a timer that keeps nobody alive, and stops with the pool', async () => {
    const rig = await PoolRig.open()
    assert.deepEqual(
      [rig.clock.timerCount, rig.clock.vitalTimerCount, rig.clock.nextDueMs],
      [1, 0, LOOK_INTERVAL_MS],
    )
    await rig.advance(10 * LOOK_INTERVAL_MS)
    assert.equal(rig.clock.timerCount, 1)
    await rig.pool.close()
    assert.equal(rig.clock.timerCount, 0)
  })

  it('stops even when a listener closes the pool from its report', async () => {
    const rig = await PoolRig.open({ leakThresholdMs: 1000 })
    await rig.pool.acquire()
    rig.onEvent = (event) => {
      if (event.type === 'leak') void rig.pool.close({ timeoutMs: 0 })
    }
    await rig.advance(60_000)
    assert.equal(rig.pool.state, 'closed')
    assert.equal(rig.clock.timerCount, 0)
  })
})
