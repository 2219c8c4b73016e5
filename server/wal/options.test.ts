import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveWALOptions } from './options.ts'

describe('a limit that is low', () => {
  it('makes resets come before it, at any size that they may have', () => {
    const { resetBytes, hardBytes } = resolveWALOptions({ limitBytes: 8_000_000 })
    assert.deepEqual([resetBytes, hardBytes], [2_000_000, 4_000_000])
    const { resetBytes: usual } = resolveWALOptions({ limitBytes: 0 })
    assert.equal(usual, 64 * 1024 * 1024)
  })
})

describe('resolveWALOptions', () => {
  it('keeps the defaults for what is not given', () => {
    const resolved = resolveWALOptions({ checkpointFrames: 5 })
    assert.equal(resolved.checkpointFrames, 5)
    assert.equal(resolved.resetFrames, 16_000)
    assert.ok(Object.isFrozen(resolved))
  })

  it('names every wrong option at once', () => {
    const wrong = { checkpointer: 'me', checkpointFrames: 0, budgetMs: 1.5, frames: 1 } as never
    assert.throws(() => resolveWALOptions(wrong), {
      code: 'WAL_INVALID_OPTION',
      message: /frames is not an option.*checkpointer.*checkpointFrames.*budgetMs/s,
    })
  })
})
