import { diag, metrics } from '@opentelemetry/api'
import type { MeterProvider } from '@opentelemetry/api'
import type { EventSink } from '../events.ts'
import type { PoolView } from '../pool-view.ts'
import { createPoolMetrics, type PoolMetrics } from './metrics.ts'
import { createPoolSpans, type PoolSpans } from './spans.ts'

/** How often a pool looks whether an SDK has been started or exchanged. */
const WATCH_MS = 1000

interface Instruments {
  readonly provider: MeterProvider
  readonly metrics: PoolMetrics
  readonly spans: PoolSpans
}

/**
 * Connects a pool to OpenTelemetry: metrics read from its stats, spans made from its events. Without an SDK
 * a record costs one call more. One pool is instrumented once at a time.
 *
 * An SDK that is started after the pool is found within a second and gets everything from then on; what the
 * histograms recorded before is not in its export, which is why the SDK should be started first.
 *
 * @param onEvent adds a sink and returns the way to remove it: `pool.onEvent`.
 * @returns the way to disconnect, after the pool has closed; may be called twice.
 */
export function instrumentPool(
  view: PoolView,
  onEvent: (sink: EventSink) => () => void,
): () => void {
  let instruments = connect(view)
  let isConnected = true
  const reconnectIfStale = (): void => {
    if (metrics.getMeterProvider() === instruments.provider) return
    diag.warn(
      `the meter provider changed after pool "${view.stats.name}" was made, so its instruments are made anew. Start the SDK first.`,
    )
    disconnect(instruments)
    instruments = connect(view)
  }
  const removeSink = onEvent((event) => {
    reconnectIfStale()
    instruments.metrics.sink(event)
    instruments.spans.sink(event)
  })
  const timer = setInterval(reconnectIfStale, WATCH_MS)
  timer.unref()
  return () => {
    if (!isConnected) return
    isConnected = false
    clearInterval(timer)
    removeSink()
    disconnect(instruments)
  }
}

function connect(view: PoolView): Instruments {
  return {
    provider: metrics.getMeterProvider(),
    metrics: createPoolMetrics(view),
    spans: createPoolSpans(view),
  }
}

function disconnect({ metrics: ofPool, spans }: Instruments): void {
  ofPool.dispose()
  spans.dispose()
}
