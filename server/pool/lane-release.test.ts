import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask } from '../testing/asked.ts'
import { held } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import { RESET_LIMIT_MS } from './lane.ts'
import type { Lease } from './lease.ts'

describe('release', () => {
  it('of a clean connection asks nothing of it', async () => {
    const { rig, holder } = await held()
    await holder.all('SELECT')
    await holder.release()
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['SELECT'])
  })

  const dirt = [
    { name: 'an open transaction', soil: (lease: Lease) => lease.exec('BEGIN') },
    { name: 'an open iterator', soil: (lease: Lease) => lease.iterate('SELECT') },
  ]
  for (const { name, soil } of dirt) {
    it(`resets ${name} before anyone gets the connection, and counts it`, async () => {
      const { rig, holder } = await held()
      await soil(holder)
      const waiter = ask(rig)
      await holder.release()
      await rig.settle()
      const [connection] = rig.database.of('reader')
      assert.equal(connection?.calls.at(-1), 'reset')
      assert.deepEqual([connection.inTransaction, connection.openCursorCount], [false, 0])
      assert.equal(waiter.state, 'fulfilled')
      assert.equal(rig.stats.reader.dirtyReleased, 1)
    })
  }

  it('resets a changed pragma, which was no carelessness and is not counted', async () => {
    const { rig, holder } = await held()
    rig.database.of('reader')[0]!.isAltered = true
    await holder.release()
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['reset'])
    assert.equal(rig.stats.reader.dirtyReleased, 0)
  })

  it('whose reset fails closes the connection, says why, and serves the waiter with another', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    rig.database.of('reader')[0]!.next('reset', new Error('cannot roll back'))
    const waiter = ask(rig)
    await holder.release()
    await rig.settle()
    assert.notEqual(waiter.value.connectionId, holder.connectionId)
    assert.equal(rig.stats.reader.closed.error, 1)
    const [closed] = rig.eventsOf('connection.closed')
    assert.deepEqual([closed?.reason, closed?.error], ['error', 'cannot roll back'])
    assert.equal(rig.database.connections[1]!.isClosed, true)
  })

  it('by destroy closes the connection and serves the waiter with another', async () => {
    const { rig, holder } = await held()
    const waiter = ask(rig)
    await holder.destroy()
    await rig.settle()
    assert.notEqual(waiter.value.connectionId, holder.connectionId)
    assert.equal(rig.stats.reader.closed.discarded, 1)
  })

  it('by destroy resolves even if closing fails', async () => {
    const { rig, holder } = await held()
    rig.database.of('reader')[0]!.next('close', new Error('cannot close'))
    await holder.destroy()
    await rig.settle()
    assert.equal(rig.stats.reader.closed.discarded, 1)
  })
})

describe('release of a connection that is not clean', () => {
  //  ms       0                 4,999       5,000
  //           released dirty    resetting   closed, and another is opened for who waits
  it('whose reset hangs closes it after a limit, so that its place is not lost', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    const [connection] = rig.database.of('reader')
    const resetting = connection!.hold('reset')
    const released = watch(holder.release())
    const waiter = ask(rig, { timeoutMs: 60_000 })
    await rig.advance(RESET_LIMIT_MS - 1)
    assert.deepEqual([rig.stats.reader.resetting, waiter.state], [1, 'pending'])
    await rig.advance(1)
    assert.deepEqual([waiter.state, released.state], ['fulfilled', 'fulfilled'])
    assert.equal(rig.stats.reader.closed.error, 1)
    assert.match(rig.eventsOf('connection.closed')[0]!.error!, /longer than 5000 ms/)
    resetting.resolve(undefined)
    await rig.settle()
    assert.equal(rig.stats.reader.size, 1)
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  it('counts as carelessness an iterator that the pool did not leave open, and no transaction of its own', async () => {
    const rig = await PoolRig.open()
    rig.writer.next('COMMIT', Object.assign(new Error('no'), { code: 'SQLITE_FULL' }))
    rig.writer.next('ROLLBACK', new Error('no'))
    await assert.rejects(rig.pool.transaction((db) => db.run('INSERT')))
    await rig.settle()
    assert.equal(rig.stats.writer.dirtyReleased, 0)
  })
})
