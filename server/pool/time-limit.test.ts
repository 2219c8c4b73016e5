import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandClock, settled } from '../testing/hand-clock.ts'
import { watch } from '../testing/watched.ts'
import { isDoneWithin } from './time-limit.ts'

const DAY_MS = 24 * 60 * 60 * 1000

describe('isDoneWithin', () => {
  it('says yes when the work was done in time, and leaves no timer', async () => {
    const clock = new HandClock()
    const work = Promise.withResolvers<void>()
    const done = watch(isDoneWithin(clock, 100, work.promise))
    await clock.advanceInSteps(99)
    assert.deepEqual([done.state, clock.vitalTimerCount], ['pending', 1])
    work.resolve()
    await settled()
    assert.deepEqual([done.value, clock.timerCount], [true, 0])
  })

  it('says no at the limit, and hears nothing of what comes later', async () => {
    const clock = new HandClock()
    const work = Promise.withResolvers<void>()
    const done = watch(isDoneWithin(clock, 100, work.promise))
    await clock.advanceInSteps(100)
    assert.deepEqual([done.value, clock.timerCount], [false, 0])
    work.reject(new Error('too late'))
    await settled()
  })

  it('rejects as the work does, in time, and leaves no timer', async () => {
    const clock = new HandClock()
    const error = new Error('no')
    await assert.rejects(isDoneWithin(clock, 100, Promise.reject(error)), error)
    assert.equal(clock.timerCount, 0)
  })

  it('with a limit of 0 takes what is done already', async () => {
    const clock = new HandClock()
    assert.equal(await isDoneWithin(clock, 0, Promise.resolve()), true)
    const never = watch(isDoneWithin(clock, 0, new Promise(() => undefined)))
    await clock.advanceInSteps(0)
    assert.equal(never.value, false)
  })

  // A longer timer of Node fires after 1 ms.
  it('without a limit waits as long as a timer can', async () => {
    const clock = new HandClock()
    const endless = watch(isDoneWithin(clock, Number.POSITIVE_INFINITY, new Promise(() => {})))
    await clock.advanceInSteps(24 * DAY_MS)
    assert.equal(endless.state, 'pending')
  })
})
