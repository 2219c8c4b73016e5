import assert from 'node:assert/strict'
import { basename } from 'node:path'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { PoolRig } from '../testing/pool-rig.ts'
import { until } from '../testing/until.ts'
import { watch } from '../testing/watched.ts'
import { CapacityWatch } from './capacity-watch.ts'
import type { PoolError } from './errors.ts'
import { Housekeeper, LOOK_INTERVAL_MS } from './housekeeper.ts'
import { Lease } from './lease.ts'

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
    await lease.release()
    await assert.rejects(lease.release(), (error: Error) => error.cause === undefined)
  })

  it('is left alone: it goes on working', async () => {
    const rig = await PoolRig.open(options)
    const lease = await rig.pool.acquire()
    await rig.advance(60_000)
    assert.equal((await lease.all('SELECT')).length, 3)
    await lease.release()
  })
})

/** What was told of leaks, in order. */
function leaksOf(rig: PoolRig): string[] {
  return rig.eventsOf('leak').map(({ isRecovered, isReclaimed }) => {
    const end = isReclaimed ? 'reclaimed' : 'recovered'
    return isRecovered ? end : 'suspected'
  })
}

describe('leakReclaimMs', () => {
  const options = { readers: { min: 1, max: 1 }, leakThresholdMs: 2000, leakReclaimMs: 5000 }

  //  ms       0          2,000       5,000                     6,000
  //  lease    acquired   suspected   revoked, rolled back      told: it is back, because it was taken
  //  waiter   waits …                is served
  it('takes a lease back that is out for longer, and serves who waits', async () => {
    const rig = await PoolRig.open(options)
    const lease = await rig.pool.acquire({ label: 'forgetful' })
    await lease.exec('BEGIN')
    const waiter = watch(rig.pool.acquire({ timeoutMs: 60_000 }))
    await rig.advance(4999)
    assert.deepEqual([leaksOf(rig), waiter.state], [['suspected'], 'pending'])
    await rig.advance(1)
    assert.equal(waiter.state, 'fulfilled')
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['BEGIN', 'reset'])
    await rig.advance(1000)
    assert.deepEqual(leaksOf(rig), ['suspected', 'reclaimed'])
    const error = await lease.all('SELECT').then(
      () => assert.fail('it was taken back'),
      (reason: PoolError) => reason,
    )
    assert.equal(error.code, 'LEASE_REVOKED')
    assert.equal(error.outcome, 'rolled_back')
    assert.match(error.message, /out for 5000 ms/)
    assert.equal(error.holders[0]?.label, 'forgetful')
    assert.match(error.holders[0]?.stack ?? '', new RegExp(basename(import.meta.filename)))
    assert.equal(rig.stats.reader.revoked, 1)
  })

  it('of 0 takes nothing back, however long it is out', async () => {
    const rig = await PoolRig.open({ ...options, leakReclaimMs: 0 })
    const lease = await rig.pool.acquire()
    await rig.advance(1_000_000)
    assert.equal((await lease.all('SELECT')).length, 3)
    await lease.release()
    await rig.advance(1000)
    assert.deepEqual(leaksOf(rig), ['suspected', 'recovered'])
  })

  it('works without a threshold, and then tells of no leak', async () => {
    const rig = await PoolRig.open({ ...options, leakThresholdMs: 0 })
    const lease = await rig.pool.acquire()
    await rig.advance(5000)
    await assert.rejects(lease.all('SELECT'), { code: 'LEASE_REVOKED' })
    assert.deepEqual(leaksOf(rig), [])
    assert.deepEqual([rig.stats.reader.revoked, rig.stats.reader.leakSuspected], [1, 0])
  })

  it('ends a scope that is out for longer', async () => {
    const rig = await PoolRig.open(options)
    const scope = watch(rig.pool.transaction(() => new Promise<never>(() => undefined)))
    await rig.advance(5000)
    assert.equal((scope.error as PoolError).code, 'LEASE_REVOKED')
    assert.deepEqual([rig.stats.writer.idle, rig.stats.writer.dirtyReleased], [1, 0])
  })

  it('leaves alone what was released and still waits for its statement', async () => {
    const rig = await PoolRig.open(options)
    const answer = rig.database.of('reader')[0]!.hold('SELECT')
    const lease = await rig.pool.acquire()
    const running = watch(lease.all('SELECT'))
    const released = watch(lease.release())
    await rig.advance(10_000)
    assert.deepEqual([rig.stats.reader.revoked, leaksOf(rig)], [0, []])
    answer.resolve([])
    await rig.settle()
    assert.deepEqual([running.state, released.state], ['fulfilled', 'fulfilled'])
  })
})

describe('a lease that is dropped without a release', () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void

  /** Acquired by nobody who keeps it. */
  async function drop(rig: PoolRig): Promise<void> {
    const lease = await rig.pool.acquire({ label: 'dropped' })
    await lease.exec('BEGIN')
  }

  it('is taken back when it is collected, whatever the threshold, and told as a leak', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 }, leakThresholdMs: 1_000_000 })
    await drop(rig)
    await rig.advance(500)
    await until(() => {
      collectGarbage()
      return rig.eventsOf('leak').length > 0
    })
    await rig.settle()
    const [leak] = rig.eventsOf('leak')
    assert.deepEqual([leak!.holder.label, leak!.holder.heldMs], ['dropped', 500])
    assert.match(leak!.stack ?? '', new RegExp(basename(import.meta.filename)))
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['BEGIN', 'reset'])
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.revoked], [1, 1])
    await rig.advance(1000)
    assert.deepEqual(leaksOf(rig), ['suspected', 'reclaimed'])
  })

  it('is told once when it was suspected before', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 }, leakThresholdMs: 1000 })
    await drop(rig)
    await rig.advance(3000)
    assert.deepEqual(leaksOf(rig), ['suspected'])
    await until(() => {
      collectGarbage()
      return rig.stats.reader.revoked > 0
    })
    await rig.advance(1000)
    assert.deepEqual(leaksOf(rig), ['suspected', 'reclaimed'])
  })

  it("that was released before is nobody's business, and one that is kept is not taken", async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 }, leakThresholdMs: 1_000_000 })
    const kept = await rig.pool.acquire()
    const collected = new Set<string>()
    const registry = new FinalizationRegistry<string>((name) => collected.add(name))
    const passBy = async (): Promise<void> => {
      const lease = await rig.pool.acquire()
      registry.register(lease, 'released')
      await lease.release()
    }
    await passBy()
    await until(() => {
      collectGarbage()
      return collected.size > 0
    })
    await rig.settle()
    assert.deepEqual([leaksOf(rig), rig.stats.reader.revoked], [[], 0])
    assert.equal((await kept.all('SELECT')).length, 3)
    await kept.release()
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

  it('hears of a garbage lease that was released in the meantime, and does nothing', async () => {
    const rig = await PoolRig.open({ leakThresholdMs: 1000 })
    const lease = await rig.pool.acquire({ mode: 'write' })
    const hold = Lease.holdOf(lease)!
    await lease.release()
    const nothing = (): void => undefined
    const { clock } = rig
    const observer = { isObserved: true, emit: nothing, captureTrace: () => null }
    const capacity = new CapacityWatch({ stats: rig.stats, observer, clock })
    const limits = { idleTimeoutMs: 0, leakThresholdMs: 1000, leakReclaimMs: 0, maxLifetimeMs: 0 }
    const housekeeper = new Housekeeper({ lanes: [], capacity, observer, clock }, limits)
    housekeeper.forgotten(hold)
    housekeeper.stop()
    assert.equal(housekeeper.isLeakSuspect(hold), false)
    assert.equal(rig.stats.writer.revoked, 0)
  })

  it('warns once when the numbers and the connections disagree, and goes on', async (t) => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    const warn = t.mock.method(process, 'emitWarning', () => undefined)
    await rig.advance(3000)
    assert.equal(warn.mock.callCount(), 0)
    rig.stats.reader.zombie += 1
    await rig.clock.advanceInSteps(3000)
    const warnings = warn.mock.calls.map(({ arguments: [warning] }) => String(warning))
    assert.deepEqual(warnings, [
      'InvariantError: BUG: reader: 0 connections are zombie, and 1 are counted',
    ])
    rig.stats.reader.zombie -= 1
    await (await rig.pool.acquire()).release()
  })
})
