import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TraceRef } from '../../telemetry/events.ts'
import { BarePool } from '../testing/bare-pool.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { Lane } from './lane.ts'
import { Lease } from './lease.ts'

const SAMPLED: TraceRef = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true }
const UNSAMPLED: TraceRef = { ...SAMPLED, isSampled: false }

describe('the clock within one turn', () => {
  //  turn 1   acquire · release                       0 ms of use, no reading
  it('is not read for a grant and its release, which take 0 ms', async () => {
    const { pool, clock, stats } = await BarePool.open()
    const readCount = clock.readCount
    const lease = await pool.acquire()
    clock.withinTurnMs = 8
    await lease.release()
    assert.equal(clock.readCount, readCount)
    assert.deepEqual([stats.reader.useMs.count, stats.reader.useMs.sumMs], [1, 0])
    assert.deepEqual([stats.reader.waitMs.count, stats.reader.waitMs.sumMs], [1, 0])
  })

  //  turn 1   A acquire · B acquire … · A release → B       B has waited for 0 ms
  it('is not read for a wait that begins and ends in it', async () => {
    const { pool, clock, stats } = await BarePool.open()
    const readCount = clock.readCount
    const a = await pool.acquire()
    const b = watch(pool.acquire())
    clock.withinTurnMs = 8
    await a.release()
    await b.promise
    assert.equal(clock.readCount, readCount)
    assert.deepEqual([stats.reader.waitMs.count, stats.reader.waitMs.sumMs], [2, 0])
  })

  //  ms       0         5           8
  //           acquire   statement   release                 used since the statement: 3 ms
  it('is read by a statement, which gives the grant its moment', async () => {
    const { pool, clock, stats } = await BarePool.open()
    const lease = await pool.acquire()
    clock.withinTurnMs = 5
    await lease.all('SELECT')
    clock.withinTurnMs = 8
    await lease.release()
    assert.equal(stats.reader.useMs.sumMs, 3)
  })

  it('is read by a statement for both lanes, and for those who wait', async () => {
    const { pool, clock, stats } = await BarePool.open()
    const [reading, writing] = [await pool.acquire(), await pool.acquire({ mode: 'write' })]
    const waiter = watch(pool.acquire({ mode: 'write' }))
    clock.withinTurnMs = 5
    await reading.all('SELECT')
    clock.withinTurnMs = 8
    await writing.release()
    await waiter.promise
    assert.equal(stats.writer.useMs.sumMs, 3)
    assert.equal(stats.writer.waitMs.sumMs, 3)
  })

  //  ms       0         5              9
  //           acquire   end of turn    release              used since the end: 4 ms
  it('is read at its end for what has no moment yet, once', async () => {
    const { pool, clock, stats } = await BarePool.open({ readers: { min: 2, max: 2 } })
    const [first, second] = [await pool.acquire(), await pool.acquire()]
    const readCount = clock.readCount
    clock.withinTurnMs = 5
    clock.endTurn()
    assert.equal(clock.readCount, readCount + 1)
    clock.withinTurnMs = 9
    await first.release()
    await second.release()
    assert.deepEqual([stats.reader.useMs.count, stats.reader.useMs.sumMs], [2, 8])
  })

  //  ms       0           2         6           turn 2
  //           A acquire   B waits   C acquires, with B waiting since a known moment: so its release reads
  it('is read by a release when whoever is next waits since a known moment', async () => {
    const { pool, clock, stats } = await BarePool.open()
    const a = await pool.acquire()
    const [b, c] = [watch(pool.acquire()), watch(pool.acquire())]
    clock.endTurn()
    clock.withinTurnMs = 6
    await a.release()
    await (await b.promise).release()
    await c.promise
    assert.equal(stats.reader.waitMs.sumMs, 12)
  })

  it('is read at once for a span: its lease began when it was granted', async () => {
    const { pool, clock, events } = await BarePool.open({ trace: SAMPLED })
    clock.withinTurnMs = 2
    const lease = await pool.acquire({ label: 'traced' })
    clock.withinTurnMs = 9
    await lease.release()
    const leases = events.filter((event) => event.type === 'lease')
    assert.partialDeepStrictEqual(leases, [
      { startedAtMs: clock.timeOriginMs + 2, useMs: 7, label: 'traced', trace: SAMPLED },
    ])
  })

  it('is not read for a trace that is not sampled, and its lease makes no event', async () => {
    const { pool, clock, events, database } = await BarePool.open({ trace: UNSAMPLED })
    const readCount = clock.readCount
    const lease = await pool.acquire()
    assert.equal(clock.readCount, readCount)
    await lease.all('SELECT')
    database.of('reader')[0]!.next('SELECT 2', new Error('no'))
    await assert.rejects(lease.all('SELECT 2'))
    await lease.release()
    const told = events.filter(({ type }) => type === 'lease' || type === 'statement')
    assert.partialDeepStrictEqual(told, [{ type: 'statement', sql: 'SELECT 2' }])
  })

  // It has no moment when it ends in the turn of its grant: that must not read as the year of the origin.
  it('dates the lease of a span that was handed over and given back within it', async () => {
    const bare = await BarePool.open()
    const { pool, clock, events } = bare
    clock.advance(60_000)
    const first = await pool.acquire()
    bare.trace = SAMPLED
    const second = pool.acquire()
    await first.release()
    await (await second).release()
    const leases = events.filter((event) => event.type === 'lease')
    assert.deepEqual(
      leases.map(({ startedAtMs, useMs }) => [startedAtMs - clock.timeOriginMs, useMs]),
      [[60_000, 0]],
    )
  })

  it('tells the statements of a sampled trace, with its lease', async () => {
    const { pool, events, database } = await BarePool.open({ trace: SAMPLED })
    const lease = await pool.acquire()
    await lease.all('SELECT')
    database.of('reader')[0]!.next('SELECT 2', Object.assign(new Error('no'), { code: 'E_NO' }))
    await assert.rejects(lease.all('SELECT 2'))
    const statements = events.filter((event) => event.type === 'statement')
    assert.partialDeepStrictEqual(statements, [
      { sql: 'SELECT', rowCount: 3, errorCode: null, trace: SAMPLED },
      { sql: 'SELECT 2', rowCount: null, errorCode: 'E_NO', trace: SAMPLED },
    ])
    await lease.release()
  })
})

describe('what ends in the turn of its grant', () => {
  it('ages all the same when it lost its connection there', async () => {
    const rig = await PoolRig.open({ leakThresholdMs: 3000 })
    const lease = await rig.pool.acquire({ mode: 'write' })
    rig.writer.lose()
    await rig.advance(4000)
    assert.equal(rig.pool.holders('writer')[0]!.heldMs, 4000)
    assert.deepEqual(
      rig.eventsOf('leak').map(({ holder }) => holder.leaseId),
      [lease.id],
    )
    await lease.release()
  })

  // A timer of the caller's can fire just before the one that looks for what is idle.
  it('is not idle for long, although it has no moment yet', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 } })
    const lease = await rig.pool.acquire()
    const lane = Lease.holdOf(lease)!.host as Lane
    await rig.advance(60_000)
    await lease.release()
    await (await rig.pool.acquire()).release()
    lane.evictIdle(rig.clock.nowMs() - 1000)
    assert.equal(rig.stats.reader.idle, 1)
    await rig.settle()
    lane.evictIdle(rig.clock.nowMs())
    assert.equal(rig.stats.reader.idle, 0)
  })
})
