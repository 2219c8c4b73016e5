import assert from 'node:assert/strict'
import { unlinkSync } from 'node:fs'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import type { CheckpointMode } from '../../telemetry/stats.ts'
import { WALRig, fastClock } from './testing/rig.ts'

const manual = { checkpointer: 'sqlite' } as const
/** Probes often, and nothing becomes due by itself. */
const watching = { probeIntervalMs: 20, checkpointFrames: 1_000_000, checkpointAgeMs: 0 } as const

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
})

describe('WALManager, by itself', () => {
  it('brings 5,000 commits down to an empty file', { timeout: 30_000 }, async (t) => {
    const rig = new WALRig(t, { wal: { probeIntervalMs: 20 } })
    await rig.manager.start()
    for (let i = 0; i < 50; i += 1) {
      rig.commit(100)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await rig.event('checkpoint', (event) => event.trigger === 'frames')
    const last = await rig.event('checkpoint', (event) => event.mode === 'TRUNCATE')
    assert.equal(last.outcome, 'complete_reset')
    assert.equal(last.sizeAfterBytes, 0)
    assert.equal(rig.sizeOf('-wal'), 0)
    const { frames, pendingFrames } = await rig.manager.getWALInfo()
    assert.deepEqual([frames, pendingFrames], [0, 0])
  })

  it(
    'starts a long log over under steady writes, which never meet a busy database',
    { timeout: 60_000 },
    async (t) => {
      const resetFrames = 2000
      const rig = new WALRig(t, {
        wal: { probeIntervalMs: 10, resetFrames, checkpointFrames: 500 },
      })
      await rig.manager.start()
      let resetCount = 0
      let previous = 0
      let highest = 0
      // The writer's busy timeout is 0: without the gate RESTART would make these commits throw.
      while (resetCount < 3) {
        for (let i = 0; i < 10; i += 1) await rig.write()
        await new Promise((resolve) => setImmediate(resolve))
        const frames = rig.stats.wal.frames!
        if (frames < previous) resetCount += 1
        previous = frames
        highest = Math.max(highest, frames)
      }
      const resets = rig.eventsOf('checkpoint').filter((event) => event.mode === 'RESTART')
      assert.ok(resets.length > 0)
      assert.ok(resets.every((event) => event.trigger === 'size'))
      assert.ok(highest < 4 * resetFrames, `the log grew to ${highest} frames`)
    },
  )

  it(
    'checkpoints on the interval, on age, and not after stopAutoCheckpoint',
    { timeout: 30_000 },
    async (t) => {
      const rig = new WALRig(t, { wal: { ...watching, checkpointIntervalMs: 100 } })
      await rig.manager.start()
      rig.commit(5)
      const first = await rig.event('checkpoint')
      assert.equal(first.trigger, 'interval')
      assert.equal(first.outcome === 'complete' || first.outcome === 'complete_reset', true)
      rig.manager.stopAutoCheckpoint()
      assert.equal((await rig.manager.getWALInfo()).intervalMs, null)
      const countBefore = rig.events.length
      rig.commit(5)
      await probes(rig, 15)
      assert.equal(rig.events.length, countBefore)
      rig.manager.startAutoCheckpoint(50)
      await rig.event('checkpoint', (event) => event !== first)
    },
  )

  it('copies what is older than checkpointAgeMs', { timeout: 30_000 }, async (t) => {
    const rig = new WALRig(t, { wal: { ...watching, checkpointAgeMs: 200 } })
    await rig.manager.start()
    rig.commit(2)
    const event = await rig.event('checkpoint')
    assert.equal(event.trigger, 'age')
    assert.equal(event.movedFrames > 0, true)
  })

  it('makes no event while nothing happens', async (t) => {
    const rig = new WALRig(t, { wal: { probeIntervalMs: 10, checkpointIntervalMs: 20 } })
    await rig.manager.start()
    await rig.manager.checkpoint('TRUNCATE')
    await probes(rig, 20)
    assert.equal(rig.events.length, 1)
    assert.equal(rig.stats.checkpoint.completed, 1)
  })

  it(
    'reports starvation once with the oldest holder, and its end once',
    { timeout: 30_000 },
    async (t) => {
      const rig = new WALRig(t, { wal: { checkpointFrames: 100 }, clock: fastClock(10) })
      await rig.manager.start()
      rig.commit(50)
      const pin = rig.pin()
      rig.commit(200)
      const began = await rig.event('starvation')
      assert.equal(began.isStarved, true)
      assert.ok(began.pendingFrames > 100)
      assert.equal(began.pin?.holder.kind, 'lease')
      assert.equal(began.pin.holder.lease?.leaseId, pin.holder.leaseId)
      assert.equal((await rig.manager.getWALInfo()).isStarved, true)
      // It stays starved for a while, and that is only told again when it has lasted twice as long.
      await probes(rig, 20)
      const begins = rig.eventsOf('starvation').filter(({ isRepeated }) => !isRepeated)
      assert.equal(begins.length, 1)
      const blocked = rig.eventsOf('checkpoint').at(-1)
      assert.equal(blocked?.outcome, 'partial_reader')
      assert.deepEqual(blocked?.blockedBy, [pin.holder])

      pin.release()
      const ended = await rig.event('starvation', (event) => !event.isStarved)
      assert.ok(ended.pendingFrames <= 100)
      await probes(rig, 10)
      const changes = rig.eventsOf('starvation').filter(({ isRepeated }) => !isRepeated)
      assert.deepEqual(
        changes.map(({ isStarved }) => isStarved),
        [true, false],
      )
      assert.equal(rig.stats.checkpoint.lastCompleteAtMs !== null, true)
    },
  )

  it(
    'does not try again at every probe while a reader pins the log',
    { timeout: 30_000 },
    async (t) => {
      const rig = new WALRig(t, { wal: { checkpointFrames: 10 }, clock: fastClock(20) })
      await rig.manager.start()
      const pin = rig.pin()
      rig.commit(50)
      await probes(rig, 60)
      const tries = rig.eventsOf('checkpoint').length
      assert.ok(tries >= 2 && tries <= 12, `${tries} tries in 60 probes`)
      pin.release()
      await rig.event('checkpoint', (event) => event.outcome === 'complete')
    },
  )
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

/** Waits until the manager has looked `count` times. */
async function probes(rig: WALRig, count: number): Promise<void> {
  const seen = new Set<number | null>()
  while (seen.size <= count) {
    seen.add(rig.stats.wal.probedAtMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
