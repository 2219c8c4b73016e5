import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BackOff } from './back-off.ts'

describe('BackOff', () => {
  const backOff = (random: number): BackOff =>
    new BackOff({ firstMs: 500, longestMs: 30_000, random: () => random })

  it('doubles from the first wait to the longest', () => {
    const middle = backOff(0.5)
    const waits = Array.from({ length: 9 }, () => middle.fail(0))
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it('strays by 20 % at most', () => {
    assert.equal(backOff(0).fail(0), 400)
    assert.ok(Math.abs(backOff(1).fail(0) - 600) < 1e-9)
  })

  it('waits until the time is over, or until it is cleared', () => {
    const middle = backOff(0.5)
    assert.equal(middle.isWaiting(0), false)
    middle.fail(100)
    assert.equal(middle.isWaiting(599), true)
    assert.equal(middle.isWaiting(600), false)
    middle.fail(600)
    middle.clear()
    assert.equal(middle.isWaiting(601), false)
    assert.equal(middle.fail(601), 500)
  })
})
