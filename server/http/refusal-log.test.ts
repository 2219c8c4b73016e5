import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RefusalLog } from './refusal-log.ts'

describe('RefusalLog', () => {
  it('gives a line to the first of a code, and to the next window with all that it left out', () => {
    let nowMs = 0
    const log = new RefusalLog(() => nowMs)
    assert.equal(log.count('OVERLOADED'), 1)
    for (let i = 0; i < 99; i += 1) assert.equal(log.count('OVERLOADED'), null)
    assert.equal(log.count('POOL_QUEUE_FULL'), 1)
    nowMs = 9999
    assert.equal(log.count('OVERLOADED'), null)
    nowMs = 10_000
    assert.equal(log.count('OVERLOADED'), 101)
    assert.equal(log.count('OVERLOADED'), null)
  })
})
