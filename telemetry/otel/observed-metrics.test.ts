import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Attributes, BatchObservableCallback, Meter, Observable } from '@opentelemetry/api'
import { createView } from '../testing/pool-life.ts'
import { ATTRIBUTE, METRIC, type Metric } from './names.ts'
import { observePool } from './observed-metrics.ts'

/** Values by the metric's name and the attributes that tell them apart. */
function observe(
  view: ReturnType<typeof createView>,
): (metric: Metric, of: Attributes) => number[] {
  const points: { name: string; value: number; attributes: Attributes }[] = []
  let collect: BatchObservableCallback | undefined
  const create = (name: string): Observable => ({ name }) as unknown as Observable
  const meter = {
    createObservableCounter: create,
    createObservableUpDownCounter: create,
    createObservableGauge: create,
    addBatchObservableCallback: (callback: BatchObservableCallback) => void (collect = callback),
  } as unknown as Meter
  observePool(meter, view)
  void collect?.({
    observe: (metric, value, attributes = {}) => {
      points.push({ name: (metric as unknown as { name: string }).name, value, attributes })
    },
  })
  return (metric, of) =>
    points
      .filter(({ name }) => name === metric.name)
      .filter(({ attributes }) => Object.entries(of).every(([key, v]) => attributes[key] === v))
      .map(({ value }) => value)
}

describe('observePool', () => {
  const view = createView()
  Object.assign(view.stats.reader, { zombie: 31, revoked: 32, doubleReleased: 33, busyRetried: 34 })
  Object.assign(view.stats.writer, { zombie: 41, revoked: 42, doubleReleased: 43, busyRetried: 44 })
  view.stats.reader.closed.lifetime = 35
  view.stats.writer.closed.evicted = 45
  const values = observe(view)
  const reader = { [ATTRIBUTE.role]: 'reader' }
  const writer = { [ATTRIBUTE.role]: 'writer' }

  it('counts connections in every state that has a name, once', () => {
    for (const [lane, of] of [
      [view.stats.reader, reader],
      [view.stats.writer, writer],
    ] as const) {
      for (const [state, count] of [
        ['idle', lane.idle],
        ['used', lane.inUse],
        ['zombie', lane.zombie],
      ] as const) {
        const named = { ...of, [ATTRIBUTE.connectionState]: state }
        assert.deepEqual(values(METRIC.connectionCount, named), [count])
      }
    }
  })

  it('counts what was taken away, given back twice, and sent again', () => {
    const metrics = [METRIC.leaseRevoked, METRIC.leaseDoubleReleased, METRIC.busyRetries]
    assert.deepEqual(
      metrics.map((metric) => [values(metric, reader), values(metric, writer)]),
      [
        [[32], [42]],
        [[33], [43]],
        [[34], [44]],
      ],
    )
  })

  it('counts connections closed by every reason', () => {
    const closed = (of: Attributes, reason: string): number[] =>
      values(METRIC.connectionClosed, { ...of, [ATTRIBUTE.closeReason]: reason })
    assert.deepEqual(closed(reader, 'lifetime'), [35])
    assert.deepEqual(closed(writer, 'evicted'), [45])
    for (const reason of Object.keys(view.stats.reader.closed)) {
      assert.equal(closed(reader, reason).length, 1, reason)
    }
  })
})
