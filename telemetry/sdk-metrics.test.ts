import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ATTRIBUTE } from './otel/attributes.ts'
import { METRIC, SCHEMA_URL, SCOPE, type Metric } from './otel/names.ts'
import { collectedLife } from './testing/collected-life.ts'
import type { Collector } from './testing/collector.ts'
import { assertKnown } from './testing/known-attributes.ts'

const reader = { [ATTRIBUTE.role]: 'reader' }
const writer = { [ATTRIBUTE.role]: 'writer' }

describe('the metrics that arrive at a collector', () => {
  const life = collectedLife()

  it('are those of the table, with their units, kinds, attributes and descriptions', () => {
    const { collector } = life
    const ours = collector.metrics.filter(({ scope }) => scope.name === SCOPE.name)
    assert.deepEqual(
      ours.map(({ name }) => name).toSorted(),
      Object.values<Metric>(METRIC)
        .map(({ name }) => name)
        .toSorted(),
    )
    for (const metric of Object.values<Metric>(METRIC)) {
      const arrived = collector.metric(metric.name)!
      assert.equal(arrived.kind, metric.instrument, metric.name)
      assert.equal(arrived.unit, metric.unit, metric.name)
      assert.equal(arrived.description, metric.description, metric.name)
      assert.deepEqual(arrived.scope, { ...SCOPE, schemaUrl: SCHEMA_URL }, metric.name)
      for (const point of arrived.points) {
        assertKnown(point.attributes, metric.attributes, metric.name)
        for (const key of metric.attributes) {
          const isOptional = key === ATTRIBUTE.errorType || key === ATTRIBUTE.statusCode
          assert.ok(isOptional || key in point.attributes, `${metric.name} lacks ${key}`)
        }
        if (metric.instrument === 'histogram') {
          assert.deepEqual(point.boundaries, metric.boundaries, metric.name)
        } else {
          assert.equal(point.isInteger, metric.isInteger === true, metric.name)
        }
      }
    }
  })

  it('say what the stats say, and so what the dashboard says', () => {
    const { collector, report } = life
    const { stats, sinkErrors } = report
    assert.equal(sinkErrors, 0)
    const value = (metric: Metric, attributes = {}): number =>
      collector.point(metric.name, attributes).value

    for (const [lane, of] of [
      [stats.reader, reader],
      [stats.writer, writer],
    ] as const) {
      assert.equal(
        value(METRIC.connectionCount, { ...of, [ATTRIBUTE.connectionState]: 'idle' }),
        lane.idle,
      )
      assert.equal(
        value(METRIC.connectionCount, { ...of, [ATTRIBUTE.connectionState]: 'used' }),
        lane.inUse,
      )
      assert.equal(value(METRIC.connectionLimit, of), lane.max)
      assert.equal(value(METRIC.connectionIdleMin, of), lane.min)
      assert.equal(value(METRIC.pendingRequests, of), lane.waiting)
      assert.equal(value(METRIC.timeouts, of), lane.failed.timeout)
      assert.equal(value(METRIC.leaseLeaks, of), lane.leakSuspected)
      assert.equal(value(METRIC.leaseUnclean, of), lane.dirtyReleased)
      for (const [reason, count] of Object.entries(lane.closed)) {
        const closed = { ...of, [ATTRIBUTE.closeReason]: reason }
        assert.equal(value(METRIC.connectionClosed, closed), count)
      }
      assertHeard(collector, METRIC.waitTime, { of, histogram: lane.waitMs, scale: 1000 })
      assertHeard(collector, METRIC.useTime, { of, histogram: lane.useMs, scale: 1000 })
      assertHeard(collector, METRIC.createTime, { of, histogram: lane.createMs, scale: 1000 })
      assertHeard(collector, METRIC.queueDepth, { of, histogram: lane.queueDepth, scale: 1 })
    }
    const { wal, checkpoint, operationMs } = stats
    assert.equal(value(METRIC.queueLimit), stats.maxWaiters)
    assert.equal(value(METRIC.walSize), wal.sizeBytes)
    assert.equal(value(METRIC.databaseSize), wal.databaseSizeBytes)
    assert.equal(value(METRIC.walFrameCount, { [ATTRIBUTE.frameState]: 'backfilled' }), 600)
    assert.equal(value(METRIC.walFrameCount, { [ATTRIBUTE.frameState]: 'pending' }), 400)
    assert.equal(value(METRIC.checkpointFrames), checkpoint.framesMoved)
    assert.equal(value(METRIC.checkpointIncomplete), checkpoint.incomplete)
    assert.equal(value(METRIC.checkpointFailed), checkpoint.failed)
    assertHeard(collector, METRIC.operationDuration, {
      of: {},
      histogram: operationMs,
      scale: 1000,
    })
    assertHeard(collector, METRIC.checkpointDuration, {
      of: {},
      histogram: checkpoint.durationMs,
      scale: 1000,
    })
    assert.equal(value(METRIC.walResets), wal.resets)
    assert.equal(value(METRIC.walStarvations), wal.starvations)
    assert.equal(value(METRIC.externalCheckpoints), wal.externalCheckpoints)
    assert.equal(value(METRIC.probeUnknown), wal.unknownProbes)
    assert.equal(value(METRIC.diskHeadroom), wal.headroomBytes)
    assert.equal(value(METRIC.readSlotCount), 2)
    assert.equal(value(METRIC.pinLag, { [ATTRIBUTE.pinHolder]: 'iterator' }), wal.pin?.lagFrames)
    assert.equal(value(METRIC.pinAge, { [ATTRIBUTE.pinHolder]: 'iterator' }), 59)
    assert.equal(value(METRIC.backpressure, { [ATTRIBUTE.backpressureReason]: 'disk' }), 1)
    assertHeard(collector, METRIC.writerStall, {
      of: {},
      histogram: checkpoint.stallMs,
      scale: 1000,
    })
    assert.ok(value(METRIC.leaseAge, reader) >= 90)
    assert.equal(value(METRIC.leaseAge, writer), 0)
    assert.ok(value(METRIC.checkpointAge) >= 60)
  })

  it('name failures by error.type and by the status code of SQLite', () => {
    const { collector } = life
    const count = (metric: Metric, attributes: object): number =>
      collector.point(metric.name, { ...attributes }).count
    assert.equal(count(METRIC.waitTime, { ...reader, [ATTRIBUTE.errorType]: 'timeout' }), 1)
    assert.equal(
      count(METRIC.createTime, { ...writer, [ATTRIBUTE.errorType]: 'SQLITE_CANTOPEN' }),
      1,
    )
    const unique = 'SQLITE_CONSTRAINT_UNIQUE'
    const failed = { [ATTRIBUTE.errorType]: unique, [ATTRIBUTE.statusCode]: unique }
    assert.equal(count(METRIC.operationDuration, failed), 1)
    const ours = collector.point(METRIC.operationDuration.name, {
      [ATTRIBUTE.errorType]: 'INTERNAL',
    })
    assert.equal(ATTRIBUTE.statusCode in ours.attributes, false)
    const passive = {
      [ATTRIBUTE.checkpointMode]: 'passive',
      [ATTRIBUTE.checkpointTrigger]: 'frames',
    }
    assert.equal(count(METRIC.checkpointDuration, passive), 1)
  })

  it('spread over the buckets: what takes ms is not all in one', () => {
    const { collector } = life
    const { points } = collector.metric(METRIC.waitTime.name)!
    const granted = points.find((point) => !(ATTRIBUTE.errorType in point.attributes))!
    assert.equal(granted.bucketCounts.filter((count) => count > 0).length, 4)
  })

  it('come with the name of the service, and without the command line', () => {
    const { collector } = life
    for (const { resource } of collector.metrics) {
      assert.equal(resource['service.name'], 'glasspool')
      assert.deepEqual(
        Object.keys(resource).filter((key) => key.startsWith('process.')),
        [],
      )
    }
  })
})

/** The exported histogram has counted what the pool's own has, in sum over all error types. */
function assertHeard(
  collector: Collector,
  metric: Metric,
  own: {
    readonly of: Readonly<Record<string, string>>
    readonly histogram: { readonly count: number; readonly sumMs: number }
    readonly scale: number
  },
): void {
  const points = collector
    .metric(metric.name)!
    .points.filter(({ attributes }) =>
      Object.entries(own.of).every(([key, value]) => attributes[key] === value),
    )
  const count = points.reduce((total, point) => total + point.count, 0)
  const sum = points.reduce((total, point) => total + point.sum, 0)
  assert.equal(count, own.histogram.count, metric.name)
  assert.ok(Math.abs(sum * own.scale - own.histogram.sumMs) < 1e-6, metric.name)
}
