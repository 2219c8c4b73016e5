import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HistoryTier } from './history-tier.ts'
import { seriesNames } from './series.ts'

const inUse = (value: number | null): (number | null)[] =>
  seriesNames.map((name) => (name === 'inUse' ? value : null))

describe('HistoryTier', () => {
  it('keeps so many rows, and forgets the oldest', () => {
    const tier = new HistoryTier(1000, 4)
    for (let row = 10; row < 16; row += 1) tier.add(row * 1000, inUse(row), 1000)
    assert.deepEqual([tier.oldestRow, tier.newestRow], [12, 15])
    assert.deepEqual([tier.covers(12_000), tier.covers(11_999)], [true, false])
  })

  it('has no value for a row that was passed over, though its slot still holds an older one', () => {
    const tier = new HistoryTier(1000, 4)
    for (const row of [10, 11, 12, 13, 16]) tier.add(row * 1000, inUse(row), 1000)
    assert.deepEqual(
      [13, 14, 15, 16].map((row) => tier.value(row, 0)),
      [13, Number.NaN, Number.NaN, 16],
    )
  })

  it('covers everything while nothing was forgotten', () => {
    const tier = new HistoryTier(1000, 4)
    tier.add(10_000, inUse(1), 1000)
    assert.equal(tier.covers(0), true)
  })
})
