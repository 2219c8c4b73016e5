import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { BatchResult } from './connection.ts'
import { Lease } from './lease.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }

describe('Pool.tryAcquire', () => {
  it('is a lease at once when one is free, of the lane that is asked for', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const reader = rig.pool.tryAcquire({ label: 'report' })
    const writer = rig.pool.tryAcquire({ mode: 'write' })
    assert.deepEqual([reader?.role, reader?.label, writer?.role], ['reader', 'report', 'writer'])
    await reader?.all('SELECT')
    await reader?.release()
    await writer?.release()
    rig.assertInvariants()
  })

  it('is null when none is free, and joins no line', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const holder = await rig.pool.acquire()
    assert.equal(rig.pool.tryAcquire(), null)
    const waiter = watch(rig.pool.acquire())
    await holder.release()
    assert.equal(rig.pool.tryAcquire(), null, 'it overtakes nobody')
    await rig.settle()
    assert.equal(waiter.state, 'fulfilled')
  })

  it('is null while the pool is suspended, and after it was closed or has failed', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.pool.suspend()
    assert.equal(rig.pool.tryAcquire(), null)
    rig.pool.resume()
    await rig.pool.close()
    assert.equal(rig.pool.tryAcquire(), null)
  })
})

describe('Pool.batch', () => {
  it('is one transaction in one message on the writer, counted as one statement', async (t) => {
    const rig = await PoolRig.open(ONE_READER)
    const results: BatchResult[] = [
      { rows: [{ id: 1 }], changes: 0, lastInsertRowid: 0 },
      { rows: [], changes: 1, lastInsertRowid: 7 },
    ]
    const send = t.mock.method(rig.writer, 'batch', async () => results)
    const statements = [{ sql: 'SELECT' }, { sql: 'INSERT', args: [1] }]
    assert.equal(await rig.pool.batch(statements), results)
    assert.deepEqual(send.mock.calls[0]?.arguments.slice(0, 2), [statements, { isAtomic: true }])
    assert.equal(rig.stats.operationMs.count, 1)
    assert.equal(rig.stats.writer.idle, 1)
  })

  it('is on a reader when that is asked for', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.batch([{ sql: 'SELECT 1' }, { sql: 'SELECT 2' }], { mode: 'read' })
    assert.deepEqual(rig.database.of('reader')[0]?.calls, ['SELECT 1', 'SELECT 2'])
  })

  it('passes on the error of the statement that failed, and gives the writer back', async () => {
    const rig = await PoolRig.open()
    const failure = Object.assign(new Error('no'), { code: 'SQLITE_CONSTRAINT', index: 1 })
    rig.writer.next('B', failure)
    await assert.rejects(rig.pool.batch([{ sql: 'A' }, { sql: 'B' }]), failure)
    const [event] = rig.eventsOf('statement')
    assert.deepEqual([event?.sql, event?.errorCode], ['A; B', 'SQLITE_CONSTRAINT'])
    assert.equal(rig.stats.writer.idle, 1)
  })

  it('of a lease is not atomic by itself', async (t) => {
    const rig = await PoolRig.open()
    const rows = [{ id: 1 }, { id: 2 }]
    const send = t.mock.method(rig.writer, 'batch', async () => [
      { rows, changes: 0, lastInsertRowid: 0 },
    ])
    await using lease = await rig.pool.acquire({ mode: 'write' })
    const [result] = await lease.batch([{ sql: 'SELECT' }])
    assert.equal(result?.rows, rows)
    assert.deepEqual(send.mock.calls[0]?.arguments[1], { isAtomic: false })
  })
})

describe('a lease that was dropped', () => {
  it('is taken back when it is collected as garbage', async (t) => {
    let collect: (hold: unknown) => void = () => assert.fail()
    const { FinalizationRegistry: Original } = globalThis
    t.after(() => void (globalThis.FinalizationRegistry = Original))
    globalThis.FinalizationRegistry = class<T> extends Original<T> {
      constructor(callback: (held: T) => void) {
        super(callback)
        collect = callback as (hold: unknown) => void
      }
    }
    const rig = await PoolRig.open({ ...ONE_READER, leakThresholdMs: 1000 })
    const lease = await rig.pool.acquire()
    collect(Lease.holdOf(lease))
    await rig.settle()
    assert.equal(rig.stats.reader.idle, 1)
    await assert.rejects(lease.all('SELECT'), { code: 'LEASE_REVOKED' })
  })
})

describe('a lease of a pool that is traced', () => {
  it('tells of itself and its statements, each with its time', async () => {
    const trace = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), isSampled: true }
    const rig = await PoolRig.open(ONE_READER)
    rig.trace = trace
    const lease = await rig.pool.acquire({ label: 'report' })
    rig.clock.advance(5)
    await lease.all('SELECT')
    rig.clock.advance(5)
    await lease.release()
    assert.deepEqual(lease.trace, trace)
    const startedAtMs = rig.clock.timeOriginMs
    const who = { role: 'reader', connectionId: 2, trace }
    assert.deepEqual(rig.eventsOf('statement'), [
      {
        ...who,
        type: 'statement',
        sql: 'SELECT',
        startedAtMs: startedAtMs + 5,
        durationMs: 0,
        rowCount: 3,
        errorCode: null,
      },
    ])
    assert.deepEqual(rig.eventsOf('lease'), [
      {
        ...who,
        type: 'lease',
        leaseId: 1,
        label: 'report',
        startedAtMs,
        useMs: 10,
        statementCount: 1,
        waiterCount: 0,
      },
    ])
  })
})

describe('what the pool shows of its leases', () => {
  it('is the holders of each lane, the oldest first', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    await rig.pool.acquire({ label: 'a' })
    await rig.pool.acquire({ mode: 'write', label: 'w' })
    await rig.pool.acquire({ label: 'b' })
    const labelsOf = (role: 'reader' | 'writer'): unknown[] =>
      rig.pool.holders(role).map(({ label }) => label)
    assert.deepEqual([labelsOf('reader'), labelsOf('writer')], [['a', 'b'], ['w']])
  })
})
