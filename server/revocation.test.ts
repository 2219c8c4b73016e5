import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPool, type PoolError } from './index.ts'
import { interruptLibrary } from './sqlite/interrupt/extension.ts'
import { tempDatabase } from './testing/temp-db.ts'
import { until } from './testing/until.ts'

const FOREVER =
  'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n'

const skip = interruptLibrary() === null ? 'the interrupt extension is not built here' : false

describe('a lease that is taken away while SQLite runs for ever', { skip }, () => {
  it('by close() ends with it, and the pool closes', async (t) => {
    const pool = await createPool({ path: tempDatabase(t), size: 2 })
    const asked = pool.all(FOREVER)
    asked.catch(() => undefined)
    await until(() => pool.connections().some(({ isRunning }) => isRunning))
    await pool.close({ timeoutMs: 0 })
    await assert.rejects(asked, { code: 'POOL_CLOSED' })
  })

  it('by the limit of its transaction frees the writer', async (t) => {
    const pool = await createPool({ path: tempDatabase(t), size: 2, transactionTimeoutMs: 100 })
    t.after(() => pool.close())
    await pool.run('CREATE TABLE entry (n INTEGER)')
    await assert.rejects(
      pool.transaction(async (db) => {
        await db.run('INSERT INTO entry VALUES (1)')
        await db.all(FOREVER)
      }),
      (error: PoolError) => error.code === 'TRANSACTION_TIMEOUT' && error.outcome === 'rolled_back',
    )
    await pool.run('INSERT INTO entry VALUES (2)')
    assert.deepEqual(await pool.all('SELECT n FROM entry'), [{ n: 2 }])
  })
})
