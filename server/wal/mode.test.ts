import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isBlocking, parseCheckpointMode } from './mode.ts'

describe('parseCheckpointMode', () => {
  it('takes the four modes in any case', () => {
    assert.equal(parseCheckpointMode('truncate'), 'TRUNCATE')
    assert.equal(parseCheckpointMode('PASSIVE'), 'PASSIVE')
  })

  it('refuses every other word', () => {
    for (const word of ['BANANA', 'NOOP', '', ' FULL', 'FULL)', undefined, null, 1, {}]) {
      assert.throws(() => parseCheckpointMode(word), { code: 'WAL_INVALID_MODE' })
    }
  })

  it('calls all but PASSIVE blocking', () => {
    const modes = (['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE'] as const).map(isBlocking)
    assert.deepEqual(modes, [false, true, true, true])
  })
})
