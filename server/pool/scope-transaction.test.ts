import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ONE_READER } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { lettered } from '../testing/savepoint-letters.ts'
import { sqliteError } from '../testing/sqlite-error.ts'
import { watch } from '../testing/watched.ts'
import type { Lease } from './lease.ts'

const SIZE_ONE = { readers: { min: 0, max: 0 } }
const SNAPSHOT = 'BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1'

describe('a transaction inside another', () => {
  it('is a savepoint, kept by RELEASE', async () => {
    const rig = await PoolRig.open()
    const result = await rig.pool.transaction((db) =>
      db.transaction(async (nested) => {
        assert.equal(nested, db, 'it is the same lease')
        await nested.run('INSERT')
        return 7
      }),
    )
    assert.equal(result, 7)
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN IMMEDIATE',
      'SAVEPOINT a',
      'INSERT',
      'RELEASE a',
      'COMMIT',
    ])
    assert.match(rig.writer.calls[1]!, /^SAVEPOINT glasspool_\d+$/)
  })

  it('is undone by ROLLBACK TO and RELEASE, and its error is the caller’s to keep or pass on', async () => {
    for (const isPassedOn of [true, false]) {
      const rig = await PoolRig.open()
      const mine = new Error('mine')
      const call = watch(
        rig.pool.transaction(async (db) => {
          const nested = db.transaction(() => Promise.reject(mine))
          await (isPassedOn ? nested : nested.catch(() => undefined))
        }),
      )
      await rig.settle()
      if (isPassedOn) assert.equal(call.error, mine)
      else assert.equal(call.state, 'fulfilled')
      assert.deepEqual(lettered(rig.writer.calls), [
        'BEGIN IMMEDIATE',
        'SAVEPOINT a',
        'ROLLBACK TO a; RELEASE a',
        isPassedOn ? 'ROLLBACK' : 'COMMIT',
      ])
    }
  })

  //  asked for        first …        second …
  //  on the stack     SAVEPOINT a, RELEASE a, SAVEPOINT b, RELEASE b
  it('waits for those asked for before in the same place, whichever way it is asked', async () => {
    const rig = await PoolRig.open()
    await rig.pool.transaction(async (db) => {
      await Promise.allSettled([
        db.transaction(async (nested) => {
          await nested.run('INSERT 1')
          await nested.transaction((inner) => inner.run('INSERT 2'))
        }),
        rig.pool.transaction(() => Promise.reject(new Error('mine'))),
        db.transaction((nested) => nested.run('INSERT 3')),
      ])
    })
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN IMMEDIATE',
      'SAVEPOINT a',
      'INSERT 1',
      'SAVEPOINT b',
      'INSERT 2',
      'RELEASE b',
      'RELEASE a',
      'SAVEPOINT c',
      'ROLLBACK TO c; RELEASE c',
      'SAVEPOINT d',
      'INSERT 3',
      'RELEASE d',
      'COMMIT',
    ])
  })

  it('that cannot be undone costs the connection, and the error is still its own', async () => {
    const rig = await PoolRig.open()
    const { writer } = rig
    writer.next(/^ROLLBACK TO/, sqliteError('SQLITE_IOERR'))
    const mine = new Error('mine')
    const call = rig.pool.transaction((db) => db.transaction(() => Promise.reject(mine)))
    await assert.rejects(call, mine)
    assert.equal(writer.calls.at(-1), 'close')
    assert.equal(rig.stats.writer.closed.discarded, 1)
  })

  it('of the pool needs a function, and the outer one goes on', async () => {
    const rig = await PoolRig.open()
    await rig.pool.transaction(async () => {
      await assert.rejects(rig.pool.transaction(undefined as never), TypeError)
    })
    assert.equal(rig.writer.calls.at(-1), 'COMMIT')
  })

  it('with a signal that is aborted already does nothing', async () => {
    const rig = await PoolRig.open()
    const reason = new Error('too late')
    await rig.pool.transaction(async () => {
      const options = { signal: AbortSignal.abort(reason) }
      await assert.rejects(
        rig.pool.transaction(() => assert.fail(), options),
        reason,
      )
    })
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'COMMIT'])
  })
})

describe('a transaction of a lease', () => {
  for (const mode of ['write', 'read'] as const) {
    it(`of the ${mode === 'write' ? 'writer' : 'reader'} is one of its own, outside of any scope`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      const lease = await rig.pool.acquire({ mode })
      const connection = mode === 'write' ? rig.writer : rig.database.of('reader')[0]!
      assert.equal(await lease.transaction(() => 7), 7)
      await assert.rejects(
        lease.transaction(() => Promise.reject(new Error('mine'))),
        /mine/,
      )
      assert.equal(lease.inTransaction, false)
      const begin = mode === 'write' ? 'BEGIN IMMEDIATE' : SNAPSHOT
      assert.deepEqual(connection.calls, [begin, 'COMMIT', begin, 'ROLLBACK'])
      await lease.release()
    })
  }

  it('waits for those asked for before, with or without a scope', async () => {
    const rig = await PoolRig.open()
    const expected = [
      'BEGIN IMMEDIATE',
      'INSERT 1',
      'COMMIT',
      'BEGIN IMMEDIATE',
      'INSERT 2',
      'COMMIT',
    ]
    const both = (db: Lease): Promise<unknown> =>
      Promise.all(['INSERT 1', 'INSERT 2'].map((sql) => db.transaction((one) => one.run(sql))))
    const lease = await rig.pool.acquire({ mode: 'write' })
    await both(lease)
    await lease.release()
    assert.deepEqual(rig.writer.calls.splice(0), expected)
    await rig.pool.withConnection(both, { mode: 'write' })
    assert.deepEqual(rig.writer.calls, expected)
  })

  it('is a savepoint of a transaction that the caller has begun', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire({ mode: 'write' })
    await lease.exec('BEGIN')
    await lease.transaction((db) => db.run('INSERT'))
    await lease.exec('COMMIT')
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN',
      'SAVEPOINT a',
      'INSERT',
      'RELEASE a',
      'COMMIT',
    ])
  })

  it('is refused after its release, also when that comes first in line', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire({ mode: 'write' })
    const call = lease.transaction(() => assert.fail('it is not called'))
    await lease.release()
    await assert.rejects(call, { code: 'LEASE_RELEASED' })
    assert.deepEqual(rig.writer.calls, [])
  })
})

describe('Pool.transaction in a scope', () => {
  it('that holds the writer is one on that lease', async () => {
    const rig = await PoolRig.open()
    await rig.pool.withConnection(
      (db) => rig.pool.transaction((inner) => assert.equal(inner, db)),
      { mode: 'write' },
    )
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'COMMIT'])
    assert.equal(rig.stats.writer.acquired, 1)
  })

  it('that reads is one of its own, on the writer', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.read(() => rig.pool.transaction((db) => db.run('INSERT')))
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT', 'COMMIT'])
    assert.deepEqual(rig.database.of('reader')[0]?.calls, [SNAPSHOT, 'COMMIT'])
  })

  it('that reads on the one connection of a pool of size 1 waits for itself, and is told', async () => {
    const rig = await PoolRig.open(SIZE_ONE)
    await rig.pool.read(async () => {
      await assert.rejects(
        rig.pool.transaction(() => undefined),
        { code: 'POOL_DEADLOCK' },
      )
    })
    assert.deepEqual(rig.writer.calls, [SNAPSHOT, 'COMMIT'])
  })

  it('around another finds the writer that the outer one holds', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.transaction((outer) =>
      rig.pool.read(() => rig.pool.transaction((inner) => assert.equal(inner, outer))),
    )
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN IMMEDIATE',
      'SAVEPOINT a',
      'RELEASE a',
      'COMMIT',
    ])
  })

  it('that has released its lease is one of its own', async () => {
    const rig = await PoolRig.open()
    await rig.pool.withConnection(
      async (db) => {
        await db.release()
        await rig.pool.transaction((other) => assert.notEqual(other, db))
      },
      { mode: 'write' },
    )
    assert.equal(rig.stats.writer.acquired, 2)
  })
})
