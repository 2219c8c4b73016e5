import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ConnectionPool } from '../../connection-pool.ts'
import { createPool } from '../../create-pool.ts'
import type { PoolOptions } from '../../pool/options.ts'
import { Random } from '../../random.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { dump, type Dump } from './testing/dump.ts'
import { LimitedPool, LOW_LIMITS } from './testing/limited-pool.ts'
import { runWorkload } from './testing/workload.ts'

const STEPS = 150

const seed = Number(process.env['CRASH_SEED'] ?? 20_261_125)

async function outcome(
  t: TestContext,
  open: (options: PoolOptions) => Promise<ConnectionPool>,
  checkpointer: NonNullable<PoolOptions['checkpointer']>,
): Promise<Dump> {
  const path = tempDatabase(t)
  const pool = await open({ path, checkpointer, size: 3 })
  t.after(() => pool.close({ timeoutMs: 0 }))
  await runWorkload(pool, new Random(seed), STEPS)
  await pool.close()
  return dump(path)
}

describe('the same work', () => {
  it(`leaves the same database whoever checkpoints (seed ${seed})`, async (t) => {
    const counts = new Map<string, number>()
    const limited = async (options: PoolOptions): Promise<ConnectionPool> => {
      const pool = new LimitedPool(options, LOW_LIMITS, {
        checkpoint: ({ mode, trigger }) => {
          const name = trigger === 'shutdown' ? 'at the end' : mode
          counts.set(name, (counts.get(name) ?? 0) + 1)
        },
      })
      await pool.open()
      return pool
    }
    const pools = await outcome(t, limited, 'pool')
    const sqlites = await outcome(t, createPool, 'sqlite')
    const nobodys = await outcome(t, createPool, 'external')
    const rows = Object.values(pools.tables).map(({ rowCount }) => rowCount)
    t.diagnostic(
      `rows ${rows.join(' + ')}; ${[...counts].map((pair) => pair.join(' ')).join(', ')}`,
    )
    // A pool that never checkpointed would prove nothing.
    assert.ok((counts.get('PASSIVE') ?? 0) >= 5 && (counts.get('RESTART') ?? 0) >= 2)
    assert.ok(rows.every((count) => count > 0))
    assert.equal(pools.integrity, 'ok')
    assert.deepEqual(sqlites, pools)
    assert.deepEqual(nobodys, pools)
  })
})
