import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WALRig, fastClock, probes, watching } from './testing/rig.ts'

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
      const rig = new WALRig(t, {
        wal: { probeIntervalMs: 10, resetFrames: 2000, checkpointFrames: 500 },
      })
      await rig.manager.start()
      let resetCount = 0
      let previous = 0
      // The writer's busy timeout is 0: without the gate RESTART would make these commits throw.
      while (resetCount < 3) {
        for (let i = 0; i < 10; i += 1) await rig.write()
        await new Promise((resolve) => setImmediate(resolve))
        const frames = rig.stats.wal.frames!
        if (frames < previous) resetCount += 1
        previous = frames
      }
      const resets = rig.eventsOf('checkpoint').filter((event) => event.mode === 'RESTART')
      assert.ok(resets.length > 0)
      assert.ok(resets.every((event) => event.trigger === 'size'))
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
