import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { retryDelayMs } from './back-off.ts'

describe('retryDelayMs', () => {
  it('doubles from 250 ms to 5 s, within a fifth', () => {
    const middle = [0, 1, 2, 3, 4, 5, 1000].map((attempt) => retryDelayMs(attempt, () => 0.5))
    assert.deepEqual(middle, [250, 500, 1000, 2000, 4000, 5000, 5000])
    assert.equal(
      retryDelayMs(0, () => 0),
      200,
    )
    assert.equal(
      retryDelayMs(9, () => 1),
      6000,
    )
  })
})
