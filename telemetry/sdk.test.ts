import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { ATTRIBUTE, ATTRIBUTE_VALUES } from './otel/attributes.ts'
import { METRIC, SCHEMA_URL, SCOPE, type Metric } from './otel/names.ts'
import {
  LINK_ATTRIBUTES,
  SPAN_ATTRIBUTES,
  SPAN_EVENT_ATTRIBUTES,
  type SpanEventName,
  type SpanName,
} from './otel/names.ts'
import type * as sdk from './sdk.ts'
import type { PoolStats } from './stats.ts'
import { startCollector, type Collector, type CollectorBehaviour } from './testing/collector.ts'
import type { DecodedAttributes, DecodedSpan } from './testing/decode.ts'
import { LIFE_BEGAN_AT_MS, type Traces } from './testing/pool-life.ts'
import { runScenario, type ScenarioRun } from './testing/run-scenario.ts'

interface LifeReport {
  readonly stats: PoolStats
  readonly traces: Traces
  readonly traceOutside: unknown
  readonly sinkErrors: number
}

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

async function runToCollector(
  t: Cleanup,
  scenario: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly collector: Collector; readonly run: ScenarioRun }> {
  const collector = await startCollector(t)
  const run = await runScenario(t, scenario, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env })
  assert.equal(run.code, 0, run.log)
  return { collector, run }
}

/** One life of a pool is enough for everything that only looks at it. */
const life = { stops: [] as (() => void | Promise<void>)[] } as {
  readonly stops: (() => void | Promise<void>)[]
  collector: Collector
  report: LifeReport
}
before(async () => {
  const { collector, run } = await runToCollector({ after: (fn) => life.stops.push(fn) }, 'life')
  life.collector = collector
  life.report = run.report as LifeReport
})
after(async () => {
  for (const stop of life.stops) await stop()
})

const reader = { [ATTRIBUTE.role]: 'reader' }
const writer = { [ATTRIBUTE.role]: 'writer' }

describe('the metrics that arrive at a collector', () => {
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

describe('the spans that arrive at a collector', () => {
  it('are those of the table, with their attributes and values', () => {
    const { collector } = life
    const ours = collector.spans.filter(({ scope }) => scope.name === SCOPE.name)
    assert.deepEqual(ours.map(({ name }) => name).toSorted(), [
      'INSERT note',
      'SELECT product',
      'sqlite.connection.open',
      'sqlite.pool.acquire',
      'sqlite.pool.acquire',
      'sqlite.pool.acquire',
      'sqlite.pool.lease',
      'sqlite.pool.lease',
      'sqlite.wal.checkpoint',
      'sqlite.wal.checkpoint',
      'sqlite.wal.checkpoint.gate',
      'sqlite.wal.checkpoint.pass',
    ])
    for (const span of ours) {
      const isStatement = span.kind === 3
      const allowed = SPAN_ATTRIBUTES[isStatement ? 'sqlite' : (span.name as SpanName)]
      assertKnown(span.attributes, allowed, span.name)
      for (const link of span.links) assertKnown(link.attributes, LINK_ATTRIBUTES, span.name)
      for (const { name, attributes } of span.events) {
        assertKnown(attributes, SPAN_EVENT_ATTRIBUTES[name as SpanEventName], name)
      }
      assert.deepEqual(span.scope, { ...SCOPE, schemaUrl: SCHEMA_URL })
    }
  })

  it('show a waiter whom it waited for', () => {
    const { collector, report } = life
    const { traces } = report
    const acquire = spanAt(collector, LIFE_BEGAN_AT_MS + 10.5)
    assert.equal(acquire.name, 'sqlite.pool.acquire')
    assert.equal(acquire.traceId, traces.waiting.traceId)
    assert.equal(acquire.parentSpanId, traces.waiting.spanId)
    assert.equal(acquire.endMs, LIFE_BEGAN_AT_MS + 10.5 + 81.25)
    assert.equal(acquire.isError, false)
    assert.equal(acquire.attributes[ATTRIBUTE.queueDepth], 3)
    assert.equal(acquire.attributes[ATTRIBUTE.connectionId], 2)
    assert.deepEqual(acquire.links, [
      {
        traceId: traces.fast.traceId,
        spanId: traces.fast.spanId,
        attributes: {
          [ATTRIBUTE.linkType]: 'released_by',
          [ATTRIBUTE.connectionId]: 2,
          [ATTRIBUTE.leaseHeld]: 0.09,
          [ATTRIBUTE.leaseLabel]: 'GET /fast',
        },
      },
      {
        traceId: traces.slow.traceId,
        spanId: traces.slow.spanId,
        attributes: {
          [ATTRIBUTE.linkType]: 'held_by',
          [ATTRIBUTE.connectionId]: 1,
          [ATTRIBUTE.leaseHeld]: 0.4,
          [ATTRIBUTE.leaseLabel]: 'GET /slow',
        },
      },
    ])
    const requests = collector.spans.filter(({ scope }) => scope.name === 'test')
    for (const link of acquire.links) {
      assert.ok(
        requests.some(({ spanId }) => spanId === link.spanId),
        'the link resolves',
      )
    }
  })

  it('mark a failed acquire, and say when a holder is not traced', () => {
    const { collector } = life
    const acquire = spanAt(collector, LIFE_BEGAN_AT_MS + 100)
    assert.equal(acquire.isError, true)
    assert.equal(acquire.attributes[ATTRIBUTE.errorType], 'timeout')
    assert.equal(ATTRIBUTE.connectionId in acquire.attributes, false)
    assert.equal(acquire.attributes[ATTRIBUTE.isHolderSampled], false)
    assert.equal(acquire.links.length, 1)
  })

  it('put the opening of a connection under the acquire that asked for it', () => {
    const { collector } = life
    const acquire = spanAt(collector, LIFE_BEGAN_AT_MS + 200)
    const opening = spanAt(collector, LIFE_BEGAN_AT_MS + 201)
    assert.equal(acquire.attributes[ATTRIBUTE.hasOpened], true)
    assert.equal(opening.name, 'sqlite.connection.open')
    assert.equal(opening.parentSpanId, acquire.spanId)
    assert.equal(opening.endMs, LIFE_BEGAN_AT_MS + 204.5)
  })

  it('tell a lease how many it kept waiting', () => {
    const { collector } = life
    const lease = spanAt(collector, LIFE_BEGAN_AT_MS + 92)
    assert.equal(lease.attributes[ATTRIBUTE.leaseOperations], 2)
    assert.equal(lease.attributes[ATTRIBUTE.leaseWaiters], 4)
    assert.equal(lease.endMs - lease.startMs, 30)
  })

  it('show statements as written when they have parameters, and without values when not', () => {
    const { collector } = life
    const select = spanAt(collector, LIFE_BEGAN_AT_MS + 93)
    assert.equal(select.kind, 3)
    assert.equal(select.attributes[ATTRIBUTE.queryText], 'SELECT * FROM product WHERE id = ?')
    assert.equal(select.attributes[ATTRIBUTE.querySummary], select.name)
    const insert = spanAt(collector, LIFE_BEGAN_AT_MS + 96)
    assert.equal(insert.isError, true)
    assert.equal(insert.attributes[ATTRIBUTE.queryText], 'INSERT INTO note VALUES (?)')
    assert.equal(insert.attributes[ATTRIBUTE.errorType], 'SQLITE_CONSTRAINT_UNIQUE')
    assert.equal(insert.attributes[ATTRIBUTE.statusCode], 'SQLITE_CONSTRAINT_UNIQUE')
  })

  it('make a checkpoint a root of its own, linked to the lease in its way', () => {
    const { collector, report } = life
    const lease = leaseOf(collector, report.traces.slow.traceId)
    const starved = spanAt(collector, LIFE_BEGAN_AT_MS + 500)
    assert.equal(starved.name, 'sqlite.wal.checkpoint')
    assert.equal(starved.parentSpanId, '')
    assert.equal(starved.attributes[ATTRIBUTE.checkpointOutcome], 'partial_reader')
    assert.equal(starved.attributes[ATTRIBUTE.sizeBefore], 4_124_152)
    assert.equal(ATTRIBUTE.sizeAfter in starved.attributes, false)
    assert.deepEqual(
      starved.links.map((link) => [link.spanId, link.attributes[ATTRIBUTE.linkType]]),
      [[lease.spanId, 'blocked_by']],
    )
    const broken = spanAt(collector, LIFE_BEGAN_AT_MS + 900)
    assert.equal(broken.isError, true)
    assert.notEqual(broken.traceId, starved.traceId)
  })

  it('say what pinned the log, and not more of whose it is than that', () => {
    const { attributes } = spanAt(life.collector, LIFE_BEGAN_AT_MS + 500)
    assert.equal(attributes[ATTRIBUTE.pinHolder], 'iterator')
    assert.equal(attributes[ATTRIBUTE.pinSlot], 2)
    assert.equal(attributes[ATTRIBUTE.pinFrame], 600)
    assert.equal(attributes[ATTRIBUTE.pinLag], 400)
    assert.equal(attributes[ATTRIBUTE.pinAge], 59)
    assert.equal(attributes[ATTRIBUTE.leaseLabel], 'GET /slow')
    assert.equal(attributes[ATTRIBUTE.connectionId], 1)
    assert.equal(ATTRIBUTE.processId in attributes, false)
  })

  it('put the passes of a checkpoint below it, and for how long it held writers back', () => {
    const { collector } = life
    const pass = spanAt(collector, LIFE_BEGAN_AT_MS + 501)
    assert.equal(pass.name, 'sqlite.wal.checkpoint.pass')
    assert.equal(pass.parentSpanId, spanAt(collector, LIFE_BEGAN_AT_MS + 500).spanId)
    assert.equal(pass.attributes[ATTRIBUTE.checkpointMode], 'passive')
    assert.equal(pass.endMs, LIFE_BEGAN_AT_MS + 539.5)
    const gate = spanAt(collector, LIFE_BEGAN_AT_MS + 901)
    assert.equal(gate.name, 'sqlite.wal.checkpoint.gate')
    assert.equal(gate.parentSpanId, spanAt(collector, LIFE_BEGAN_AT_MS + 900).spanId)
    assert.equal(gate.endMs, LIFE_BEGAN_AT_MS + 903.5)
  })

  it('tell a lease on its own span that it pinned the log, and make that span once', () => {
    const { collector, report } = life
    const { slow } = report.traces
    const lease = leaseOf(collector, slow.traceId)
    assert.equal(lease.parentSpanId, slow.spanId)
    assert.equal(lease.endMs - lease.startMs, 91_000)
    assert.equal(lease.attributes[ATTRIBUTE.role], 'reader')
    assert.equal(lease.attributes[ATTRIBUTE.leaseOperations], 3)
    assert.equal(lease.attributes[ATTRIBUTE.leaseWaiters], 1)
    assert.deepEqual(
      lease.events.map(({ name, attributes }) => [name, attributes]),
      [19, 59].map((age) => [
        'sqlite.wal.pinned',
        { [ATTRIBUTE.pinHolder]: 'iterator', [ATTRIBUTE.pinLag]: 400, [ATTRIBUTE.pinAge]: age },
      ]),
    )
    for (const { atMs } of lease.events) assert.ok(lease.startMs < atMs && atMs < lease.endMs)
  })

  it('know no trace outside of a request', () => {
    assert.equal(life.report.traceOutside, null)
  })

  it('do not come when nothing is sampled, checkpoints neither', async (t) => {
    const { collector } = await runToCollector(t, 'life', { OTEL_TRACES_SAMPLER: 'always_off' })
    assert.deepEqual(collector.spans, [])
    assert.ok(collector.metrics.length > 0)
  })
})

describe('requests to the server', () => {
  it('are spans with the name of their route, and without their query', async (t) => {
    const { collector, run } = await runToCollector(t, 'requests')
    const requests = collector.spans.filter(({ kind }) => kind === 2)
    assert.deepEqual(
      requests.map(({ name, attributes }) => [name, attributes['url.path']]),
      [
        ['GET /api/products/:id', '/api/products/7'],
        ['POST /api/products', '/api/products'],
        ['GET', '/nobody/serves/this'],
      ],
    )
    const { seen } = run.report as { readonly seen: readonly ({ spanId: string } | null)[] }
    // The handlers run under a span, a body or not, and what watches the pool runs under none.
    const ids = collector.spans.map(({ spanId }) => spanId)
    assert.deepEqual(
      seen.map((ref) => ref !== null && ids.includes(ref.spanId)),
      [true, true, false, false, false, false],
    )
  })
})

describe('an SDK that is started after the pool', { timeout: 300_000 }, () => {
  for (const scenario of ['lateByEvent', 'lateByLooking']) {
    it(`gets everything from then on (${scenario})`, async (t) => {
      const { collector, run } = await runToCollector(t, scenario)
      const { points } = collector.metric(METRIC.waitTime.name)!
      assert.equal(
        points.reduce((sum, { count }) => sum + count, 0),
        2,
      )
      assert.equal(collector.point(METRIC.connectionLimit.name, writer).value, 1)
      assert.match(run.log, /Start the SDK first/)
    })
  }
})

describe('a pool that is no longer instrumented', () => {
  it('is neither read nor heard', async (t) => {
    const { collector, run } = await runToCollector(t, 'disposed')
    assert.deepEqual(run.report, { isHeard: false })
    assert.deepEqual(
      collector.metrics.filter(({ points }) => points.length > 0),
      [],
    )
    assert.deepEqual(
      collector.spans.filter(({ scope }) => scope.name === SCOPE.name),
      [],
    )
  })
})

describe('a collector in trouble', { concurrency: 4, timeout: 300_000 }, () => {
  const troubles: readonly (CollectorBehaviour | 'dead')[] = [
    'dead',
    'hang',
    'unavailable',
    'close',
  ]
  for (const trouble of troubles) {
    it(`that is ${trouble} costs a line in the log, and the process ends`, async (t) => {
      const collector = await startCollector(t, trouble === 'dead' ? {} : { behaviour: trouble })
      if (trouble === 'dead') await collector.close()
      const run = await runScenario(t, 'shutdown', {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        // Left to the SDK, the end would come after the end of this test.
        OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
        OTEL_METRIC_EXPORT_TIMEOUT: '600000',
        OTEL_METRIC_EXPORT_INTERVAL: '600000',
        OTEL_BSP_EXPORT_TIMEOUT: '600000',
      })
      assert.equal(run.code, 0, run.log)
      assert.equal(run.report, true)
      assert.match(run.log, /warn OpenTelemetry/)
    })
  }

  it('that hangs lets the process end by itself, too, with our defaults', async (t) => {
    const collector = await startCollector(t, { behaviour: 'hang' })
    const run = await runScenario(t, 'life', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    assert.equal(run.code, 0, run.log)
    assert.match(run.log, /warn OpenTelemetry/)
  })
})

describe('startTelemetry', () => {
  it('loads nothing when no exporter is named', async () => {
    const loaded: string[] = []
    const hooks = registerHooks({
      load(url, loadContext, nextLoad) {
        loaded.push(url)
        return nextLoad(url, loadContext)
      },
    })
    try {
      // Another test of the same process may have imported it already.
      const fresh: string = './sdk.ts?fresh'
      const { startTelemetry } = (await import(fresh)) as Pick<typeof sdk, 'startTelemetry'>
      const refuse = (): never => assert.fail('nothing is to be said')
      assert.equal(await startTelemetry({}, { info: refuse, warn: refuse }), null)
    } finally {
      hooks.deregister()
    }
    const heavy = loaded.filter((url) => /sdk-node|fastify/.test(url))
    assert.ok(loaded.length > 0)
    assert.deepEqual(heavy, [])
  })

  it('compresses when told to, and sends one signal only when told to', async (t) => {
    const { collector } = await runToCollector(t, 'life', {
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_METRICS_EXPORTER: 'none',
    })
    assert.ok(collector.spans.length > 0)
    assert.ok(collector.requests.every(({ contentEncoding }) => contentEncoding === 'gzip'))
    assert.ok(collector.requests.every(({ path }) => path === '/v1/traces'))
  })

  it('sends metrics alone without a warning', async (t) => {
    const collector = await startCollector(t)
    const endpoint = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${collector.url}/v1/metrics` }
    const run = await runScenario(t, 'life', endpoint)
    assert.doesNotMatch(run.log, /warn/)
    assert.match(run.log, /exporting metrics$/m)
    assert.ok(collector.requests.every(({ path }) => path === '/v1/metrics'))
    assert.ok(collector.metrics.length > 0)
  })

  it('does as a configuration file says', async (t) => {
    const collector = await startCollector(t)
    const folder = mkdtempSync(join(tmpdir(), 'glasspool-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'otel.yaml')
    const exporter = `{ otlp_http: { endpoint: '${collector.url}/v1/traces' } }`
    writeFileSync(
      path,
      `file_format: '1.0'
resource: { attributes: [{ name: service.name, value: from-the-file }] }
tracer_provider: { processors: [{ batch: { exporter: ${exporter} } }] }
`,
    )
    const run = await runScenario(t, 'life', { OTEL_CONFIG_FILE: path })
    assert.equal(run.code, 0, run.log)
    assert.ok(collector.spans.length > 0, run.log)
    assert.equal(collector.spans[0]!.resource['service.name'], 'from-the-file')
    assert.deepEqual(collector.metrics, [])
  })

  it('runs the server without telemetry when the configuration file is missing', async (t) => {
    const run = await runScenario(t, 'life', { OTEL_CONFIG_FILE: '/nowhere/otel.yaml' })
    assert.equal(run.code, 0)
    assert.match(run.log, /warn OpenTelemetry/)
  })

  it('tells the log of a setting that it does not know', async (t) => {
    const run = await runScenario(t, 'life', { OTEL_METRICS_EXPORTER: 'carrier-pigeon' })
    assert.equal(run.code, 0)
    assert.match(run.log, /carrier-pigeon/)
  })
})

function assertKnown(
  attributes: DecodedAttributes,
  allowed: readonly string[],
  where: string,
): void {
  for (const [key, value] of Object.entries(attributes)) {
    assert.ok(allowed.includes(key), `${where} carries ${key}`)
    const values = ATTRIBUTE_VALUES[key as keyof typeof ATTRIBUTE_VALUES]
    if (values !== undefined)
      assert.ok(values.includes(String(value)), `${key} is ${String(value)}`)
  }
}

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

function leaseOf(collector: Collector, traceId: string): DecodedSpan {
  const found = collector.spans.filter(
    (span) => span.name === 'sqlite.pool.lease' && span.traceId === traceId,
  )
  assert.equal(found.length, 1, 'lease spans of the trace')
  return found[0]!
}

function spanAt(collector: Collector, startMs: number): DecodedSpan {
  const found = collector.spans.filter((span) => span.startMs === startMs)
  assert.equal(found.length, 1, `spans at ${startMs - LIFE_BEGAN_AT_MS}`)
  return found[0]!
}
