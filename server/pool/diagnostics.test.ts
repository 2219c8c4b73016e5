import assert from 'node:assert/strict'
import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, it, type TestContext } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { diagnostics, traced } from './diagnostics.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }

/** What one channel tells during a test. */
function listen(t: TestContext, name: string): Record<string, unknown>[] {
  const heard: Record<string, unknown>[] = []
  const listener: ChannelListener = (message) => {
    heard.push({ ...(message as Record<string, unknown>) })
  }
  subscribe(name, listener)
  t.after(() => unsubscribe(name, listener))
  return heard
}

/** The channels of one operation, in the order in which they told something. */
function listenToAll(t: TestContext, operation: string): string[] {
  const heard: string[] = []
  for (const part of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
    const name = `tracing:glasspool.${operation}:${part}`
    const listener: ChannelListener = () => void heard.push(part)
    subscribe(name, listener)
    t.after(() => unsubscribe(name, listener))
  }
  return heard
}

const WELL = ['start', 'end', 'asyncStart', 'asyncEnd']
const BADLY = ['start', 'end', 'error', 'asyncStart', 'asyncEnd']

describe('node:diagnostics_channel', () => {
  it('hears of an acquire: of which pool, for what, and by whom', async (t) => {
    const rig = await PoolRig.open(ONE_READER)
    const parts = listenToAll(t, 'acquire')
    const started = listen(t, 'tracing:glasspool.acquire:start')
    const lease = await rig.pool.acquire({ label: 'report' })
    await rig.pool.run('INSERT')
    assert.deepEqual(started, [
      { pool: 'rig', mode: 'read', label: 'report' },
      { pool: 'rig', mode: 'write', label: null },
    ])
    assert.deepEqual(parts, [...WELL, ...WELL])
    parts.length = 0
    await assert.rejects(rig.pool.acquire({ timeoutMs: 0 }), { code: 'POOL_ACQUIRE_TIMEOUT' })
    assert.deepEqual(parts, BADLY)
    await lease.release()
  })

  it('hears of a statement: of which lease and connection, and its SQL', async (t) => {
    const rig = await PoolRig.open(ONE_READER)
    const parts = listenToAll(t, 'statement')
    const started = listen(t, 'tracing:glasspool.statement:start')
    const failed = listen(t, 'tracing:glasspool.statement:error')
    const failure = new Error('no such table')
    const lease = await rig.pool.acquire()
    rig.database.of('reader')[0]!.next('SELECT 2', failure)
    await lease.all('SELECT 1')
    await assert.rejects(lease.all('SELECT 2'), failure)
    const { id: leaseId, connectionId } = lease
    assert.deepEqual(started, [
      { leaseId, connectionId, sql: 'SELECT 1' },
      { leaseId, connectionId, sql: 'SELECT 2' },
    ])
    assert.equal(failed[0]?.['error'], failure)
    assert.deepEqual(parts, [...WELL, ...BADLY])
  })

  it('hears of a transaction, with its kind, and not of a scope without one', async (t) => {
    const rig = await PoolRig.open(ONE_READER)
    const parts = listenToAll(t, 'transaction')
    const started = listen(t, 'tracing:glasspool.transaction:start')
    await rig.pool.transaction(() => undefined)
    await rig.pool.read(() => undefined)
    await rig.pool.withConnection(() => undefined)
    assert.deepEqual(started, [
      { leaseId: 1, connectionId: 1, kind: 'immediate' },
      { leaseId: 2, connectionId: 2, kind: 'snapshot' },
    ])
    assert.deepEqual(parts, [...WELL, ...WELL])
    parts.length = 0
    const mine = new Error('mine')
    await assert.rejects(
      rig.pool.transaction(() => Promise.reject(mine)),
      mine,
    )
    assert.deepEqual(parts, BADLY)
  })

  it('hears of connections and of releases', async (t) => {
    const opened = listen(t, 'glasspool.connection.opened')
    const closed = listen(t, 'glasspool.connection.closed')
    const released = listen(t, 'glasspool.lease.released')
    const rig = await PoolRig.open(ONE_READER)
    const lease = await rig.pool.acquire()
    await lease.all('SELECT')
    rig.clock.advance(5)
    await lease.release()
    await rig.pool.close()
    assert.deepEqual(opened, [
      { connectionId: 1, role: 'writer' },
      { connectionId: 2, role: 'reader' },
    ])
    assert.deepEqual(released, [{ leaseId: 1, connectionId: 2, useMs: 5 }])
    assert.deepEqual(closed, [
      { connectionId: 2, role: 'reader', reason: 'shutdown' },
      { connectionId: 1, role: 'writer', reason: 'shutdown' },
    ])
  })

  it('costs nothing while nobody listens: no message is made', async () => {
    const message = (): never => assert.fail('nobody asked')
    assert.equal(diagnostics.statement.hasSubscribers, false)
    assert.equal(await traced(diagnostics.statement, message, async () => 7), 7)
  })
})
