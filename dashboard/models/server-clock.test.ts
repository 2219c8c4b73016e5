import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ServerClock } from './server-clock.ts'

describe('ServerClock', () => {
  it('takes the median, so that one late answer does not move the axis', () => {
    let nowMs = 10_000
    const clock = new ServerClock(() => nowMs)
    assert.equal(clock.nowMs(), 10_000)
    for (const offsetMs of [300_000, 300_010, 250_000, 299_990, 300_005])
      clock.learn(nowMs + offsetMs)
    assert.equal(clock.offsetMs, 300_000)
    assert.equal(clock.isNotable, true)
    nowMs += 500
    assert.equal(clock.nowMs(), 310_500)
  })

  it('reckons that the server read its clock half-way through a request', () => {
    const clock = new ServerClock(() => 2000)
    clock.learn(1500, 1000)
    assert.equal(clock.offsetMs, 0)
    assert.equal(clock.isNotable, false)
  })

  it('forgets old samples', () => {
    const clock = new ServerClock(() => 0)
    for (let i = 0; i < 5; i += 1) clock.learn(9000)
    for (let i = 0; i < 5; i += 1) clock.learn(10)
    assert.equal(clock.offsetMs, 10)
  })
})
