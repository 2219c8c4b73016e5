import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'

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
  const codes = ['SQLITE_BUSY', 'SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_CONSTRAINT', 'SQLITE_ERROR']
  const points = [
    { at: 'BEGIN IMMEDIATE', calls: ['BEGIN IMMEDIATE'], isReplaced: false },
    { at: 'INSERT', calls: ['BEGIN IMMEDIATE', 'INSERT', 'ROLLBACK'], isReplaced: false },
    { at: 'COMMIT', calls: ['BEGIN IMMEDIATE', 'INSERT', 'COMMIT', 'ROLLBACK'], isReplaced: false },
    { at: 'ROLLBACK', calls: ['BEGIN IMMEDIATE', 'INSERT', 'ROLLBACK', 'close'], isReplaced: true },
  ]
  for (const code of codes) {
    for (const { at, calls, isReplaced } of points) {
      it(`${code} at ${at}: the caller hears it, and the next one gets a clean connection`, async () => {
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
        assert.deepEqual(writer.calls, calls)
        await rig.settle()
        assert.equal(writer.isClosed, isReplaced)
        assert.equal(rig.stats.writer.closed.discarded, isReplaced ? 1 : 0)
        await rig.pool.transaction((db) => db.run('INSERT'))
        assert.equal(rig.writer.inTransaction, false)
      })
    }
  }

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

  it('reports no success when fn hides that SQLite has rolled back', async () => {
    const rig = await PoolRig.open()
    const { writer } = rig
    writer.next('INSERT OR ROLLBACK', failed('SQLITE_CONSTRAINT'))
    writer.next('COMMIT', failed('SQLITE_ERROR'))
    const call = rig.pool.transaction(async (db) => {
      await db.run('INSERT OR ROLLBACK').catch(() => undefined)
      writer.inTransaction = false
    })
    await assert.rejects(call, { code: 'SQLITE_ERROR' })
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

  it('rejects when the connection is lost in its middle, and the next one works', async () => {
    const rig = await PoolRig.open()
    const call = watch(
      rig.pool.transaction(async (db) => {
        rig.writer.lose()
        await db.run('INSERT')
      }),
    )
    await rig.settle()
    assert.match((call.error as Error).message, /the thread ended/)
    await rig.advance(50)
    await rig.pool.transaction((db) => db.run('INSERT'))
  })

  it('write is the same', async () => {
    const rig = await PoolRig.open()
    await rig.pool.write((db) => db.run('INSERT'), { mode: 'read' })
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT', 'COMMIT'])
  })
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
