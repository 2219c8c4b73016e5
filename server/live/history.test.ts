import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { PoolEvent, SeriesName, TickValues } from '../../telemetry/protocol.ts'
import { HistoryStore } from './history.ts'
import { merges, seriesNames } from './series.ts'
import { acquireEvent, checkpointEvent } from './testing/test-view.ts'

const START_MS = 1_700_000_010_000
const HOUR_MS = 3_600_000

const column = (name: SeriesName): number => seriesNames.indexOf(name)

function sample(values: Partial<Record<SeriesName, number>>): TickValues {
  return seriesNames.map((name) => values[name] ?? null)
}

/** Four samples a second from `START_MS` on, the first one at `START_MS` itself. */
function fill(history: HistoryStore, count: number, at: (i: number) => TickValues): number {
  for (let i = 0; i < count; i += 1) history.add(START_MS + i * 250, at(i))
  return START_MS + (count - 1) * 250
}

describe('HistoryStore', () => {
  it('says nothing before the first sample', () => {
    const { atMs, columns, events } = new HistoryStore().query({ fromMs: 0, toMs: START_MS })
    assert.deepEqual([atMs, events], [[], []])
    assert.ok(
      columns.length === seriesNames.length && columns.every((values) => values.length === 0),
    )
  })

  it('gives back each sample at the finest step', () => {
    const history = new HistoryStore()
    const endMs = fill(history, 8, (i) => sample({ inUse: i }))
    const reply = history.query({ fromMs: START_MS, toMs: endMs, stepMs: 250 })
    assert.equal(reply.stepMs, 250)
    assert.deepEqual(
      reply.atMs,
      Array.from({ length: 8 }, (_, i) => START_MS + i * 250),
    )
    assert.deepEqual(reply.columns[column('inUse')], [0, 1, 2, 3, 4, 5, 6, 7])
    assert.deepEqual(
      reply.columns[column('walBytes')],
      Array.from({ length: 8 }, () => null),
    )
  })

  const tiers = [
    { name: 'the last five minutes finely', ageMs: 300_000, askMs: 250, stepMs: 250 },
    { name: 'more than that by the second', ageMs: 400_000, askMs: 250, stepMs: 1000 },
    { name: 'the last hour by the second', ageMs: HOUR_MS, askMs: 1000, stepMs: 1000 },
    { name: 'more than that by 15 s', ageMs: 1.5 * HOUR_MS, askMs: 250, stepMs: 15_000 },
    { name: 'a step in between, rounded up', ageMs: 300_000, askMs: 600, stepMs: 750 },
    { name: 'coarse steps of what is recent', ageMs: 60_000, askMs: 30_000, stepMs: 30_000 },
    { name: 'about 1,200 points by default', ageMs: HOUR_MS, askMs: undefined, stepMs: 3000 },
    { name: 'a day when asked for all time', ageMs: 1e12, askMs: undefined, stepMs: 75_000 },
  ]
  it('chooses the tier by the step and the age that are asked for', () => {
    const history = new HistoryStore()
    const endMs = fill(history, 2 * HOUR_MS * 0.004, () => sample({ inUse: 1 }))
    for (const { name, ageMs, askMs, stepMs } of tiers) {
      const fromMs = endMs - ageMs
      const reply = history.query({ fromMs, toMs: endMs, stepMs: askMs })
      assert.equal(reply.stepMs, stepMs, name)
      assert.equal(reply.atMs[0], Math.floor(Math.max(fromMs, START_MS) / stepMs) * stepMs, name)
      assert.equal(reply.atMs.at(-1), Math.floor(endMs / stepMs) * stepMs, name)
      assert.ok(
        reply.columns[0]!.every((value) => value === 1),
        `${name}: no hole`,
      )
    }
  })

  it('keeps the finest tier while a server is younger than it', () => {
    const history = new HistoryStore()
    const endMs = fill(history, 40, () => sample({ inUse: 1 }))
    const reply = history.query({ fromMs: endMs - HOUR_MS, toMs: endMs, stepMs: 250 })
    assert.deepEqual([reply.stepMs, reply.atMs.length], [250, 40])
  })

  it('leaves null where nothing was sampled', () => {
    const history = new HistoryStore()
    history.add(START_MS, sample({ inUse: 1 }))
    history.add(START_MS + 5000, sample({ inUse: 2 }))
    const { columns } = history.query({ fromMs: START_MS, toMs: START_MS + 5000, stepMs: 1000 })
    assert.deepEqual(columns[column('inUse')], [1, null, null, null, null, 2])
  })

  it('lets a sample stand for the second before it', () => {
    const history = new HistoryStore()
    history.add(START_MS, sample({ inUse: 1 }))
    history.add(START_MS + 1000, sample({ inUse: 2 }))
    const { columns } = history.query({ fromMs: START_MS, toMs: START_MS + 1000, stepMs: 250 })
    assert.deepEqual(columns[column('inUse')], [1, 2, 2, 2, 2])
  })

  it('shows the worst of a step, and rates as their mean', () => {
    const history = new HistoryStore()
    const seconds = [
      { inUse: 1, idle: 4, limit: 5, waiting: 0, waitP99Ms: 1, acquiresPerSecond: 10 },
      { inUse: 5, idle: 0, limit: 5, waiting: 9, acquiresPerSecond: 40 },
      { inUse: 2, idle: 3, limit: 6, waiting: 0, waitP99Ms: 7, acquiresPerSecond: 10 },
    ]
    history.add(START_MS - 1000, sample({}))
    for (const [i, values] of seconds.entries()) history.add(START_MS + i * 1000, sample(values))
    const { columns } = history.query({ fromMs: START_MS, toMs: START_MS + 2000, stepMs: 15_000 })
    const point = (name: SeriesName): number | null => columns[column(name)]![0]!
    assert.deepEqual(
      ['inUse', 'idle', 'limit', 'waiting', 'waitP99Ms', 'acquiresPerSecond', 'walFrames'].map(
        (name) => point(name as SeriesName),
      ),
      [5, 0, 6, 9, 7, 20, null],
    )
  })

  it('ignores a sample that is not later than the one before', () => {
    const history = new HistoryStore()
    history.add(START_MS, sample({ inUse: 1 }))
    history.add(START_MS, sample({ inUse: 9 }))
    history.add(START_MS - 250, sample({ inUse: 9 }))
    const { columns } = history.query({ fromMs: 0, toMs: START_MS, stepMs: 250 })
    assert.deepEqual(columns[column('inUse')], [1])
  })

  it('agrees with a plain list of samples, at any step and range', () => {
    const run = fc.record({
      samples: fc.array(
        fc.record({
          gap: fc.constantFrom(1, 1, 1, 4, 9),
          value: fc.option(fc.nat(9), { nil: null }),
        }),
        { minLength: 1, maxLength: 120 },
      ),
      fromMs: fc.integer({ min: -5000, max: 40_000 }),
      spanMs: fc.integer({ min: 0, max: 60_000 }),
      stepMs: fc.constantFrom(250, 500, 1000, 3000, 15_000, 45_000),
    })
    fc.assert(
      fc.property(run, ({ samples, fromMs, spanMs, stepMs }) => {
        const history = new HistoryStore()
        const spread = new Map<number, number>()
        const taken = new Map<number, number>()
        let cell = START_MS / 250
        for (const [i, { gap, value }] of samples.entries()) {
          cell += i === 0 ? 0 : gap
          history.add(
            cell * 250,
            seriesNames.map(() => value),
          )
          if (value === null) continue
          taken.set(cell, value)
          // Each stands for the second before it, as far as no other does.
          const span = i === 0 ? 1 : Math.min(4, gap)
          for (let k = cell - span + 1; k <= cell; k += 1) spread.set(k, value)
        }
        const query = { fromMs: START_MS + fromMs, toMs: START_MS + fromMs + spanMs, stepMs }
        const reply = history.query(query)
        assert.equal(reply.stepMs, stepMs)
        for (const [point, atMs] of reply.atMs.entries()) {
          const inside = valuesIn(stepMs < 1000 ? spread : taken, atMs, stepMs)
          assert.equal(atMs % stepMs, 0)
          for (const name of ['waiting', 'idle'] as const) {
            const value = reply.columns[column(name)]![point]!
            assert.equal(value, worst(name, inside), `${name} at ${atMs}`)
          }
        }
      }),
    )
  })

  it('never grows: its tiers are as long as they were, and the events are 2,000 at most', () => {
    const history = new HistoryStore()
    for (let i = 0; i < 5000; i += 1) {
      const stamp = { seq: i + 1, atMs: START_MS + i }
      history.addEvent({ ...(i % 2 === 0 ? acquireEvent() : checkpointEvent()), ...stamp })
    }
    const { events } = history.query({ fromMs: 0, toMs: START_MS + 5000 })
    assert.equal(events.length, 2000)
    assert.deepEqual(
      events.map(({ seq }) => seq),
      Array.from({ length: 2000 }, (_, i) => 3001 + i),
    )
  })

  it('keeps the checkpoints through a flood of failures', () => {
    const history = new HistoryStore()
    const event: PoolEvent = { ...checkpointEvent(), seq: 1, atMs: START_MS }
    history.addEvent(event)
    for (let i = 0; i < 3000; i += 1) {
      history.addEvent({ ...acquireEvent(), seq: i + 2, atMs: START_MS + i })
    }
    const { events } = history.query({ fromMs: START_MS, toMs: START_MS + 5000 })
    assert.deepEqual(events[0], event)
    assert.equal(history.query({ fromMs: START_MS + 1, toMs: START_MS + 10 }).events.length, 0)
  })
})

function valuesIn(cells: ReadonlyMap<number, number>, atMs: number, stepMs: number): number[] {
  const first = atMs / 250
  return Array.from({ length: stepMs / 250 }, (_, i) => cells.get(first + i)).filter(
    (value) => value !== undefined,
  )
}

function worst(name: SeriesName, values: readonly number[]): number | null {
  if (values.length === 0) return null
  return merges[column(name)] === 'min' ? Math.min(...values) : Math.max(...values)
}
