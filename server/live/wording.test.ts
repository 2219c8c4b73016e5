import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { atLeast, exactly, roughly } from './wording.ts'

describe('roughly', () => {
  const cases: readonly (readonly [ms: number, words: string])[] = [
    [0, 'under 50 ms'],
    [50, 'over 50 ms'],
    [999, 'over 500 ms'],
    [1000, 'over 1 s'],
    [59_999, 'over 30 s'],
    [60_000, 'over 1 min'],
    [3_600_000, 'over 1 h'],
    [1e9, 'over 24 h'],
  ]
  for (const [ms, words] of cases)
    it(`calls ${ms} ms ${words}`, () => assert.equal(roughly(ms), words))
})

describe('atLeast', () => {
  const cases: readonly (readonly [count: number, words: string])[] = [
    [0, '0'],
    [5, '5'],
    [6, 'at least 5'],
    [10, 'at least 10'],
    [49, 'at least 20'],
    [999, 'at least 500'],
    [1000, 'at least 1,000'],
    [123_456, 'at least 100,000'],
  ]
  for (const [count, words] of cases)
    it(`calls ${count} ${words}`, () => assert.equal(atLeast(count), words))
})

describe('exactly', () => {
  it('spells a setting out', () => {
    assert.deepEqual([250, 5000, 1500].map(exactly), ['250 ms', '5 s', '1.5 s'])
  })
})
