import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandClock } from '../testing/hand-clock.ts'
import { AlarmClock } from './alarm-clock.ts'

const DAY_MS = 24 * 60 * 60 * 1000

function rig(): { clock: HandClock; rings: number[]; alarm: AlarmClock } {
  const clock = new HandClock()
  const rings: number[] = []
  return { clock, rings, alarm: new AlarmClock(clock, () => rings.push(clock.nowMs())) }
}

describe('AlarmClock', () => {
  it('rings once, at the earliest deadline that it was told', () => {
    const { clock, rings, alarm } = rig()
    for (const deadlineMs of [300, 100, 200]) alarm.ringBy(deadlineMs)
    assert.equal(clock.timerCount, 1)
    clock.advance(1000)
    assert.deepEqual(rings, [100])
    assert.equal(clock.timerCount, 0)
  })

  it('can be set again from its own ring', () => {
    const clock = new HandClock()
    const rings: number[] = []
    const alarm: AlarmClock = new AlarmClock(clock, () => {
      rings.push(clock.nowMs())
      if (rings.length < 3) alarm.ringBy(clock.nowMs() + 50)
    })
    alarm.ringBy(50)
    clock.advance(1000)
    assert.deepEqual(rings, [50, 100, 150])
  })

  it('does not ring early for a fraction of a millisecond', () => {
    const { clock, rings, alarm } = rig()
    alarm.ringBy(10.4)
    clock.advance(10.4)
    assert.deepEqual(rings, [])
    clock.advance(0.6)
    assert.deepEqual(rings, [11])
  })

  it('rings at once for a deadline that has passed', () => {
    const { clock, rings, alarm } = rig()
    clock.advance(100)
    alarm.ringBy(50)
    clock.advance(0)
    assert.deepEqual(rings, [100])
  })

  it('does not ring after stop, and can be set again', () => {
    const { clock, rings, alarm } = rig()
    alarm.ringBy(100)
    alarm.stop()
    assert.equal(clock.timerCount, 0)
    alarm.ringBy(200)
    clock.advance(300)
    assert.deepEqual(rings, [200])
  })

  const distant = [
    { name: 'a deadline beyond the longest timer', deadlineMs: 60 * DAY_MS },
    { name: 'no deadline at all', deadlineMs: Number.POSITIVE_INFINITY },
  ]
  for (const { name, deadlineMs } of distant) {
    it(`keeps the process alive for ${name}, and rings in vain before it`, () => {
      const { clock, rings, alarm } = rig()
      alarm.ringBy(deadlineMs)
      assert.equal(clock.vitalTimerCount, 1)
      clock.advance(DAY_MS)
      assert.deepEqual(rings, [])
      clock.advance(29 * DAY_MS)
      assert.equal(rings.length, 1)
    })
  }

  it('gives way to a real deadline when it was set without one', () => {
    const { clock, rings, alarm } = rig()
    alarm.ringBy(Number.POSITIVE_INFINITY)
    alarm.ringBy(100)
    assert.equal(clock.timerCount, 1)
    clock.advance(100)
    assert.deepEqual(rings, [100])
  })
})
