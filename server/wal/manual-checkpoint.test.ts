import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CheckpointMode } from '../../telemetry/stats.ts'
import { WALRig, fastClock, manual, watching } from './testing/rig.ts'

describe('WALManager.checkpoint', () => {
  const modes: [CheckpointMode, outcome: string, isEmptied: boolean, gates: number][] = [
    ['PASSIVE', 'complete', false, 0],
    ['FULL', 'complete', false, 1],
    ['RESTART', 'complete_reset', false, 1],
    ['TRUNCATE', 'complete_reset', true, 1],
  ]
  for (const [mode, outcome, isEmptied, gates] of modes) {
    it(`${mode} copies every frame → ${outcome}`, async (t) => {
      const rig = new WALRig(t, { wal: manual })
      await rig.manager.start()
      rig.commit(200)
      const { frames, sizeBytes } = await rig.manager.getWALInfo()
      const result = await rig.manager.checkpoint(mode)
      assert.equal(result.mode, mode)
      assert.equal(result.busy, 0)
      assert.equal(result.outcome, outcome)
      assert.equal(result.movedFrames, frames)
      assert.deepEqual([result.log, result.checkpointed], isEmptied ? [0, 0] : [frames, frames])
      assert.ok(result.durationMs > 0)
      assert.equal(result.sizeBeforeBytes, sizeBytes)
      assert.equal(result.sizeAfterBytes, isEmptied ? 0 : sizeBytes)
      assert.equal(rig.sizeOf('-wal'), result.sizeAfterBytes)
      assert.equal(rig.gateCount, gates)
      assert.deepEqual(result.blockedBy, [])
    })
  }

  it('counts itself once and makes one event', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(100)
    const result = await rig.manager.checkpoint('RESTART')
    const { checkpoint } = rig.stats
    assert.equal(checkpoint.completed, 1)
    assert.equal(checkpoint.framesMoved, result.movedFrames)
    assert.equal(checkpoint.durationMs.count, 1)
    assert.equal(checkpoint.lastCompleteAtMs, result.startedAtMs + result.durationMs)
    assert.equal(rig.events.length, 1)
    assert.deepEqual(rig.events[0], rig.manager.lastCheckpoint)
    assert.equal(rig.manager.lastCheckpoint?.trigger, 'manual')
  })

  it('says noop when asked for with nothing to do', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    await rig.manager.checkpoint('TRUNCATE')
    const result = await rig.manager.checkpoint('TRUNCATE')
    assert.equal(result.outcome, 'noop')
    assert.equal(result.movedFrames, 0)
    assert.equal(rig.eventsOf('checkpoint').length, 2)
  })

  it('refuses every other word, and moves nothing', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(10)
    for (const word of ['BANANA', 'NOOP', '']) {
      await assert.rejects(rig.manager.checkpoint(word as CheckpointMode), {
        code: 'WAL_INVALID_MODE',
      })
    }
    assert.equal((await rig.manager.getWALInfo()).backfilledFrames, 0)
  })

  it('stops at a pinned reader and names its lease, PASSIVE not being busy', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(50)
    const pin = rig.pin()
    rig.commit(50)
    const result = await rig.manager.checkpoint('PASSIVE')
    assert.equal(result.busy, 0)
    assert.equal(result.outcome, 'partial_reader')
    assert.ok(result.checkpointed! < result.log!)
    assert.deepEqual(result.blockedBy, [pin.holder])
    assert.equal(rig.stats.checkpoint.incomplete, 1)
    assert.equal(rig.stats.checkpoint.lastCompleteAtMs, null)
  })

  it('does not name a lease that began after the checkpoint', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(50)
    rig.pin()
    rig.leases.reader.push({ ...rig.leases.reader[0]!, leaseId: 8, heldMs: 0 })
    rig.commit(50)
    const { blockedBy } = await rig.manager.checkpoint('PASSIVE')
    assert.deepEqual(
      blockedBy.map((holder) => holder.leaseId),
      [7],
    )
  })

  for (const mode of ['FULL', 'RESTART', 'TRUNCATE'] as const) {
    it(`${mode} behind a pinned reader comes back busy within its budget, as a result`, async (t) => {
      const rig = new WALRig(t, { wal: manual })
      await rig.manager.start()
      rig.commit(50)
      const pin = rig.pin()
      rig.commit(50)
      const result = await rig.manager.checkpoint(mode, { budgetMs: 200 })
      assert.equal(result.busy, 1)
      assert.equal(result.outcome, 'partial_reader')
      assert.deepEqual(result.blockedBy, [pin.holder])
      assert.ok(result.durationMs >= 150, `it waited ${result.durationMs} ms`)
      pin.release()
      assert.equal((await rig.manager.checkpoint(mode)).busy, 0)
    })
  }

  it('is busy, and does not throw, when the gate does not open', async (t) => {
    const refusal = Object.assign(new Error('no writer'), { code: 'POOL_ACQUIRE_TIMEOUT' })
    const rig = new WALRig(t, { wal: manual, gate: () => Promise.reject(refusal) })
    await rig.manager.start()
    rig.leases.writer.push({
      connectionId: 1,
      leaseId: 3,
      heldMs: 9,
      label: 'an import',
      sql: null,
      trace: null,
    })
    rig.commit(10)
    const result = await rig.manager.checkpoint('TRUNCATE')
    assert.equal(result.busy, 1)
    assert.equal(result.mode, 'TRUNCATE')
    assert.equal(result.outcome, 'busy_writer')
    assert.equal(result.errorCode, 'POOL_ACQUIRE_TIMEOUT')
    assert.equal(result.blockedBy[0]?.label, 'an import')
    assert.ok(result.movedFrames > 0, 'the PASSIVE before it did its part')
    assert.equal(rig.stats.checkpoint.incomplete, 1)
  })

  it('is busy when a writer outside the gate holds the write lock', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(10)
    rig.writer.exec('BEGIN IMMEDIATE')
    const result = await rig.manager.checkpoint('RESTART', { budgetMs: 50 })
    rig.writer.exec('ROLLBACK')
    assert.equal(result.busy, 1)
    assert.equal(result.outcome, 'busy_writer')
  })

  it('runs requests one after the other', async (t) => {
    const rig = new WALRig(t, { wal: manual })
    await rig.manager.start()
    rig.commit(300)
    const asked = ['PASSIVE', 'TRUNCATE', 'RESTART', 'FULL', 'PASSIVE'] as const
    const results = await Promise.all(asked.map((mode) => rig.manager.checkpoint(mode)))
    assert.deepEqual(
      results.map((result) => result.mode),
      asked,
    )
    assert.deepEqual(
      results.map((result) => result.busy),
      [0, 0, 0, 0, 0],
    )
    for (const [i, next] of results.slice(1).entries()) {
      const previous = results[i]!
      assert.ok(next.startedAtMs >= previous.startedAtMs + previous.durationMs)
    }
  })

  it('frees the gate when the thread dies behind it, and works again later', async (t) => {
    let isHeld = false
    const rig: WALRig = new WALRig(t, {
      wal: { ...watching, checkpointer: 'pool' },
      clock: fastClock(10),
      gate: async (fn) => {
        isHeld = true
        try {
          const dying = rig.thread.terminate()
          const done = await fn()
          await dying
          return done
        } finally {
          isHeld = false
        }
      },
    })
    await rig.manager.start()
    rig.commit(10)
    const result = await rig.manager.checkpoint('RESTART')
    assert.equal(result.outcome, 'error')
    assert.equal(result.errorCode, 'DB_WORKER_LOST')
    assert.equal(isHeld, false)
    assert.equal(rig.stats.checkpoint.failed, 1)
    rig.commit(10)
    while (!rig.thread.isAlive) await new Promise((resolve) => setImmediate(resolve))
    const later = await rig.manager.checkpoint('PASSIVE')
    assert.equal(later.outcome, 'complete')
  })

  it('is refused before start and after close', async (t) => {
    const rig = new WALRig(t)
    await assert.rejects(rig.manager.checkpoint(), { code: 'WAL_CLOSED' })
    await rig.manager.start()
    await rig.manager.close()
    await assert.rejects(rig.manager.checkpoint(), { code: 'WAL_CLOSED' })
  })

  it('is refused without a log: rollback journal, or memory', async (t) => {
    const rig = new WALRig(t, { journalMode: 'delete' })
    await rig.manager.start()
    await assert.rejects(rig.manager.checkpoint(), { code: 'WAL_NOT_ENABLED', message: /delete/ })
    const info = await rig.manager.getWALInfo()
    assert.deepEqual([info.journalMode, info.frames, info.pendingFrames], ['delete', null, null])
    assert.equal(await rig.manager.finalCheckpoint(), null)
  })

  it('leaves blocking modes to an external checkpointer', async (t) => {
    const rig = new WALRig(t, { wal: { checkpointer: 'external' } })
    await rig.manager.start()
    rig.commit(10)
    for (const mode of ['FULL', 'RESTART', 'TRUNCATE'] as const) {
      await assert.rejects(rig.manager.checkpoint(mode), { code: 'WAL_EXTERNAL_CHECKPOINTER' })
    }
    assert.equal((await rig.manager.checkpoint('PASSIVE')).outcome, 'complete')
    assert.equal(await rig.manager.finalCheckpoint(), null)
    rig.manager.startAutoCheckpoint(10)
    assert.equal((await rig.manager.getWALInfo()).intervalMs, null)
  })
})
