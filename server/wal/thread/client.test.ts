import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { systemClock } from '../../pool/clock.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { fastClock } from '../testing/rig.ts'
import { CheckpointThread } from './client.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

async function open(
  t: Cleanup,
  clock = systemClock,
): Promise<{ thread: CheckpointThread; writer: Database.Database }> {
  const path = tempDatabase(t)
  const writer = new Database(path, { timeout: 0 })
  writer.pragma('journal_mode = wal')
  writer.pragma('wal_autocheckpoint = 0')
  writer.exec('CREATE TABLE entries (body)')
  const thread = new CheckpointThread(path, clock)
  t.after(async () => {
    if (writer.open) writer.close()
    await thread.close()
  })
  await thread.open()
  return { thread, writer }
}

describe('CheckpointThread', () => {
  it('reports journal mode and version when it is open', async (t) => {
    const path = tempDatabase(t)
    const writer = new Database(path)
    t.after(() => writer.close())
    writer.exec('CREATE TABLE entries (body)')
    const thread = new CheckpointThread(path, systemClock)
    const report = await thread.open()
    await thread.close()
    assert.equal(report.journalMode, 'delete')
    assert.match(report.sqliteVersion, /^3\.\d+\.\d+$/)
    assert.equal(thread.isAlive, false)
  })

  it('rejects with the code of SQLite when there is no database, and creates none', async (t) => {
    const path = tempDatabase(t)
    const thread = new CheckpointThread(path, systemClock)
    await assert.rejects(thread.open(), { code: 'SQLITE_CANTOPEN' })
    await thread.close()
    assert.throws(() => new Database(path, { fileMustExist: true }), { code: 'SQLITE_CANTOPEN' })
  })

  it('counts the frames that a pass moved, TRUNCATE included', async (t) => {
    const { thread, writer } = await open(t)
    const fill = (): void => {
      writer.exec('INSERT INTO entries VALUES (randomblob(3000))')
    }
    fill()
    const first = await thread.pass('PASSIVE', 0)
    assert.equal(first.busy, 0)
    assert.equal(first.log, first.checkpointed)
    assert.equal(first.movedFrames, first.log)
    const idle = await thread.pass('PASSIVE', 0)
    assert.equal(idle.movedFrames, 0)
    fill()
    const again = await thread.pass('PASSIVE', 0)
    assert.equal(again.movedFrames, again.log, 'the log had started over')
    const size = again.log!
    fill()
    const truncated = await thread.pass('TRUNCATE', 0)
    assert.deepEqual([truncated.busy, truncated.log, truncated.checkpointed], [0, 0, 0])
    assert.ok(truncated.movedFrames > 0 && truncated.movedFrames <= size + 10)
    assert.ok(truncated.durationMs > 0)
    assert.ok(Math.abs(truncated.startedAtMs - Date.now()) < 60_000)
  })

  it('says who is in the way of a blocking pass: the write lock or a reader', async (t) => {
    const { thread, writer } = await open(t)
    writer.exec('INSERT INTO entries VALUES (1)')
    writer.exec('BEGIN IMMEDIATE')
    const blocked = await thread.pass('RESTART', 20)
    assert.deepEqual([blocked.busy, blocked.isWriterBusy], [1, true])
    writer.exec('ROLLBACK')
    // A reader of a log with nothing pending holds no mark in it and is in nobody's way.
    writer.exec('INSERT INTO entries VALUES (2)')
    writer.exec('BEGIN; SELECT * FROM entries')
    const pinned = await thread.pass('RESTART', 20)
    assert.deepEqual([pinned.busy, pinned.isWriterBusy], [1, false])
    writer.exec('ROLLBACK')
    assert.equal((await thread.pass('RESTART', 20)).busy, 0)
  })

  it('waits for readers as long as the budget says, and not at all for PASSIVE', async (t) => {
    const { thread, writer } = await open(t)
    writer.exec('INSERT INTO entries VALUES (1)')
    writer.exec('BEGIN; SELECT * FROM entries')
    const patient = await thread.pass('TRUNCATE', 300)
    const hasty = await thread.pass('TRUNCATE', 0)
    const passive = await thread.pass('PASSIVE', 300)
    writer.exec('ROLLBACK')
    assert.ok(patient.durationMs >= 250, `waited ${patient.durationMs} ms`)
    assert.ok(hasty.durationMs < 250, `waited ${hasty.durationMs} ms`)
    assert.ok(passive.durationMs < 250, `waited ${passive.durationMs} ms`)
  })

  it('rejects what was asked of a dying thread and starts another one after a wait', async (t) => {
    const clock = fastClock(50)
    const { thread, writer } = await open(t, clock)
    writer.exec('INSERT INTO entries VALUES (1)')
    const answer = assert.rejects(thread.pass('PASSIVE', 0), {
      code: 'DB_WORKER_LOST',
      retryable: true,
    })
    await thread.terminate()
    await answer
    assert.equal(thread.isAlive, false)
    await thread.revive()
    assert.equal(thread.isAlive, false, 'too early')
    await assert.rejects(thread.pass('PASSIVE', 0), { code: 'DB_WORKER_LOST' })
    const lostAtMs = clock.nowMs()
    while (!thread.isAlive) {
      await new Promise((resolve) => setImmediate(resolve))
      await thread.revive()
    }
    assert.ok(clock.nowMs() - lostAtMs >= 300)
    const pass = await thread.pass('PASSIVE', 0)
    assert.equal(pass.log, pass.checkpointed)
  })

  it('closes its connection last, so that SQLite removes the log', async (t) => {
    const { thread, writer } = await open(t)
    writer.exec('INSERT INTO entries VALUES (1)')
    const { name } = writer
    writer.close()
    await thread.close()
    await thread.close()
    assert.equal(statSync(`${name}-wal`, { throwIfNoEntry: false }), undefined)
    assert.equal(statSync(`${name}-shm`, { throwIfNoEntry: false }), undefined)
  })
})
