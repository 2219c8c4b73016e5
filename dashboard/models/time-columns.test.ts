import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { TimeColumns } from './time-columns.ts'

const make = (capacity = 100): TimeColumns =>
  new TimeColumns({ width: 2, capacity, gapAfterMs: 1000 })

const all = (columns: TimeColumns): unknown[] => {
  const { atMs, columns: values } = columns.slice(0, 1e15, [0, 1])
  return atMs.map((at, i) => [at, values[0]![i], values[1]![i]])
}

describe('TimeColumns', () => {
  it('keeps points in order and ignores one that is not later than the last', () => {
    const columns = make()
    columns.push(100, [1, 2])
    columns.push(200, [3, null])
    columns.push(200, [9, 9])
    columns.push(150, [9, 9])
    assert.deepEqual(all(columns), [
      [100, 1, 2],
      [200, 3, null],
    ])
  })

  it('puts a row of nulls where nobody measured for too long', () => {
    const columns = make()
    columns.push(1000, [1, 1])
    columns.push(2000, [1, 1])
    columns.push(3001, [1, 1])
    assert.deepEqual(columns.gaps(0, 5000), [{ fromMs: 2000, toMs: 3001 }])
    assert.deepEqual(
      all(columns).map((row) => (row as number[])[0]),
      [1000, 2000, 2001, 3001],
    )
  })

  it('breaks the line where it is told to, once', () => {
    const columns = make()
    columns.pushGap()
    columns.push(1000, [1, 1])
    columns.pushGap()
    columns.pushGap()
    assert.deepEqual(columns.gaps(0, 5000), [{ fromMs: 1000, toMs: null }])
    columns.push(1250, [1, 1])
    assert.deepEqual(columns.gaps(0, 5000), [{ fromMs: 1000, toMs: 1250 }])
  })

  it('takes a series without a value for a point, and not for a gap', () => {
    const columns = make()
    columns.push(1000, [1, 1])
    columns.push(1500, [1, null])
    columns.push(2000, [null, null])
    columns.push(2500, [1, 1])
    assert.deepEqual(columns.gaps(0, 5000), [{ fromMs: 1500, toMs: 2500 }])
  })

  it('fills a gap with what the server remembers, and keeps what is outside of it', () => {
    const columns = make()
    for (const at of [1000, 1500, 2000]) columns.push(at, [1, 1])
    columns.pushGap()
    for (const at of [4000, 4500]) columns.push(at, [2, 2])
    columns.merge({
      atMs: [1500, 2000, 2500, 3000, 3500, 4000],
      columns: [
        [5, 5, 5, 5, 5, 5],
        [6, 6, 6, 6, 6, 6],
      ],
    })
    assert.deepEqual(columns.gaps(0, 9000), [])
    assert.deepEqual(all(columns), [
      [1000, 1, 1],
      [1500, 5, 6],
      [2000, 5, 6],
      [2500, 5, 6],
      [3000, 5, 6],
      [3500, 5, 6],
      [4000, 5, 6],
      [4500, 2, 2],
    ])
  })

  it('keeps a gap that the server has as well', () => {
    const columns = make()
    columns.push(1000, [1, 1])
    columns.pushGap()
    columns.push(1750, [1, 1])
    columns.merge({
      atMs: [1000, 1250, 1500, 1750],
      columns: [
        [1, null, null, 1],
        [1, null, null, 1],
      ],
    })
    assert.deepEqual(columns.gaps(0, 5000), [{ fromMs: 1000, toMs: 1750 }])
  })

  it('is not disturbed by an empty history', () => {
    const columns = make()
    columns.push(1000, [1, 1])
    columns.merge({ atMs: [], columns: [[], []] })
    assert.equal(columns.length, 1)
  })

  it('gives one point beyond each edge of a window, so that lines reach it', () => {
    const columns = make()
    for (const at of [100, 200, 300, 400, 500]) columns.push(at, [at, at])
    assert.deepEqual(columns.slice(250, 350, [0]).atMs, [200, 300, 400])
    assert.deepEqual(columns.slice(300, 300, [0]).atMs, [200, 300, 400])
  })

  it('lets a copy stand still', () => {
    const columns = make()
    columns.push(100, [1, 1])
    const copy = columns.copy()
    columns.push(200, [2, 2])
    assert.equal(copy.length, 1)
    assert.equal(columns.length, 2)
  })

  it('never exceeds its capacity by more than an eighth, and drops the oldest', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3000 }), { maxLength: 400 }),
        fc.integer({ min: 4, max: 60 }),
        (steps, capacity) => {
          const columns = make(capacity)
          let atMs = 0
          for (const step of steps) columns.push((atMs += step), [1, 1])
          const times = columns.slice(0, 1e15, [0]).atMs
          assert.ok(columns.length <= Math.ceil(capacity * 1.125))
          assert.ok(times.every((at, i) => i === 0 || at > times[i - 1]!))
          if (steps.length > 0) assert.equal(columns.lastAtMs, atMs)
        },
      ),
      { seed: 7 },
    )
  })
})
