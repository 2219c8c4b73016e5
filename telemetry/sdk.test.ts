import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ATTRIBUTE } from './otel/attributes.ts'
import { METRIC, SCOPE } from './otel/names.ts'
import type * as sdk from './sdk.ts'
import { startCollector, type CollectorBehaviour } from './testing/collector.ts'
import { runScenario } from './testing/run-scenario.ts'
import { runToCollector } from './testing/run-to-collector.ts'

const writer = { [ATTRIBUTE.role]: 'writer' }

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
