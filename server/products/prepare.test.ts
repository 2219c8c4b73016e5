import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import type { ConnectionPool } from '../connection-pool.ts'
import { tempDatabase } from '../testing/temp-db.ts'
import { prepareProducts } from './prepare.ts'
import { APPLICATION_ID, SCHEMA_VERSION } from './schema.ts'
import { SEED_PRODUCT_COUNT, seedProducts } from './seed.ts'
import { executions, openPool } from './testing/open-pool.ts'

const nothing = { migrationCount: 0, seededCount: 0 }
const everything = { migrationCount: SCHEMA_VERSION, seededCount: SEED_PRODUCT_COUNT }

async function countOf(pool: ConnectionPool, table: 'product' | 'category'): Promise<unknown> {
  return (await pool.get(`SELECT count(*) AS count FROM ${table}`))?.['count']
}

for (const execution of executions) {
  describe(`prepareProducts, ${execution}`, () => {
    it('fills a new database with the bundled shop, and does nothing at the second start', async (t) => {
      const pool = await openPool(t, { execution })
      assert.deepEqual(await prepareProducts(pool), everything)
      assert.equal(await countOf(pool, 'product'), SEED_PRODUCT_COUNT)
      assert.equal(await countOf(pool, 'category'), 24)
      const stored = await pool.all(
        `SELECT id, name, description, category, price_cents AS priceCents, stock, created_at_ms AS createdAtMs
         FROM product ORDER BY id LIMIT 100`,
      )
      assert.deepEqual(stored, seedProducts(100))
      assert.deepEqual(await prepareProducts(pool), nothing)
      assert.deepEqual(await pool.get('PRAGMA integrity_check'), { integrity_check: 'ok' })
      assert.deepEqual(await pool.all('PRAGMA foreign_key_check'), [])
    })

    it('needs no writer when there is nothing to do', async (t) => {
      const pool = await openPool(t, { execution })
      await prepareProducts(pool)
      await using writer = await pool.acquire({ mode: 'write' })
      assert.deepEqual(await prepareProducts(pool), nothing)
      assert.equal(writer.isReleased, false)
    })

    it('works on a pool of one connection', async (t) => {
      const pool = await openPool(t, { execution, size: 1 })
      assert.deepEqual(await prepareProducts(pool), everything)
    })
  })
}

describe('prepareProducts', () => {
  it('is done once when two ask at the same time', async (t) => {
    const pool = await openPool(t)
    const done = await Promise.all([prepareProducts(pool), prepareProducts(pool)])
    assert.deepEqual(
      done.toSorted((a, b) => a.seededCount - b.seededCount),
      [nothing, everything],
    )
    assert.equal(await countOf(pool, 'product'), SEED_PRODUCT_COUNT)
  })

  it('leaves nothing behind when it is killed half-way, and begins again at the next start', async (t) => {
    const path = tempDatabase(t)
    const child = spawnSync(process.execPath, [
      '--input-type=module',
      '--eval',
      killedHalfWay(path),
    ])
    assert.equal(child.signal, 'SIGKILL', child.stderr.toString())
    const pool = await openPool(t, { path })
    assert.deepEqual(await pool.all('SELECT name FROM sqlite_schema'), [])
    assert.deepEqual(await prepareProducts(pool), everything)
  })

  it('leaves an emptied shop empty', async (t) => {
    const pool = await openPool(t)
    await prepareProducts(pool)
    await pool.run('DELETE FROM product')
    assert.deepEqual(await prepareProducts(pool), nothing)
    assert.equal(await countOf(pool, 'product'), 0)
  })

  const refusals = [
    {
      name: 'a database of something else',
      sql: 'CREATE TABLE diary (text); INSERT INTO diary VALUES (1)',
      code: 'DATABASE_FOREIGN',
    },
    {
      name: 'a database with a product table of its own',
      sql: 'CREATE TABLE product (sku TEXT); INSERT INTO product VALUES (1)',
      code: 'DATABASE_FOREIGN',
    },
    {
      name: 'an empty database with the mark of another program',
      sql: 'PRAGMA application_id = 7',
      code: 'DATABASE_FOREIGN',
    },
    {
      name: 'an unmarked database with a version',
      sql: `PRAGMA user_version = ${SCHEMA_VERSION}`,
      code: 'DATABASE_FOREIGN',
    },
    {
      name: 'a database of a later version',
      sql: `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION + 1}`,
      code: 'DATABASE_NEWER',
    },
  ]
  for (const { name, sql, code } of refusals) {
    it(`refuses ${name} and changes nothing`, async (t) => {
      const pool = await openPool(t)
      await pool.withConnection((db) => db.exec(sql), { mode: 'write' })
      const contents = (): Promise<unknown> =>
        pool.all(
          'SELECT name, sql, (SELECT user_version FROM pragma_user_version) AS v FROM sqlite_schema',
        )
      const before = await contents()
      await assert.rejects(prepareProducts(pool), { name: 'ProductError', code })
      assert.deepEqual(await contents(), before)
    })
  }
})

/** A program that dies by SIGKILL in the middle of the seed, with thousands of rows already inserted. */
function killedHalfWay(path: string): string {
  const url = (relative: string): string => JSON.stringify(new URL(relative, import.meta.url).href)
  return `
    import { ConnectionPool } from ${url('../connection-pool.ts')}
    import { Lease } from ${url('../pool/lease.ts')}
    import { prepareProducts } from ${url('./prepare.ts')}
    const { run } = Lease.prototype
    let batchCount = 0
    Lease.prototype.run = async function (sql, args) {
      const result = await run.call(this, sql, args)
      if (sql.includes('json_each') && (batchCount += 1) === 5) process.kill(process.pid, 'SIGKILL')
      return result
    }
    const pool = new ConnectionPool({ path: ${JSON.stringify(path)}, size: 2, cacheSizeBytes: 0 })
    await pool.open()
    await prepareProducts(pool)`
}
