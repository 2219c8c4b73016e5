import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Durations, Tally } from './tally.ts'

describe('Durations', () => {
  it('has no quantiles when nothing was recorded', () => {
    const nothing = { count: 0, p50: null, p90: null, p99: null, max: null }
    assert.deepEqual(new Durations().summary(), nothing)
  })

  it('keeps quantiles in order, near the truth, and none above the maximum', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { minLength: 1 }),
        (values) => {
          const durations = new Durations()
          for (const value of values) durations.record(value)
          const { count, p50, p90, p99, max } = durations.summary()
          assert.equal(count, values.length)
          assert.ok(p50! <= p90! && p90! <= p99! && p99! <= max!)
          const sorted = values.toSorted((a, b) => a - b)
          assert.ok(Math.abs(max! - sorted.at(-1)!) < 0.001)
          const median = sorted[Math.ceil(values.length / 2) - 1]!
          assert.ok(Math.abs(p50! - median) <= Math.max(0.002, median * 0.04), `${p50} ${median}`)
        },
      ),
      { seed: 3 },
    )
  })
})

describe('Tally', () => {
  it('counts answers by kind, status and refusal, and errors apart', () => {
    const tally = new Tally()
    tally.recordAnswer('get', 2, { status: 200, code: null })
    tally.recordAnswer('get', 4, { status: 503, code: 'POOL_QUEUE_FULL' })
    tally.recordAnswer('stats', 8, { status: 200, code: null })
    tally.recordError('ECONNRESET')
    assert.equal(tally.all.summary().count, 3)
    assert.equal(tally.byKind.get.summary().max, 4)
    assert.equal(tally.byKind.list.summary().count, 0)
    assert.deepEqual(Object.fromEntries(tally.statuses), { 200: 2, 503: 1 })
    assert.deepEqual(Object.fromEntries(tally.codes), { POOL_QUEUE_FULL: 1 })
    assert.deepEqual(Object.fromEntries(tally.errors), { ECONNRESET: 1 })
    assert.equal(tally.errorCount, 1)
  })
})
