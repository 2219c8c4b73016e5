import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startTelemetry, type Telemetry } from '../telemetry/sdk.ts'
import { startCollector, type Collector } from '../telemetry/testing/collector.ts'
import type { DecodedSpan } from '../telemetry/testing/decode.ts'
import { inRequest } from '../telemetry/testing/pool-life.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { createPool } from './create-pool.ts'
import { tempDatabase } from './testing/temp-db.ts'

/** One page of the log a row, and more than a checkpoint leaves. */
const WRITE =
  'INSERT INTO page (bytes) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) SELECT zeroblob(3800) FROM n'

interface Rig {
  readonly collector: Collector
  readonly telemetry: Telemetry
  readonly pool: ConnectionPool
}

/** The SDK registers itself for the whole process: one test of this file may have it. */
async function openTracedPool(t: TestContext): Promise<Rig> {
  const collector = await startCollector(t)
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_METRIC_EXPORT_INTERVAL: '200',
    OTEL_METRIC_EXPORT_TIMEOUT: '200',
  })
  const silent = (): void => undefined
  const telemetry = await startTelemetry(process.env, { info: silent, warn: silent })
  t.after(() => telemetry!.shutdown())
  const pool = await createPool({ path: tempDatabase(t), size: 3, leakThresholdMs: 0 })
  t.after(() => pool.close({ timeoutMs: 0 }))
  await pool.run('CREATE TABLE page (bytes BLOB NOT NULL)')
  return { collector, telemetry: telemetry!, pool }
}

/** A reader that stays in its transaction, inside of a traced request, until the result is called. */
async function pinLog(pool: ConnectionPool): Promise<() => Promise<void>> {
  const { promise: isReading, resolve: hasRead } = Promise.withResolvers<void>()
  const { promise: isAllowedToEnd, resolve: end } = Promise.withResolvers<void>()
  const read = inRequest('GET /export', () =>
    pool.read(
      async (db) => {
        await db.prepare('SELECT count(*) FROM page').get()
        hasRead()
        await isAllowedToEnd
      },
      { label: 'export' },
    ),
  )
  await isReading
  return async () => {
    end()
    await read
  }
}

function starved(pool: ConnectionPool): Promise<void> {
  return new Promise((resolve) => {
    pool.onEvent((event) => {
      if (event.type === 'checkpoint' && event.outcome === 'partial_reader') resolve()
    })
  })
}

/** The value of a gauge of the pin for one kind of holder, as it was exported last. */
function exported(collector: Collector, name: string): number | undefined {
  return collector
    .metric(name)
    ?.points.find(({ attributes }) => attributes['sqlite.wal.pin.holder'] === 'lease')?.value
}

function only(collector: Collector, isWanted: (span: DecodedSpan) => boolean): DecodedSpan {
  const found = collector.spans.filter(isWanted)
  assert.equal(found.length, 1)
  return found[0]!
}

describe('the trace of a checkpoint that a reader starves', () => {
  it('links to the span of the lease, which says so itself; and the metrics show the pin come and go', async (t) => {
    const { collector, telemetry, pool } = await openTracedPool(t)
    const isStarved = starved(pool)
    const endRead = await pinLog(pool)
    await pool.run(WRITE)
    await isStarved
    await collector.until(() => (exported(collector, 'sqlite.wal.pin.lag') ?? 0) > 1000)
    assert.ok(exported(collector, 'sqlite.wal.pin.age')! > 0)
    await endRead()
    await collector.until(() => exported(collector, 'sqlite.wal.pin.lag') === 0)
    await pool.close()
    await telemetry.shutdown()

    const request = only(collector, ({ name }) => name === 'GET /export')
    const lease = only(
      collector,
      ({ name, traceId }) => name === 'sqlite.pool.lease' && traceId === request.traceId,
    )
    assert.equal(lease.parentSpanId, request.spanId)
    assert.equal(lease.attributes['sqlite.lease.operations'], 3)
    const checkpoint = collector.spans.find(
      ({ attributes }) => attributes['sqlite.checkpoint.outcome'] === 'partial_reader',
    )!
    assert.equal(checkpoint.name, 'sqlite.wal.checkpoint')
    assert.deepEqual(
      checkpoint.links.map(({ traceId, spanId }) => ({ traceId, spanId })),
      [{ traceId: lease.traceId, spanId: lease.spanId }],
    )
    assert.equal(checkpoint.links[0]!.attributes['sqlite.pool.link.type'], 'blocked_by')
    assert.equal(checkpoint.attributes['sqlite.wal.pin.holder'], 'lease')
    assert.equal(checkpoint.attributes['sqlite.lease.label'], 'export')
    const passes = collector.spans.filter(({ parentSpanId }) => parentSpanId === checkpoint.spanId)
    assert.deepEqual(
      passes.map(({ name }) => name),
      ['sqlite.wal.checkpoint.pass'],
    )
    const [event] = lease.events
    assert.equal(event?.name, 'sqlite.wal.pinned')
    assert.ok(Number(event.attributes['sqlite.wal.pin.lag']) > 1000)
    assert.ok(Number(event.attributes['sqlite.wal.pin.age']) > 0)
    assert.ok(lease.startMs <= event.atMs && event.atMs <= lease.endMs)
  })
})
