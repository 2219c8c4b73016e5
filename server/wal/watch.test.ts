import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import { PoolStats } from '../../telemetry/stats.ts'
import { tempDatabase } from '../testing/temp-db.ts'
import { WALWatch, type WALWatchParts } from './watch.ts'

interface Rig {
  readonly database: Database.Database
  readonly stats: PoolStats
  readonly watch: WALWatch
  commit(count: number): void
  look(): ReturnType<WALWatch['look']>
}

function open(t: TestContext, rest: Partial<WALWatchParts> = {}): Rig {
  const path = tempDatabase(t)
  const database = new Database(path)
  database.pragma('journal_mode = wal')
  database.pragma('wal_autocheckpoint = 0')
  database.exec('CREATE TABLE page (id INTEGER PRIMARY KEY, body BLOB)')
  const insert = database.prepare('INSERT INTO page (body) VALUES (randomblob(3000))')
  const stats = new PoolStats({
    name: 'rig',
    namespace: 'rig.sqlite',
    maxWaiters: 1,
    readers: { min: 0, max: 1 },
  })
  const watch = new WALWatch({
    path,
    stats,
    snapshots: () => [],
    isExternal: false,
    isSqlites: false,
    ...rest,
  })
  watch.open()
  t.after(() => {
    watch.close()
    database.close()
  })
  let nowMs = 0
  return {
    database,
    stats,
    watch,
    commit: (count) => {
      for (let i = 0; i < count; i += 1) insert.run()
    },
    look: () => watch.look(1_000_000 + (nowMs += 250), nowMs),
  }
}

const checkpoint = (database: Database.Database, mode: string): void =>
  void database.pragma(`wal_checkpoint(${mode})`)

describe('WALWatch', () => {
  it('counts how often the log starts over', async (t) => {
    const rig = open(t)
    rig.commit(20)
    await rig.look()
    for (const mode of ['RESTART', 'TRUNCATE']) {
      checkpoint(rig.database, mode)
      rig.commit(2)
      await rig.look()
    }
    assert.equal(rig.stats.wal.resets, 2)
  })

  it('counts what somebody else copies back, and not its own passes', async (t) => {
    const rig = open(t)
    rig.commit(5)
    await rig.look()
    checkpoint(rig.database, 'PASSIVE')
    await rig.look()
    assert.equal(rig.stats.wal.externalCheckpoints, 1)
    rig.commit(5)
    rig.watch.passBegan()
    await rig.look()
    checkpoint(rig.database, 'PASSIVE')
    rig.watch.passEnded()
    await rig.look()
    assert.equal(rig.stats.wal.externalCheckpoints, 1)
  })

  it('does not count what SQLite copies back inside commits, where it is to', async (t) => {
    const rig = open(t, { isSqlites: true })
    rig.commit(5)
    await rig.look()
    checkpoint(rig.database, 'PASSIVE')
    await rig.look()
    assert.equal(rig.stats.wal.externalCheckpoints, 0)
  })

  it('knows what the disk has left after everything is copied back', async (t) => {
    const rig = open(t)
    rig.commit(3000)
    await rig.look()
    const before = rig.stats.wal.headroomBytes!
    assert.ok(before > 0 && before < rig.watch.diskBytes!)
    // The database file has yet to grow by all of it, and other programs use the disk as well.
    checkpoint(rig.database, 'PASSIVE')
    await rig.look()
    const grownBytes = rig.stats.wal.databaseSizeBytes! - 4096
    assert.ok(grownBytes > 3000 * 3000)
    assert.ok(Math.abs(rig.stats.wal.headroomBytes! - before) < grownBytes)
  })

  it('sees whoever reads, also outside of the pool', async (t) => {
    const rig = open(t)
    rig.commit(5)
    const reader = new Database(rig.database.name, { readonly: true })
    t.after(() => reader.close())
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM page').get()
    rig.commit(5)
    await rig.look()
    const sight = await rig.look()
    if (process.platform !== 'linux') return
    assert.equal(sight.longestHeldMs, 250)
    assert.equal(rig.stats.wal.pin?.holder.kind, 'unknown')
    assert.equal(rig.stats.wal.pin.holder.pid, process.pid)
    assert.ok(rig.stats.wal.pin.lagFrames! >= 5)
    reader.exec('COMMIT')
    assert.equal((await rig.look()).pin, null)
  })
})
