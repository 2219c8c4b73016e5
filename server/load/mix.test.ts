import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { KINDS, namedMixes, parseMix, pickKind, type Kind, type Mix } from './mix.ts'
import { Random } from '../random.ts'

function draw(mix: Mix, seed: number, times: number): Record<Kind, number> {
  const random = new Random(seed)
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>
  for (let i = 0; i < times; i += 1) counts[pickKind(mix, random)] += 1
  return counts
}

describe('pickKind', () => {
  it('keeps to the weights', () => {
    const counts = draw({ reads: 80, writes: 17, heavy: 3 }, 1, 100_000)
    const share = (...kinds: Kind[]): number =>
      kinds.reduce((sum, kind) => sum + counts[kind], 0) / 1000
    assert.ok(Math.abs(share('list', 'get') - 80) < 1)
    assert.ok(Math.abs(share('create', 'update', 'delete') - 17) < 1)
    assert.ok(Math.abs(share('stats') - 3) < 0.5)
  })

  it('never does what has no weight', () => {
    assert.deepEqual(
      KINDS.filter((kind) => draw(namedMixes['reads']!, 2, 1000)[kind] > 0),
      ['list', 'get'],
    )
    assert.deepEqual(
      KINDS.filter((kind) => draw(namedMixes['writes']!, 2, 1000)[kind] > 0),
      ['create', 'update', 'delete'],
    )
    assert.deepEqual(
      KINDS.filter((kind) => draw(namedMixes['heavy']!, 2, 1000)[kind] > 0),
      ['stats'],
    )
  })

  it('draws the same for the same seed, and not for another', () => {
    const mix = namedMixes['mixed']!
    assert.deepEqual(draw(mix, 5, 1000), draw(mix, 5, 1000))
    assert.notDeepEqual(draw(mix, 5, 1000), draw(mix, 6, 1000))
  })
})

describe('parseMix', () => {
  it('reads back any three weights that are not all zero', () => {
    const weight = fc.nat({ max: 999_999 })
    fc.assert(
      fc.property(weight, weight, weight, (reads, writes, heavy) => {
        const mix = reads + writes + heavy === 0 ? null : { reads, writes, heavy }
        assert.deepEqual(parseMix(`${reads}:${writes}:${heavy}`), mix)
      }),
      { seed: 1 },
    )
  })
})

describe('createRandom', () => {
  it('stays in its bounds, whatever the seed', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 50 }), (seed, span) => {
        const random = new Random(seed)
        for (let i = 0; i < 50; i += 1) {
          const value = random.between(10, 10 + span)
          assert.ok(value >= 10 && value <= 10 + span)
          assert.ok(['a', 'b'].includes(random.pick(['a', 'b'])))
        }
      }),
      { seed: 1 },
    )
  })
})
