import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startCollector } from '../telemetry/testing/collector.ts'
import { startServer } from './testing/server-process.ts'

const ADMIN_TOKEN = 'f3b1c9a07d5e4826b1f09c3ad7e85416'

interface Lane {
  readonly acquired: number
  readonly released: number
  readonly wait: { readonly count: number }
}

/** More heavy reads at once than there are readers: some must wait. */
async function overload(url: string): Promise<void> {
  const answers = await Promise.all(
    Array.from({ length: 12 }, () => fetch(`${url}/api/products/stats`)),
  )
  for (const answer of answers) {
    assert.equal(answer.status, 200)
    await answer.arrayBuffer()
  }
}

describe('the telemetry of the server', () => {
  it('reaches a collector: pool metrics, and the span of an acquire that waited in its request’s trace', async (t) => {
    const collector = await startCollector(t)
    const server = await startServer(t, {
      ADMIN_TOKEN,
      DB_POOL_SIZE: '2',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_METRIC_EXPORT_INTERVAL: '500',
      OTEL_METRIC_EXPORT_TIMEOUT: '500',
    })
    await overload(server.url)
    const reader = { 'sqlite.connection.role': 'reader' }
    await collector.until(() => {
      const wait = collector.metric('db.client.connection.wait_time')?.points ?? []
      const count = collector.metric('db.client.connection.count')?.points ?? []
      return count.length > 0 && wait.some((point) => (point.sum ?? 0) > 0)
    })
    const limit = collector.metric('db.client.connection.limit')!
    assert.equal(limit.unit, '{connection}')
    assert.equal(collector.point('db.client.connection.limit', reader).value, 1)
    assert.equal(collector.metric('db.client.connection.wait_time')!.unit, 's')
    assert.equal(collector.metric('db.client.connection.pending_requests')!.unit, '{request}')

    server.kill('SIGTERM')
    assert.deepEqual(await server.exited, { code: 0, signal: null }, server.output())
    const requests = collector.spans.filter((span) => span.name === 'GET /api/products/stats')
    assert.equal(requests.length, 12)
    const traces = new Set(requests.map((span) => span.traceId))
    const waits = collector.spans.filter((span) => span.name === 'sqlite.pool.acquire')
    assert.ok(waits.length >= 10, `${waits.length} of 12 waited for one reader`)
    for (const wait of waits) assert.ok(traces.has(wait.traceId))
    const links = waits.flatMap((span) => span.links)
    assert.ok(links.some((link) => link.attributes['sqlite.pool.link.type'] === 'released_by'))
    assert.ok(links.every((link) => traces.has(link.traceId)))
  })

  it('says the same as pool-stats', async (t) => {
    const collector = await startCollector(t)
    const server = await startServer(t, {
      ADMIN_TOKEN,
      DB_POOL_SIZE: '3',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_METRIC_EXPORT_INTERVAL: '200',
      OTEL_METRIC_EXPORT_TIMEOUT: '200',
    })
    await overload(server.url)
    const response = await fetch(`${server.url}/api/admin/pool-stats`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    const { readers } = (await response.json()) as { readers: Lane }
    const count = (name: string): number | undefined =>
      collector
        .metric(name)
        ?.points.find((point) => point.attributes['sqlite.connection.role'] === 'reader')?.count
    await collector.until(
      () =>
        count('db.client.connection.wait_time') === readers.wait.count &&
        count('db.client.connection.use_time') === readers.released,
    )
    // More of the same would be a second count somewhere.
    assert.equal(readers.wait.count, readers.acquired)
    assert.equal(readers.released, readers.acquired)
  })

  for (const behaviour of ['hang', 'unavailable', 'close'] as const) {
    it(`changes nothing for requests, and little for the end, when the collector answers with ${behaviour}`, async (t) => {
      const collector = await startCollector(t, { behaviour })
      const server = await startServer(t, {
        ADMIN_TOKEN,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_METRIC_EXPORT_INTERVAL: '200',
        OTEL_METRIC_EXPORT_TIMEOUT: '200',
        OTEL_BSP_SCHEDULE_DELAY: '100',
      })
      await overload(server.url)
      await collector.until(() => collector.requests.length > 0)
      await overload(server.url)
      server.kill('SIGTERM')
      assert.deepEqual(await server.exited, { code: 0, signal: null }, server.output())
    })
  }
})
