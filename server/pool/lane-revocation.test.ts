import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ONE_READER, held } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import { PoolError } from './errors.ts'
import { Lease } from './lease.ts'

describe('a lease that is revoked', () => {
  const reason = new PoolError('LEASE_REVOKED', 'taken back')
  const revoke = (lease: Lease): void => {
    const hold = Lease.holdOf(lease)!
    hold.host.revoke(hold, reason)
  }

  it('gives its connection back, clean, and refuses everything with the reason', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    revoke(holder)
    revoke(holder)
    await rig.settle()
    await assert.rejects(holder.all('SELECT'), reason)
    await assert.rejects(holder.release(), reason)
    assert.deepEqual(
      [rig.stats.reader.revoked, rig.stats.reader.doubleReleased, rig.stats.reader.idle],
      [1, 0, 1],
    )
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['BEGIN', 'reset'])
  })

  it('stops what runs, tells its caller at once, and is a zombie until it ends', async () => {
    const { rig, holder } = await held()
    const [connection] = rig.database.of('reader')
    connection!.hold('SELECT slow')
    const { signal } = new AbortController()
    const running = watch(holder.all('SELECT slow', [], { signal }))
    await rig.settle()
    revoke(holder)
    await rig.settle()
    assert.equal(running.error, reason)
    assert.deepEqual(connection!.cancelled, ['SELECT slow'])
    assert.equal(rig.stats.reader.zombie, 1)
  })

  it('ends the scope that it was given to', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const scope = watch(
      rig.pool.withConnection((db) => {
        revoke(db)
        return new Promise<never>(() => undefined)
      }),
    )
    await rig.settle()
    assert.equal(scope.error, reason)
    assert.equal(rig.stats.reader.idle, 1)
  })

  it('that was released has no watch over its age any more', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const timerCount = rig.clock.timerCount
    const snapshot = await rig.pool.snapshot({ maxAgeMs: 1000 })
    assert.equal(rig.clock.timerCount, timerCount + 1)
    await snapshot.release()
    await rig.settle()
    assert.equal(rig.clock.timerCount, timerCount)
  })

  it('stops the watch over its transaction', async () => {
    const rig = await PoolRig.open({ ...ONE_READER, transactionTimeoutMs: 1000 })
    const scope = watch(
      rig.pool.transaction((db) => {
        revoke(db)
        return new Promise<never>(() => undefined)
      }),
    )
    await rig.settle()
    assert.equal(scope.error, reason)
    await rig.advance(5000)
    assert.equal(rig.stats.writer.revoked, 1)
  })
})
