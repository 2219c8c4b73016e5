import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Subject, median, medianRatio, rotate, spread } from './rounds.ts'

describe('the statistics of the rounds', () => {
  for (const [values, expected] of [
    [[3], 3],
    [[9, 1, 5], 5],
    [[10, 2, 4, 100], 7],
  ] as const) {
    it(`the median of ${values.join(', ')} is ${expected}`, () => {
      assert.equal(median(values), expected)
    })
  }

  it('rounds the median, the least and the most to so many digits', () => {
    assert.deepEqual(spread([1.26, 3.04, 2], 1), { median: 2, min: 1.3, max: 3 })
    assert.deepEqual(spread([1.26, 3.04, 2.6]), { median: 3, min: 1, max: 3 })
  })

  it('compares within each round: a slow round is slow for both', () => {
    assert.equal(medianRatio([100, 1000, 20], [50, 500, 10]), 2)
    assert.equal(medianRatio([100, 1000, 90], [50, 1000, 100]), 1)
  })

  it('turns the order by one each round, from the round before the first', () => {
    const orders = [-1, 0, 1, 2].map((turn) => rotate(['a', 'b', 'c'], turn).join(''))
    assert.deepEqual(orders, ['cab', 'abc', 'bca', 'cab'])
  })
})

describe('Subject', () => {
  it('fails its sample when its process ends, and closes all the same', async () => {
    const subject = new Subject('acquire-subject.ts', 'nobody')
    await assert.rejects(
      subject.sample({ size: 1, callers: 1, sampleMs: 1 }),
      /the process of nobody ended with 1/,
    )
    await subject.close()
  })
})
