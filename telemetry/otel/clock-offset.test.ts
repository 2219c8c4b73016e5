import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clockOffsetMs } from './clock-offset.ts'

describe('clockOffsetMs', () => {
  const cases: readonly (readonly [what: string, wallMs: number, offsetMs: number])[] = [
    ['clocks that agree', 1_000_000, 0],
    ['the whole ms of the wall clock', 999_999, 0],
    ['a laptop that slept for an hour', 4_600_000, 3_600_000],
    ['a clock that was set back', 990_000, -10_000],
  ]
  for (const [what, wallMs, offsetMs] of cases) {
    it(`is ${offsetMs} for ${what}`, () => {
      assert.equal(clockOffsetMs(wallMs, 1_000_000), offsetMs)
    })
  }

  it('is 0 in a process that has just begun', () => {
    assert.equal(clockOffsetMs(), 0)
  })
})
