import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { timeSplits } from './time-axis.ts'

describe('timeSplits', () => {
  it('stands on whole steps of the clock, whatever moment the window begins at', () => {
    assert.deepEqual(timeSplits(61_234.5, 121_234.5, 30_000), [90_000, 120_000])
    assert.deepEqual(timeSplits(60_000, 120_000, 30_000), [60_000, 90_000, 120_000])
  })
})
