import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ResetLimit } from './reset-limit.ts'

const open = (): ResetLimit => new ResetLimit({ resetFrames: 16_000, resetBytes: 64_000 }, 0)

/** A reset every ten seconds that took so long. */
function reset(limit: ResetLimit, times: number, stallMs: number): number[] {
  return Array.from({ length: times }, (_, i) => {
    limit.noteStall(stallMs, (i + 1) * 10_000)
    return limit.resetFrames
  })
}

describe('ResetLimit', () => {
  const cases: [name: string, stallMs: number, frames: number[]][] = [
    ['doubles, once, while resets take more than 0.1 % of the time', 11, [32_000, 32_000, 32_000]],
    ['stays at 0.1 %', 10, [16_000, 16_000, 16_000]],
    ['stays at 0.02 %', 2, [16_000, 16_000, 16_000]],
    ['halves, twice, while they take less than 0.02 %', 1, [8000, 4000, 4000]],
  ]
  for (const [name, stallMs, frames] of cases) {
    it(name, () => assert.deepEqual(reset(open(), 3, stallMs), frames))
  }

  it('moves the bytes with the frames', () => {
    const limit = open()
    reset(limit, 1, 1000)
    assert.equal(limit.resetBytes, 128_000)
  })

  it('never comes to nothing', () => {
    const limit = new ResetLimit({ resetFrames: 1, resetBytes: 1 }, 0)
    reset(limit, 5, 0)
    assert.deepEqual([limit.resetFrames, limit.resetBytes], [1, 1])
  })
})
