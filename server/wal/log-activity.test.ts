import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogActivity } from './log-activity.ts'

describe('LogActivity', () => {
  it('dates the oldest frame that is still pending', () => {
    const activity = new LogActivity()
    activity.observe(10, 0, 1000)
    activity.observe(20, 0, 2000)
    activity.observe(20, 0, 3000)
    assert.equal(activity.oldestPendingMs(5000), 4000)
    activity.observe(20, 10, 5000)
    assert.equal(activity.oldestPendingMs(5000), 3000)
    activity.observe(20, 20, 6000)
    assert.equal(activity.oldestPendingMs(9000), 0)
  })

  it('forgets the frames of a log that started over', () => {
    const activity = new LogActivity()
    activity.observe(10, 5, 1000)
    activity.observe(12, 0, 8000)
    assert.equal(activity.oldestPendingMs(9000), 1000)
  })

  it('keeps the oldest time while marks pile up behind a pin', () => {
    const activity = new LogActivity()
    for (let i = 1; i <= 5000; i += 1) activity.observe(i, 0, i * 250)
    assert.equal(activity.oldestPendingMs(5000 * 250), 4999 * 250)
    activity.observe(5000, 4999, 5000 * 250)
    assert.ok(activity.oldestPendingMs(5000 * 250) < 5000 * 25)
  })

  it('is quiet from the end of a load, and during a trickle', () => {
    const activity = new LogActivity()
    assert.equal(activity.quietMs(0), Infinity)
    activity.observe(1000, 0, 1000)
    activity.observe(1016, 0, 1250)
    activity.observe(1016, 1016, 1500)
    activity.observe(3, 0, 1750)
    assert.equal(activity.quietMs(2000), 1000)
    activity.observe(20, 0, 2000)
    assert.equal(activity.quietMs(2000), 0)
  })
})
