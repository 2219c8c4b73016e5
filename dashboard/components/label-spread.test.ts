import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { spreadLabels } from './label-spread.ts'

const room = { gap: 15, height: 200 }

describe('spreadLabels', () => {
  it('leaves labels alone that have room', () => {
    assert.deepEqual(spreadLabels([10, 100, 60], room), [10, 100, 60])
  })

  it('moves labels apart that lie on each other, in the order of their lines', () => {
    assert.deepEqual(spreadLabels([50, 51, 40], room), [55, 70, 40])
  })

  it('keeps them inside, always apart as long as there is room', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 260 }), { maxLength: 12 }), (wanted) => {
        const placed = spreadLabels(wanted, room).sort((a, b) => a - b)
        assert.ok(placed.every((y) => y >= 0 && y <= room.height))
        assert.ok(placed.every((y, i) => i === 0 || y - placed[i - 1]! >= room.gap))
      }),
      { seed: 3 },
    )
  })
})
