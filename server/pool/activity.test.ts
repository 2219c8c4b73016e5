import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TraceRef } from '../../telemetry/events.ts'
import { BarePool } from '../testing/bare-pool.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'

const TRACE: TraceRef = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: false }

describe('connections()', () => {
  //  1 the writer, 2 in use, 3 a zombie, 4 resetting, 5 idle, 6 being opened
  it('shows what each is doing, and since when, in the order of the ids', async () => {
    const rig = await PoolRig.open({ readers: { min: 4, max: 5 } })
    const leases = await Promise.all([1, 2, 3, 4].map(() => rig.pool.acquire()))
    leases.sort((a, b) => a.connectionId - b.connectionId)
    const [, buried, dirty, idle] = leases
    const connections = rig.database.of('reader')
    const zombie = connections.find(({ id }) => id === buried!.connectionId)!
    const resetting = connections.find(({ id }) => id === dirty!.connectionId)!
    await rig.advance(1000)

    zombie.hold('SELECT slow')
    const controller = new AbortController()
    const stopped = buried!.all('SELECT slow', [], { signal: controller.signal })
    controller.abort()
    await assert.rejects(stopped)
    await buried!.release()
    resetting.inTransaction = true
    resetting.hold('reset')
    void dirty!.release()
    await rig.advance(500)
    rig.database.opening = 'by hand'
    const waiters = [rig.pool.acquire(), rig.pool.acquire()].map(watch)
    await rig.settle()
    await idle!.release()
    await rig.advance(250)
    await waiters.find(({ state }) => state === 'fulfilled')!.value.release()
    await waiters[1]!.value.release()
    await rig.settle()

    const rows = rig.pool.connections()
    const originMs = rig.clock.timeOriginMs
    assert.deepEqual(
      rows.map(({ id, role, state, sinceAtMs }) => [id, role, state, sinceAtMs - originMs]),
      [
        [1, 'writer', 'idle', 0],
        [2, 'reader', 'in_use', 0],
        [3, 'reader', 'zombie', 1000],
        [4, 'reader', 'resetting', 1000],
        [5, 'reader', 'idle', 1750],
        [6, 'reader', 'opening', 1500],
      ],
    )
  })

  it('shows nothing of a lease where there is none', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 0 } })
    assert.deepEqual(rig.pool.connections(), [
      {
        id: 1,
        role: 'writer',
        state: 'idle',
        sinceAtMs: rig.clock.timeOriginMs,
        leaseId: null,
        label: null,
        traceId: null,
        sql: null,
        isRunning: false,
        statementSinceAtMs: null,
        hasTransaction: false,
        isLeakSuspect: false,
      },
    ])
  })

  it('shows who holds it, what runs and since when', async () => {
    const { pool, clock, database } = await BarePool.open({ trace: TRACE })
    const lease = await pool.acquire({ mode: 'write', label: 'import' })
    const row = (): object => pool.connections()[0]!
    assert.partialDeepStrictEqual(row(), {
      leaseId: lease.id,
      label: 'import',
      traceId: TRACE.traceId,
      sql: null,
      isRunning: false,
      statementSinceAtMs: null,
      hasTransaction: false,
      isLeakSuspect: false,
    })
    await lease.exec('BEGIN')
    clock.advance(700)
    const answer = database.of('writer')[0]!.hold('INSERT')
    const running = lease.run('INSERT')
    assert.partialDeepStrictEqual(row(), {
      sql: 'INSERT',
      isRunning: true,
      statementSinceAtMs: clock.timeOriginMs + 700,
      hasTransaction: true,
    })
    answer.resolve(undefined)
    await running
    assert.partialDeepStrictEqual(row(), { sql: 'INSERT', isRunning: false })
    await lease.release()
  })

  it('shows no trace where there is none', async () => {
    const { pool } = await BarePool.open()
    const lease = await pool.acquire({ mode: 'write' })
    assert.partialDeepStrictEqual(pool.connections()[0]!, { leaseId: lease.id, traceId: null })
  })
})

describe('waiters()', () => {
  it('shows each lane in the order in which it will be served', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    await rig.pool.acquire()
    await rig.pool.acquire({ mode: 'write' })
    const ask = (options: object): void => void watch(rig.pool.acquire(options))
    ask({ label: 'first' })
    await rig.advance(300)
    ask({ label: 'second' })
    ask({ label: 'urgent', priority: 1 })
    ask({ label: 'writes', mode: 'write' })
    await rig.settle()
    const originMs = rig.clock.timeOriginMs
    assert.deepEqual(rig.pool.waiters(), [
      { role: 'writer', position: 1, sinceAtMs: originMs + 300, label: 'writes', traceId: null },
      { role: 'reader', position: 1, sinceAtMs: originMs + 300, label: 'urgent', traceId: null },
      { role: 'reader', position: 2, sinceAtMs: originMs, label: 'first', traceId: null },
      { role: 'reader', position: 3, sinceAtMs: originMs + 300, label: 'second', traceId: null },
    ])
  })

  it('shows fifty of a lane and no more', async () => {
    const { pool } = await BarePool.open({ trace: TRACE })
    await pool.acquire()
    for (let n = 0; n < 60; n += 1) watch(pool.acquire({ label: String(n) }))
    const rows = pool.waiters()
    assert.deepEqual([rows.length, rows.at(-1)?.label, rows.at(-1)?.position], [50, '49', 50])
    assert.equal(rows[0]?.traceId, TRACE.traceId)
  })
})
