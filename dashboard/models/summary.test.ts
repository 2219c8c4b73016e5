import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lastPointAtMs, summarize, valueAt } from './summary.ts'

const atMs = [100, 200, 300, 400]

describe('summarize', () => {
  it('counts what is inside the window and is a number', () => {
    assert.deepEqual(summarize(atMs, [99, 2, null, 4], { fromMs: 150, toMs: 400 }), {
      latest: 4,
      lowest: 2,
      mean: 3,
      highest: 4,
      pointCount: 2,
    })
  })

  it('has no latest value when the newest point has none', () => {
    const { latest, highest } = summarize(atMs, [1, 2, 3, null], { fromMs: 0, toMs: 400 })
    assert.deepEqual([latest, highest], [null, 3])
  })

  it('knows nothing of nothing', () => {
    const nothing = { latest: null, lowest: null, mean: null, highest: null, pointCount: 0 }
    assert.deepEqual(summarize([], [], { fromMs: 0, toMs: 1 }), nothing)
  })
})

describe('valueAt and lastPointAtMs', () => {
  it('look back from a moment, and never ahead', () => {
    assert.equal(valueAt(atMs, [1, 2, 3, 4], 350), 3)
    assert.equal(valueAt(atMs, [1, 2, null, 4], 350), null)
    assert.equal(valueAt(atMs, [1, 2, 3, 4], 50), null)
    assert.equal(lastPointAtMs(atMs, [1, 2, null, 4], 350), 200)
    assert.equal(lastPointAtMs(atMs, [null, null, null, 4], 350), null)
  })
})
