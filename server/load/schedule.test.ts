import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Schedule } from './schedule.ts'
import { HandClock, settled } from '../testing/hand-clock.ts'

function setUp(options: { durationMs: number; requestsPerSecond: number | null }) {
  const clock = new HandClock()
  return { clock, schedule: new Schedule({ clock, ...options }) }
}

/** Takes starts, each followed by work of `workMs`, and writes down intended and real start. */
async function takeStarts(
  { clock, schedule }: ReturnType<typeof setUp>,
  workMs: (index: number) => number,
): Promise<[intended: number, real: number][]> {
  const starts: [number, number][] = []
  for (;;) {
    const intendedAtMs = await schedule.next()
    if (intendedAtMs === null) return starts
    starts.push([intendedAtMs, clock.nowMs()])
    const ms = workMs(starts.length - 1)
    if (ms > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, ms))
  }
}

describe('a schedule with a rate', () => {
  it('spaces the starts evenly', async () => {
    const rig = setUp({ durationMs: 500, requestsPerSecond: 10 })
    const starts = takeStarts(rig, () => 0)
    await rig.clock.advanceInSteps(500)
    assert.deepEqual(await starts, [
      [0, 0],
      [100, 100],
      [200, 200],
      [300, 300],
      [400, 400],
    ])
    assert.equal(rig.schedule.unsentCount, 0)
  })

  //  a stall of 350 ms: the three requests that it held back keep the starts they should have had
  it('keeps the intended start of a request that a stall held back', async () => {
    const rig = setUp({ durationMs: 500, requestsPerSecond: 10 })
    const starts = takeStarts(rig, (index) => (index === 0 ? 350 : 0))
    await rig.clock.advanceInSteps(500)
    assert.deepEqual(await starts, [
      [0, 0],
      [100, 350],
      [200, 350],
      [300, 350],
      [400, 400],
    ])
  })

  it('counts what was due and never sent', async () => {
    const rig = setUp({ durationMs: 500, requestsPerSecond: 10 })
    const starts = takeStarts(rig, () => 450)
    await rig.clock.advanceInSteps(1000)
    assert.deepEqual(await starts, [
      [0, 0],
      [100, 450],
    ])
    assert.equal(rig.schedule.unsentCount, 3)
  })

  it('gives each start to one of several callers', async () => {
    const rig = setUp({ durationMs: 400, requestsPerSecond: 10 })
    const all = Promise.all([1, 2, 3].map(() => takeStarts(rig, () => 150)))
    await rig.clock.advanceInSteps(1000)
    const starts = (await all).flat().sort(([a], [b]) => a - b)
    assert.deepEqual(starts, [
      [0, 0],
      [100, 100],
      [200, 200],
      [300, 300],
    ])
    assert.equal(rig.clock.timerCount, 0)
  })

  it('ends at once when it is stopped, with nothing left to wake up', async () => {
    const rig = setUp({ durationMs: 60_000, requestsPerSecond: 1 })
    const all = Promise.all([1, 2, 3].map(() => takeStarts(rig, () => 0)))
    await rig.clock.advanceInSteps(1500)
    rig.schedule.stop()
    assert.deepEqual((await all).flat().length, 2)
    assert.equal(rig.clock.timerCount, 0)
    assert.equal(rig.schedule.elapsedMs, 1500)
    await rig.clock.advanceInSteps(5000)
    assert.equal(rig.schedule.elapsedMs, 1500)
    assert.equal(rig.schedule.unsentCount, 0)
  })
})

describe('a schedule without a rate', () => {
  it('starts the next request when asked, and nothing is ever late', async () => {
    const rig = setUp({ durationMs: 500, requestsPerSecond: null })
    const starts = takeStarts(rig, () => 200)
    await rig.clock.advanceInSteps(1000)
    assert.deepEqual(await starts, [
      [0, 0],
      [200, 200],
      [400, 400],
    ])
    assert.equal(rig.schedule.unsentCount, 0)
    assert.equal(rig.schedule.elapsedMs, 500)
  })

  it('wakes whoever pauses when the time is up, or when it is stopped', async () => {
    for (const end of ['time', 'stop'] as const) {
      const { clock, schedule } = setUp({ durationMs: 500, requestsPerSecond: null })
      let isAwake = false
      const pause = schedule.sleep(10_000).then(() => (isAwake = true))
      await settled()
      assert.ok(!isAwake)
      if (end === 'stop') schedule.stop()
      else await clock.advanceInSteps(500)
      await pause
      assert.ok(schedule.isOver)
      assert.equal(await schedule.next(), null)
      await schedule.sleep(1)
      assert.equal(clock.timerCount, 0)
    }
  })
})
