import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandClock } from './hand-clock.ts'

describe('HandClock', () => {
  it('fires what is due, in order of time and then of setting, each at its own time', () => {
    const clock = new HandClock()
    const fired: string[] = []
    const note = (name: string) => () => fired.push(`${name} ${clock.nowMs()}`)
    clock.setTimer(note('late'), 30)
    clock.setTimer(note('first'), 10)
    clock.setTimer(note('second'), 10)
    clock.setTimer(note('never'), 41)
    clock.advance(40)
    assert.deepEqual(fired, ['first 10', 'second 10', 'late 30'])
    assert.equal(clock.nowMs(), 40)
    assert.equal(clock.timerCount, 1)
  })

  it('fires in one turn what a callback sets for within it', () => {
    const clock = new HandClock()
    const firedAtMs: number[] = []
    const tick = (): void => {
      firedAtMs.push(clock.nowMs())
      clock.setTimer(tick, 10)
    }
    clock.setTimer(tick, 10)
    clock.advance(35)
    assert.deepEqual(firedAtMs, [10, 20, 30])
  })

  it('settles promises between two timers when advanced in steps', async () => {
    const clock = new HandClock()
    const order: string[] = []
    clock.setTimer(() => void Promise.resolve().then(() => order.push('promise')), 10)
    clock.setTimer(() => order.push('timer'), 20)
    await clock.advanceInSteps(20)
    assert.deepEqual(order, ['promise', 'timer'])
  })

  it('forgets a cleared timer, and counts the vital ones', () => {
    const clock = new HandClock()
    const timer = clock.setTimer(() => assert.fail(), 10)
    clock.setTimer(() => undefined, 20, { isVital: true })
    assert.deepEqual([clock.timerCount, clock.vitalTimerCount, clock.nextDueMs], [2, 1, 10])
    clock.clearTimer(timer)
    clock.advance(10)
    assert.deepEqual([clock.timerCount, clock.nextDueMs], [1, 20])
  })

  for (const delayMs of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -1]) {
    it(`refuses a timer of ${delayMs} ms, which Node would fire at once`, () => {
      assert.throws(() => new HandClock().setTimer(() => undefined, delayMs), RangeError)
    })
  }
})
