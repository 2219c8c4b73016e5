import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { Lease } from './lease.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const failed = (code: string): Error => Object.assign(new Error(code), { code })

describe('Pool.transaction', () => {
  it('runs fn between BEGIN IMMEDIATE and COMMIT on the writer', async () => {
    const rig = await PoolRig.open()
    const result = await rig.pool.transaction(async (db) => {
      await db.run('INSERT')
      return 7
    })
    assert.equal(result, 7)
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT', 'COMMIT'])
    assert.equal(rig.stats.writer.dirtyReleased, 0)
  })

  it('commits what fn has asked for without awaiting it', async () => {
    const rig = await PoolRig.open()
    await rig.pool.transaction((db) => void db.run('INSERT'))
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT', 'COMMIT'])
  })

  it('reports no success before COMMIT has answered', async () => {
    const rig = await PoolRig.open()
    const commit = rig.writer.hold('COMMIT')
    const done = watch(rig.pool.transaction((db) => db.run('INSERT')))
    await rig.settle()
    assert.equal(done.state, 'pending')
    commit.resolve(undefined)
    await rig.settle()
    assert.equal(done.state, 'fulfilled')
  })

  it('rolls back when fn throws, and its error wins', async () => {
    const rig = await PoolRig.open()
    const error = new Error('mine')
    await assert.rejects(
      rig.pool.transaction(() => {
        throw error
      }),
      error,
    )
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'ROLLBACK'])
    assert.equal(rig.stats.writer.idle, 1)
  })

  //  where it fails        what the caller gets        what becomes of the connection
  const begin = 'BEGIN IMMEDIATE'
  const codes = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_CONSTRAINT', 'SQLITE_ERROR']
  const points = [
    { at: begin, calls: [begin], isReplaced: false },
    { at: 'INSERT', calls: [begin, 'INSERT', 'ROLLBACK'], isReplaced: false },
    { at: 'COMMIT', calls: [begin, 'INSERT', 'COMMIT', 'ROLLBACK', 'close'], isReplaced: true },
    { at: 'ROLLBACK', calls: [begin, 'INSERT', 'ROLLBACK', 'close'], isReplaced: true },
  ]
  for (const code of codes) {
    for (const point of points) {
      const { at } = point
      it(`${code} at ${at}: the caller hears it, and the next one gets a clean connection`, async () => {
        // A constraint that refuses the COMMIT says nothing about the connection.
        const isHarmless = code === 'SQLITE_CONSTRAINT' && at === 'COMMIT'
        const isReplaced = point.isReplaced && !isHarmless
        const rig = await PoolRig.open()
        const { writer } = rig
        const mine = new Error('mine')
        const failure = failed(code)
        writer.next(at, failure)
        const call = rig.pool.transaction(async (db) => {
          await db.run('INSERT')
          if (at === 'ROLLBACK') throw mine
        })
        await assert.rejects(call, at === 'ROLLBACK' ? mine : failure)
        assert.deepEqual(writer.calls, isHarmless ? point.calls.slice(0, -1) : point.calls)
        await rig.settle()
        assert.equal(writer.isClosed, isReplaced)
        assert.equal(rig.stats.writer.closed.discarded, isReplaced ? 1 : 0)
        await rig.pool.transaction((db) => db.run('INSERT'))
        assert.equal(rig.writer.inTransaction, false)
      })
    }
  }

  it('whose ROLLBACK fails after its COMMIT did costs the connection once', async () => {
    const rig = await PoolRig.open()
    const { writer } = rig
    const failure = failed('SQLITE_FULL')
    writer.next('COMMIT', failure).next('ROLLBACK', failed('SQLITE_IOERR'))
    await assert.rejects(
      rig.pool.transaction((db) => db.run('INSERT')),
      failure,
    )
    assert.deepEqual(writer.calls.slice(-3), ['COMMIT', 'ROLLBACK', 'close'])
    assert.equal(rig.stats.writer.closed.discarded, 1)
  })

  it('whose COMMIT failed and has rolled back costs the connection, and no ROLLBACK is sent', async () => {
    const rig = await PoolRig.open()
    const { writer } = rig
    const failure = failed('SQLITE_FULL')
    const held = writer.hold('COMMIT')
    const call = watch(rig.pool.transaction((db) => db.run('INSERT')))
    await rig.settle()
    writer.inTransaction = false
    held.reject(failure)
    await rig.settle()
    assert.equal(call.error, failure)
    assert.deepEqual(writer.calls.slice(-2), ['COMMIT', 'close'])
  })

  it('does not roll back what SQLite has rolled back by itself', async () => {
    const rig = await PoolRig.open()
    const { writer } = rig
    writer.next('INSERT', failed('SQLITE_FULL'))
    await assert.rejects(
      rig.pool.transaction(async (db) => {
        try {
          await db.run('INSERT')
        } finally {
          writer.inTransaction = false
        }
      }),
      { code: 'SQLITE_FULL' },
    )
    assert.deepEqual(writer.calls, ['BEGIN IMMEDIATE', 'INSERT'])
    assert.equal(rig.stats.writer.idle, 1)
  })

  it('reports no success when fn has released the lease', async () => {
    const rig = await PoolRig.open()
    await assert.rejects(
      rig.pool.transaction((db) => db.release()),
      { code: 'LEASE_RELEASED' },
    )
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'reset'])
    assert.equal(rig.stats.writer.idle, 1)
  })

  for (const asks of [true, false]) {
    it(`rejects when the connection is lost in its middle, ${asks ? 'at its next statement' : 'at COMMIT'}, and the next one works`, async () => {
      const rig = await PoolRig.open()
      const call = watch(
        rig.pool.transaction(async (db) => {
          rig.writer.lose()
          if (asks) await db.run('INSERT')
        }),
      )
      await rig.settle()
      assert.match((call.error as Error).message, /the thread ended/)
      await rig.advance(50)
      await rig.pool.transaction((db) => db.run('INSERT'))
    })
  }

  it('write is the same', async () => {
    const rig = await PoolRig.open()
    await rig.pool.write((db) => db.run('INSERT'), { mode: 'read' })
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT', 'COMMIT'])
  })
})

describe('a script in a transaction', () => {
  const scripts: readonly { name: string; send: (db: Lease) => Promise<unknown> }[] = [
    { name: 'exec', send: (db) => db.exec('INSERT; COMMIT') },
    { name: 'batch', send: (db) => db.batch([{ sql: 'INSERT' }, { sql: 'COMMIT' }]) },
  ]
  for (const { name, send } of scripts) {
    it(`is not sent when a later statement of it would end the transaction (${name})`, async () => {
      const rig = await PoolRig.open()
      await rig.pool.transaction(async (db) => {
        await assert.rejects(send(db), { code: 'TRANSACTION_CONTROL', outcome: 'not_started' })
      })
      assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'COMMIT'])
    })
  }
})

describe('Pool.read', () => {
  it('pins its snapshot on a reader before fn runs, whatever mode says', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.read((db) => db.all('SELECT'), { mode: 'write' })
    assert.deepEqual(rig.database.of('reader')[0]!.calls, [
      'BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1',
      'SELECT',
      'COMMIT',
    ])
  })

  it('ends the snapshot when fn throws', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await assert.rejects(
      rig.pool.read(() => Promise.reject(new Error('mine'))),
      /mine/,
    )
    const [reader] = rig.database.of('reader')
    assert.equal(reader?.calls.at(-1), 'ROLLBACK')
    assert.equal(reader.inTransaction, false)
  })
})
