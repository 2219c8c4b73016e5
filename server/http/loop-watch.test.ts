import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LoopWatch } from './loop-watch.ts'

describe('LoopWatch', () => {
  const cases: readonly (readonly [means: readonly number[], isLate: boolean])[] = [
    [[], false],
    [[0, 250], false],
    [[900], false],
    [[900, 900], true],
    [[900, Number.NaN], true],
    [[Number.NaN], false],
    [[900, 900, 250], false],
    [[900, 10, 900], false],
    [[10, 251, 251, 5000], true],
  ]
  for (const [means, isLate] of cases) {
    it(`calls windows of ${means.join(', ') || 'nothing'} ms ${isLate ? 'late' : 'in time'}`, (t) => {
      const watch = new LoopWatch({ maxDelayMs: 250, windowMs: 60_000 })
      t.after(() => watch.stop())
      for (const mean of means) watch.note(mean)
      assert.equal(watch.isLate, isLate)
    })
  }
})
