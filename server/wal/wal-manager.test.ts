import assert from 'node:assert/strict'
import { unlinkSync } from 'node:fs'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { WALRig, fastClock, manual, probes, watching } from './testing/rig.ts'

describe('WALManager.getWALInfo', () => {
  it('never checkpoints, however often it is asked under writes', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    const before = rig.sizeOf('')
    for (let i = 0; i < 1000; i += 1) {
      rig.commit(1)
      const info = await rig.manager.getWALInfo()
      assert.equal(info.backfilledFrames, 0)
      assert.equal(info.pendingFrames, info.frames)
    }
    const info = await rig.manager.getWALInfo()
    assert.ok(info.frames! > 1000)
    assert.equal(info.sizeBytes, 32 + info.frames! * (info.pageSizeBytes! + 24))
    assert.equal(rig.sizeOf(''), before)
    assert.equal(info.lastCheckpoint, null)
    assert.equal(rig.stats.checkpoint.completed, 0)
    assert.deepEqual(rig.eventsOf('checkpoint'), [])
  })

  it('tells what is known: mode, sizes, last checkpoint', async (t) => {
    const rig = new WALRig(t, { wal: { ...watching, checkpointIntervalMs: 60_000 } })
    await rig.manager.start()
    rig.commit(3)
    await rig.manager.checkpoint('PASSIVE')
    const info = await rig.manager.getWALInfo()
    assert.equal(info.journalMode, 'wal')
    assert.equal(info.pendingFrames, 0)
    assert.equal(info.databaseSizeBytes, rig.sizeOf(''))
    assert.equal(info.intervalMs, 60_000)
    assert.equal(info.isStarved, false)
    assert.equal(info.lastCheckpoint, rig.manager.lastCheckpoint)
    assert.equal(info.lastCheckpoint?.mode, 'PASSIVE')
    assert.equal(info.lastCompleteAtMs, rig.stats.checkpoint.lastCompleteAtMs)
  })
})

describe('WALManager.abandon', () => {
  it('copies nothing any more, neither by itself nor by hand', async (t) => {
    const rig = new WALRig(t, { wal: { probeIntervalMs: 10, checkpointFrames: 10 } })
    await rig.manager.start()
    rig.manager.abandon()
    rig.manager.startAutoCheckpoint(10)
    rig.commit(50)
    await probes(rig, 20)
    await assert.rejects(rig.manager.checkpoint(), { code: 'WAL_CLOSED' })
    assert.deepEqual(rig.eventsOf('checkpoint'), [])
    assert.equal((await rig.manager.getWALInfo()).backfilledFrames, 0)
  })

  it('ends a checkpoint that is under way before its next pass', async (t) => {
    const rig: WALRig = new WALRig(t, {
      wal: manual,
      gate: async (fn) => {
        rig.manager.abandon()
        rig.commit(50)
        return fn()
      },
    })
    await rig.manager.start()
    const { outcome, errorCode, passes } = await rig.manager.checkpoint('TRUNCATE')
    assert.deepEqual([outcome, errorCode], ['error', 'WAL_CLOSED'])
    assert.ok(passes.every(({ mode }) => mode === 'PASSIVE'))
    const { pendingFrames } = await rig.manager.getWALInfo()
    assert.ok(pendingFrames! >= 50, `${pendingFrames} are pending`)
  })

  it('opens no other connection in place of one whose thread has died', async (t) => {
    const clock = fastClock(50)
    const rig = new WALRig(t, { wal: { ...manual, probeIntervalMs: 500 }, clock })
    await rig.manager.start()
    rig.manager.abandon()
    await rig.thread.terminate()
    // The first wait for another thread is 500 ms.
    await probes(rig, 3)
    assert.equal(rig.thread.isAlive, false)
  })
})

describe('WALManager.close', () => {
  it('leaves no log and no thread after finalCheckpoint, writer, close', async (t) => {
    const rig = new WALRig(t, { wal: { probeIntervalMs: 10 } })
    await rig.manager.start()
    rig.commit(500)
    const final = await rig.manager.finalCheckpoint()
    assert.equal(final?.trigger, 'shutdown')
    assert.equal(final?.outcome, 'complete_reset')
    assert.equal(rig.gateCount, 0, 'there is no pool left to ask')
    assert.equal(rig.sizeOf('-wal'), 0)
    rig.closeConnections()
    await rig.manager.close()
    assert.equal(rig.sizeOf('-wal'), null)
    assert.equal(rig.sizeOf('-shm'), null)
    assert.equal(rig.thread.isAlive, false)
    const check = new Database(rig.path, { readonly: true })
    assert.equal(check.pragma('integrity_check', { simple: true }), 'ok')
    assert.equal(check.prepare('SELECT count(*) FROM entries').pluck().get(), 500)
    check.close()
  })

  it('leaves the log as it is when it is told to', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(5)
    const [log, database] = [rig.sizeOf('-wal'), rig.sizeOf('')]
    rig.closeConnections()
    await rig.manager.close('leave')
    assert.deepEqual([rig.sizeOf('-wal'), rig.sizeOf('')], [log, database])
  })

  it('copies what is pending and leaves the log when it is told to', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(5)
    const [log, database] = [rig.sizeOf('-wal'), rig.sizeOf('')]
    rig.closeConnections()
    await rig.manager.close('copy')
    assert.equal(rig.sizeOf('-wal'), log)
    assert.ok(rig.sizeOf('')! > database!)
  })

  it('waits for the checkpoints in hand', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(500)
    const running = rig.manager.checkpoint('PASSIVE')
    await rig.manager.close()
    assert.equal((await running).outcome, 'complete')
    await rig.manager.close()
  })

  it('bounds the final checkpoint when someone still reads', { timeout: 10_000 }, async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(10)
    rig.pin()
    rig.commit(10)
    const final = await rig.manager.finalCheckpoint()
    assert.equal(final?.busy, 1)
    assert.ok(final.durationMs < 3000)
  })

  it('says why it cannot start, and leaves nothing behind', async (t) => {
    const rig = new WALRig(t)
    rig.closeConnections()
    unlinkSync(rig.path)
    await assert.rejects(rig.manager.start(), { code: 'SQLITE_CANTOPEN' })
    assert.equal(rig.thread.isAlive, false)
    assert.equal(rig.sizeOf(''), null)
  })
})
