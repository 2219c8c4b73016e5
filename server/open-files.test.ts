import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { describe, it } from 'node:test'
import { createPool, type PoolError } from './index.ts'
import { tempDatabase } from './testing/temp-db.ts'

describe('a database file', () => {
  it('has one pool in a process, whatever the path is called', async (t) => {
    const path = tempDatabase(t)
    const pool = await createPool({ path, size: 2, name: 'first' })
    t.after(() => pool.close())
    const link = `${path}-link`
    symlinkSync(path, link)
    for (const other of [path, link, path.replace('/database', '/./database')]) {
      await assert.rejects(createPool({ path: other, size: 2 }), (error: PoolError) => {
        assert.equal(error.code, 'POOL_ALREADY_OPEN')
        assert.match(error.message, /"first"/)
        return true
      })
    }
    assert.deepEqual(await pool.get('SELECT 1 AS x'), { x: 1 })
  })

  it('is free again when its pool is closed', async (t) => {
    const path = tempDatabase(t)
    for (let i = 0; i < 2; i += 1) {
      const pool = await createPool({ path, size: 2 })
      await pool.close()
    }
  })

  it('has one of two pools that are opened at the same time', async (t) => {
    const path = tempDatabase(t)
    const opened = await Promise.allSettled([0, 1].map(() => createPool({ path, size: 1 })))
    const pools = opened.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
    assert.equal(pools.length, 1)
    await pools[0]!.close()
  })
})

describe('a database in memory', () => {
  for (const execution of ['thread', 'inline'] as const) {
    it(`has one connection that reads and writes (${execution})`, async () => {
      const pool = await createPool({ path: ':memory:', execution })
      assert.equal(pool.stats().max, 1)
      await pool.run('CREATE TABLE entry (id INTEGER PRIMARY KEY, n INTEGER)')
      await pool.transaction((db) => db.run('INSERT INTO entry (n) VALUES (7)'))
      await pool.withConnection((db) => db.exec('PRAGMA foreign_keys = OFF'))
      assert.deepEqual(await pool.all('SELECT * FROM entry'), [{ id: 1, n: 7 }])
      assert.deepEqual(await pool.get('PRAGMA foreign_keys'), { foreign_keys: 1 })
      const other = await createPool({ path: ':memory:', execution })
      await assert.rejects(other.get('SELECT * FROM entry'), /no such table/)
      await Promise.all([pool.close(), other.close()])
    })
  }

  it('refuses to be resized or evicted, which would lose it', async () => {
    const pool = await createPool({ path: ':memory:' })
    pool.resize(1)
    const refused = { code: 'POOL_INVALID_OPTION' }
    assert.throws(() => pool.resize(2), refused)
    assert.throws(() => pool.evictAll(), refused)
    await pool.close()
  })

  it('has no log to checkpoint', async () => {
    const pool = await createPool({ path: ':memory:' })
    await assert.rejects(pool.wal.checkpoint('PASSIVE'), { code: 'WAL_NOT_ENABLED' })
    await pool.close()
  })

  it('refuses what would give each connection a database of its own, or lose it', async () => {
    for (const options of [{ size: 2 }, { maxLifetimeMs: 1000 }]) {
      await assert.rejects(createPool({ path: ':memory:', ...options }), {
        code: 'POOL_INVALID_OPTION',
      })
    }
  })
})
