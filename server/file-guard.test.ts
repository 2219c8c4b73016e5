import assert from 'node:assert/strict'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
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
  { name: 'moved with its folder', happens: (path) => moveFolder(path) },
  { name: 'left without its log', happens: (path) => rmSync(`${path}-wal`) },
  { name: 'left without the index of its log', happens: (path) => rmSync(`${path}-shm`) },
  {
    name: 'given another log',
    happens: (path) => {
      writeFileSync(`${path}.new`, '')
      renameSync(`${path}.new`, `${path}-wal`)
    },
  },
]

/** What it was called before is gone, and its new name is known to nobody who would remove it. */
function moveFolder(path: string): void {
  const folder = dirname(path)
  renameSync(folder, `${folder}.moved`)
}

async function openPool(t: TestContext, path: string): Promise<ConnectionPool> {
  const pool = await createPool({ path, size: 3 })
  t.after(async () => {
    await pool.close({ timeoutMs: 0 }).catch(() => undefined)
    rmSync(`${dirname(path)}.moved`, { recursive: true, force: true })
  })
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

  it('emptied, rewritten and opened anew by itself goes on', async (t) => {
    const pool = await openPool(t, tempDatabase(t))
    for (const mode of ['TRUNCATE', 'RESTART', 'PASSIVE'] as const) {
      await pool.run('INSERT INTO entry VALUES (1)')
      assert.equal((await pool.wal.checkpoint(mode)).busy, 0)
      await pool.barrier((db) => db.exec('VACUUM'))
      // Before every opening the guard looks.
      pool.evictAll()
      await pool.run('INSERT INTO entry VALUES (2)')
      await pool.get('SELECT count(*) FROM entry')
    }
    assert.equal(pool.state, 'ready')
  })

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

  it('knows the log and its index from when they first appear', async (t) => {
    for (const suffix of ['-wal', '-shm']) {
      const path = tempDatabase(t)
      writeFileSync(path, '')
      const clock = new HandClock()
      const told: PoolError[] = []
      const guard = new FileGuard({ path, clock, onReplaced: (reason) => told.push(reason) })
      await guard.start()
      await guard.assertSame()
      writeFileSync(path + suffix, '')
      await guard.assertSame()
      rmSync(path + suffix)
      clock.advance(LOOK_INTERVAL_MS)
      await until(() => told.length === 1)
      assert.match(told[0]!.message, new RegExp(`database.sqlite${suffix}$`))
      await assert.rejects(guard.assertSame(), isReplaced)
    }
  })

  it('says how the log must be left, by the files of now', async (t) => {
    const path = tempDatabase(t)
    const guard = new FileGuard({ path, clock: new HandClock(), onReplaced: () => undefined })
    t.after(() => guard.stop())
    assert.equal(await guard.ending(), 'complete')
    for (const suffix of ['', '-wal', '-shm']) writeFileSync(path + suffix, 'content')
    await guard.start()
    assert.equal(await guard.ending(), 'complete')
    rmSync(`${path}-wal`)
    assert.equal(await guard.ending(), 'copy')
    writeFileSync(`${path}.new`, '')
    renameSync(`${path}.new`, `${path}-wal`)
    assert.equal(await guard.ending(), 'copy')
    writeFileSync(`${path}-wal`, 'commits of somebody')
    assert.equal(await guard.ending(), 'leave')
  })

  it('does not trust a file that was away', async (t) => {
    const path = tempDatabase(t)
    for (const suffix of ['', '-wal', '-shm']) writeFileSync(path + suffix, 'content')
    const guard = new FileGuard({ path, clock: new HandClock(), onReplaced: () => undefined })
    await guard.start()
    renameSync(`${path}-shm`, `${path}.away`)
    await assert.rejects(guard.assertSame(), isReplaced)
    renameSync(`${path}.away`, `${path}-shm`)
    assert.equal(await guard.ending(), 'leave')
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
