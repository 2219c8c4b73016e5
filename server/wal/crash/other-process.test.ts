import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createPool, type ConnectionPool } from '../../index.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { startChild, type Child } from './testing/child.ts'
import type { OutsiderWish } from './testing/outsider.ts'

async function ask(child: Child, wish: OutsiderWish): Promise<string> {
  child.say(wish)
  return child.heard('did')
}

async function openPool(t: TestContext, path: string): Promise<ConnectionPool> {
  const pool = await createPool({ path, size: 2 })
  t.after(() => pool.close({ timeoutMs: 0 }))
  await pool.run('CREATE TABLE entry (id INTEGER)')
  return pool
}

describe('a process with a pool, and one that it has started', () => {
  for (const [how, end] of [
    ['has closed the file', async (child: Child) => assert.equal(await ask(child, 'close'), 'ok')],
    ['was killed', (child: Child) => child.kill()],
  ] as const) {
    it(`keeps its locks when the other ${how}`, async (t) => {
      const path = tempDatabase(t)
      const pool = await openPool(t, path)
      const watcher = startChild(t, 'outsider.ts', path)
      assert.equal(await ask(watcher, 'lock'), 'ok')
      await pool.transaction(async (db) => {
        await db.run('INSERT INTO entry VALUES (1)')
        const child = startChild(t, 'outsider.ts', path)
        assert.equal(await ask(child, 'read'), 'ok')
        assert.equal(await ask(child, 'lock'), 'SQLITE_BUSY')
        await end(child)
        assert.equal(await ask(watcher, 'lock'), 'SQLITE_BUSY')
      })
      assert.equal(await ask(watcher, 'write'), 'ok')
      assert.deepEqual(await pool.all('SELECT id FROM entry'), [{ id: 1 }, { id: 7 }])
    })
  }

  it('goes on with the same log when the other was killed in a transaction', async (t) => {
    const path = tempDatabase(t)
    const pool = await openPool(t, path)
    await pool.run('INSERT INTO entry VALUES (1)')
    const child = startChild(t, 'outsider.ts', path)
    assert.equal(await ask(child, 'write'), 'ok')
    assert.equal(await ask(child, 'begin'), 'ok')
    await child.kill()
    await pool.run('INSERT INTO entry VALUES (2)')
    assert.equal((await pool.wal.checkpoint('TRUNCATE')).busy, 0)
    assert.deepEqual(await pool.all('SELECT id FROM entry'), [{ id: 1 }, { id: 7 }, { id: 2 }])
    assert.equal(pool.state, 'ready')
  })
})
