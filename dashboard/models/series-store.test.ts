import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SERIES } from '../../telemetry/protocol.ts'
import type { History, StateBody, TickValues } from '../../telemetry/protocol.ts'
import { SeriesStore } from './series-store.ts'

const values = (part: Readonly<Record<string, number | null>>): TickValues =>
  SERIES.map(({ name }) => (name in part ? part[name]! : 0))

const history = (
  stepMs: number,
  atMs: readonly number[],
  inUse: readonly (number | null)[],
): History => ({
  bootId: 'a',
  seq: 1,
  serverAtMs: 0,
  startedAtMs: 0,
  stepMs,
  series: ['inUse', 'somethingNew'],
  atMs,
  columns: [inUse, atMs.map(() => 99)],
  events: [],
  state: {} as StateBody,
})

const span = { fromMs: 0, toMs: 1e12 }
const fine = { ...span, stepMs: 250 }
const coarse = { ...span, stepMs: 1000 }

describe('SeriesStore', () => {
  it('keeps each tick, and for each second the worst where a peak matters', () => {
    const store = new SeriesStore()
    store.tick(1000, values({ inUse: 1, idle: 7, waiting: 0 }))
    store.tick(1250, values({ inUse: 8, idle: 0, waiting: 5 }))
    store.tick(1500, values({ inUse: 2, idle: 6, waiting: 0 }))
    store.tick(2000, values({ inUse: 3, idle: 5, waiting: 1 }))
    assert.deepEqual(store.slice(fine, ['waiting']).columns, [[0, 5, 0, 1]])
    assert.deepEqual(store.slice(coarse, ['inUse', 'idle', 'waiting']), {
      atMs: [1500, 2000],
      columns: [
        [8, 3],
        [6, 5],
        [5, 1],
      ],
    })
  })

  it('does not take no data for a peak of zero', () => {
    const store = new SeriesStore()
    store.tick(1000, values({ waitP99Ms: null }))
    store.tick(1250, values({ waitP99Ms: 3 }))
    store.tick(1500, values({ waitP99Ms: null }))
    assert.deepEqual(store.slice(coarse, ['waitP99Ms']).columns, [[3]])
    assert.equal(store.latestOf('waitP99Ms'), null)
  })

  it('reads a history by its own names, and knows nothing of a series that it lacks', () => {
    const store = new SeriesStore()
    store.merge(history(250, [1000, 1250], [4, 5]))
    assert.deepEqual(store.slice(fine, ['inUse', 'waiting']).columns, [
      [4, 5],
      [null, null],
    ])
    assert.equal(store.latestOf('inUse'), 5)
  })

  it('reads ticks by the names of the hello', () => {
    const store = new SeriesStore()
    store.describe(['waiting', 'inUse'])
    store.tick(1000, [7, 3])
    assert.deepEqual([store.latestOf('inUse'), store.latestOf('waiting')], [3, 7])
    assert.equal(store.latestOf('walBytes'), null)
  })

  it('does not let a coarse history thin out the ticks that it has', () => {
    const store = new SeriesStore()
    for (const at of [9250, 9500, 9750, 10_000]) store.tick(at, values({ inUse: 1 }))
    store.merge(history(1000, [8000, 9000, 10_000], [2, 2, 2]))
    assert.deepEqual(store.slice(fine, ['inUse']).atMs, [8000, 9000, 9250, 9500, 9750, 10_000])
    assert.equal(store.lastAtMs, 10_000)
  })

  it('joins history and ticks without a seam', () => {
    const store = new SeriesStore()
    store.merge(history(250, [1000, 1250, 1500], [1, 1, 1]))
    store.tick(1500, values({ inUse: 9 }))
    store.tick(1750, values({ inUse: 2 }))
    assert.deepEqual(store.slice(fine, ['inUse']), {
      atMs: [1000, 1250, 1500, 1750],
      columns: [[1, 1, 1, 2]],
    })
    assert.deepEqual(store.gaps(fine), [])
  })

  it('shows a loss as a gap until the history fills it in', () => {
    const store = new SeriesStore()
    store.tick(1000, values({ inUse: 1 }))
    store.markGap()
    store.tick(1500, values({ inUse: 1 }))
    assert.deepEqual(store.gaps(fine), [{ fromMs: 1000, toMs: 1500 }])
    assert.equal(store.gaps(coarse).length, 1)
    store.merge(history(250, [1000, 1250, 1500], [1, 1, 1]))
    assert.deepEqual(store.gaps(fine), [])
  })
})
