// A process of its own, because an SDK registers itself globally: `node scenarios.ts NAME`. Reports as JSON on stdout.
import { EventBus } from '../event-bus.ts'
import { instrumentPool } from '../otel/instrument.ts'
import { captureTrace } from '../otel/trace-ref.ts'
import { startTelemetry } from '../sdk.ts'
import {
  createView,
  inRequest,
  playCheckpoint,
  playRequests,
  recordDurations,
} from './pool-life.ts'

const log = {
  info: (message: string): void => void process.stderr.write(`info ${message}\n`),
  warn: (details: object, message: string): void =>
    void process.stderr.write(`warn ${message} ${JSON.stringify(details)}\n`),
}
const start = (): ReturnType<typeof startTelemetry> => startTelemetry(process.env, log)

const scenarios: Readonly<Record<string, () => Promise<object>>> = {
  /** Everything that a pool can tell, once. */
  async life() {
    const telemetry = await start()
    const view = createView()
    const bus = new EventBus({ captureTrace })
    const traceOutside = bus.captureTrace()
    const dispose = instrumentPool(view, (sink) => bus.addSink(sink))
    recordDurations(view)
    const traces = playRequests(bus)
    playCheckpoint(view, bus, traces.slow)
    await telemetry?.shutdown()
    dispose()
    return { stats: view.stats, traces, traceOutside, sinkErrors: bus.sinkErrors }
  },

  /** The pool comes first, and the SDK is found: by an event, or by looking. */
  async lateByEvent() {
    return late(async ({ bus }) => bus.emit({ type: 'pool', state: 'ready', reason: null }))
  },
  async lateByLooking() {
    return late(async ({ hasChanged }) => {
      while (!hasChanged()) await new Promise(setImmediate)
    })
  },

  /** A disposed pool is neither read nor heard, and telling it again is no error. */
  async disposed() {
    const telemetry = await start()
    const view = createView()
    const bus = new EventBus({ captureTrace })
    const dispose = instrumentPool(view, (sink) => bus.addSink(sink))
    dispose()
    dispose()
    recordDurations(view)
    inRequest('GET /', () => playRequests(bus))
    await telemetry?.shutdown()
    return { isHeard: view.stats.reader.waitMs.onRecord !== undefined }
  },

  /** Ends while there is something left to send, and leaves as the server does. */
  async shutdown() {
    const telemetry = await start()
    const bus = new EventBus({ captureTrace })
    instrumentPool(createView(), (sink) => bus.addSink(sink))
    playRequests(bus)
    await Promise.all([telemetry!.shutdown(), telemetry!.shutdown()])
    process.stdout.write('true', () => process.exit())
    return new Promise<never>(() => undefined)
  },

  /** Requests to a Fastify that is imported after the start. */
  async requests() {
    const telemetry = await start()
    const { default: fastify } = await import('fastify')
    const app = fastify()
    const seen: unknown[] = []
    const handler = async (): Promise<object> => {
      seen.push(captureTrace())
      return {}
    }
    app.get('/api/products/:id', handler)
    app.post('/api/products', handler)
    const watching = ['/livez', '/readyz', '/dashboard/index.html', '/api/v1/live']
    for (const path of watching) app.get(path, handler)
    await app.inject('/api/products/7?token=secret')
    await app.inject({ method: 'POST', url: '/api/products', payload: { name: 'x' } })
    await app.inject('/nobody/serves/this?token=secret')
    for (const path of watching) await app.inject(`${path}?boot=1`)
    await app.close()
    await telemetry?.shutdown()
    return { seen }
  },
}

async function late(
  find: (tools: { readonly bus: EventBus; hasChanged: () => boolean }) => Promise<void>,
): Promise<object> {
  const view = createView()
  const bus = new EventBus({ captureTrace })
  const dispose = instrumentPool(view, (sink) => bus.addSink(sink))
  view.stats.reader.waitMs.record(1)
  const early = view.stats.reader.waitMs.onRecord
  const telemetry = await start()
  await find({ bus, hasChanged: () => view.stats.reader.waitMs.onRecord !== early })
  view.stats.reader.waitMs.record(2)
  view.stats.reader.waitMs.record(3)
  await telemetry?.shutdown()
  dispose()
  return { stats: view.stats }
}

const scenario = scenarios[process.argv[2] ?? '']
if (scenario === undefined) throw new TypeError(`scenarios: ${Object.keys(scenarios).join(', ')}`)
process.stdout.write(JSON.stringify(await scenario()))
