import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import { createPool, type ConnectionPool, type PoolError } from './index.ts'
import { FileGuard, LOOK_INTERVAL_MS } from './file-guard.ts'
import { HandClock } from './testing/hand-clock.ts'
import { tempDatabase } from './testing/temp-db.ts'
import { until } from './testing/until.ts'

/** As an operator would do it: nothing in this process opens the file. */
const accidents: readonly { name: string; happens: (path: string) => void }[] = [
  { name: 'deleted', happens: (path) => rmSync(path) },
  { name: 'renamed', happens: (path) => renameSync(path, `${path}.old`) },
  {
    name: 'replaced',
    happens: (path) => {
      writeFileSync(`${path}.new`, '')
      renameSync(`${path}.new`, path)
    },
  },
]

async function openPool(t: TestContext, path: string): Promise<ConnectionPool> {
  const pool = await createPool({ path, size: 3 })
  t.after(() => pool.close({ timeoutMs: 0 }).catch(() => undefined))
  await pool.run('CREATE TABLE entry (id INTEGER)')
  return pool
}

const isReplaced = (error: PoolError): boolean => error.code === 'DB_REPLACED'

describe('a pool whose file was', () => {
  for (const { name, happens } of accidents) {
    it(`${name} fails closed: no write is acknowledged any more`, async (t) => {
      const path = tempDatabase(t)
      const pool = await openPool(t, path)
      const lease = await pool.acquire({ mode: 'write' })
      const waiting = pool.run('INSERT INTO entry VALUES (1)')
      waiting.catch(() => undefined)
      happens(path)
      await until(() => pool.state === 'failed')
      await assert.rejects(lease.run('INSERT INTO entry VALUES (2)'), isReplaced)
      await assert.rejects(waiting, isReplaced)
      await assert.rejects(pool.run('INSERT INTO entry VALUES (3)'), isReplaced)
      await assert.rejects(
        pool.read(() => 1),
        isReplaced,
      )
      assert.equal(pool.tryAcquire(), null)
      await pool.close()
      assert.equal(pool.state, 'closed')
    })
  }

  it('left alone goes on', async (t) => {
    const clock = new HandClock()
    const path = tempDatabase(t)
    writeFileSync(path, '')
    const guard = new FileGuard({ path, clock, onReplaced: () => assert.fail('it is the same') })
    await guard.start()
    for (let i = 0; i < 3; i += 1) {
      await until(() => clock.timerCount === 1)
      clock.advance(LOOK_INTERVAL_MS)
    }
    await guard.assertSame()
    guard.stop()
    await until(() => clock.timerCount === 0)
  })
})

describe('FileGuard', () => {
  it('begins with a file that is there', async (t) => {
    const guard = new FileGuard({
      path: tempDatabase(t),
      clock: new HandClock(),
      onReplaced: () => undefined,
    })
    await assert.rejects(guard.start(), isReplaced)
  })

  it('tells once, whoever notices first', async (t) => {
    const path = tempDatabase(t)
    writeFileSync(path, '')
    const told: PoolError[] = []
    const clock = new HandClock()
    const guard = new FileGuard({ path, clock, onReplaced: (reason) => told.push(reason) })
    await guard.start()
    rmSync(path)
    await assert.rejects(guard.assertSame(), isReplaced)
    await assert.rejects(guard.assertSame(), isReplaced)
    assert.equal(told.length, 1)
    assert.equal(clock.timerCount, 0)
  })

  it('takes a path that cannot be looked at for no other file', async (t) => {
    const path = tempDatabase(t)
    writeFileSync(path, '')
    const clock = new HandClock()
    const guard = new FileGuard({
      path,
      clock,
      onReplaced: () => assert.fail('it may be the same'),
    })
    await guard.start()
    // A file where its folder was: ENOTDIR, which says nothing about the database.
    const folder = path.slice(0, path.lastIndexOf('/'))
    renameSync(folder, `${folder}.old`)
    t.after(() => rmSync(`${folder}.old`, { recursive: true }))
    writeFileSync(folder, '')
    await guard.assertSame()
    guard.stop()
  })
})
