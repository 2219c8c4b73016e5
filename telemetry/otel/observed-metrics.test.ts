import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Attributes, BatchObservableCallback, Meter, Observable } from '@opentelemetry/api'
import { BACKPRESSURE_REASONS, WAL_HOLDER_KINDS } from '../events.ts'
import { createView } from '../testing/pool-life.ts'
import { ATTRIBUTE } from './attributes.ts'
import { METRIC, type Metric } from './names.ts'
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

describe('observePool, of what is in the way of the log', () => {
  const lagAndAge = (view: ReturnType<typeof createView>): Record<string, number[]> => {
    const values = observe(view)
    return Object.fromEntries(
      WAL_HOLDER_KINDS.map((kind) => {
        const of = { [ATTRIBUTE.pinHolder]: kind }
        return [kind, [...values(METRIC.pinLag, of), ...values(METRIC.pinAge, of)]]
      }),
    )
  }
  const nobody = { lease: [0, 0], iterator: [0, 0], process: [0, 0], unknown: [0, 0] }

  it('says of every kind of holder whether it pins the log, so that a pin that ended is seen to end', () => {
    const view = createView()
    assert.deepEqual(lagAndAge(view), { ...nobody, iterator: [400, 59] })
    view.stats.wal.pin = null
    assert.deepEqual(lagAndAge(view), nobody)
  })

  it('says of every reason whether writers are held back for it', () => {
    const view = createView()
    const held = (): number[][] =>
      BACKPRESSURE_REASONS.map((reason) =>
        observe(view)(METRIC.backpressure, { [ATTRIBUTE.backpressureReason]: reason }),
      )
    assert.deepEqual(held(), [[0], [1]])
    view.stats.wal.backpressure = 'size'
    assert.deepEqual(held(), [[1], [0]])
    view.stats.wal.backpressure = null
    assert.deepEqual(held(), [[0], [0]])
  })

  it('counts the read slots in use, and leaves a gap where they cannot be seen', () => {
    const view = createView()
    assert.deepEqual(observe(view)(METRIC.readSlotCount, {}), [2])
    view.stats.wal.readSlots = null
    assert.deepEqual(observe(view)(METRIC.readSlotCount, {}), [])
  })

  it('leaves a gap where nobody knows what the disk has left', () => {
    const view = createView()
    view.stats.wal.headroomBytes = null
    assert.deepEqual(observe(view)(METRIC.diskHeadroom, {}), [])
  })
})
