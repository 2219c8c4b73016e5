import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { editCount, nearestName } from './nearest-name.ts'

describe('editCount', () => {
  const cases: readonly (readonly [from: string, to: string, edits: number])[] = [
    ['', '', 0],
    ['abc', 'abc', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['PROT', 'PORT', 2],
    ['DB_POOL_SIZ', 'DB_POOL_SIZE', 1],
  ]
  for (const [from, to, edits] of cases) {
    it(`takes ${edits} edits from "${from}" to "${to}"`, () => {
      assert.equal(editCount(from, to), edits)
    })
  }

  it('is a distance: zero only for equals, the same both ways, and never longer than a detour', () => {
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '_'), maxLength: 6 })
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        assert.equal(editCount(a, b) === 0, a === b)
        assert.equal(editCount(a, b), editCount(b, a))
        assert.ok(editCount(a, c) <= editCount(a, b) + editCount(b, c))
      }),
      { seed: 1 },
    )
  })
})

describe('nearestName', () => {
  const names = ['HOST', 'PORT', 'LOG_LEVEL', 'DB_POOL_SIZE']

  it('finds the name that was meant', () => {
    assert.equal(nearestName('POTR', names), 'PORT')
    assert.equal(nearestName('LOGLEVEL', names), 'LOG_LEVEL')
    assert.equal(nearestName('DB_POOLSIZE', names), 'DB_POOL_SIZE')
  })

  it('takes the first of two that are equally near', () => {
    assert.equal(nearestName('POST', names), 'HOST')
  })

  it('finds none when none is close, or there is none', () => {
    assert.equal(nearestName('SOMETHING_ELSE', names), null)
    assert.equal(nearestName('PORT', []), null)
  })
})
