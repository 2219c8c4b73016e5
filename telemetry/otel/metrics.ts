import { metrics } from '@opentelemetry/api'
import type { EventSink } from '../events.ts'
import type { PoolView } from '../pool-view.ts'
import { SCHEMA_URL, SCOPE } from './names.ts'
import { observePool } from './observed-metrics.ts'
import { recordPool } from './recorded-metrics.ts'

/** The instruments of one pool. */
export interface PoolMetrics {
  /** Must hear every event of the pool. */
  readonly sink: EventSink
  /** Stops reading and hearing the pool. */
  dispose(): void
}

/**
 * Creates the instruments on the meter provider that is registered now. There is no proxy meter: one made
 * before the SDK has started does nothing for ever, which is why `instrumentPool` watches the provider.
 */
export function createPoolMetrics(view: PoolView): PoolMetrics {
  const meter = metrics.getMeter(SCOPE.name, SCOPE.version, { schemaUrl: SCHEMA_URL })
  const stopObserving = observePool(meter, view)
  const recorded = recordPool(meter, view)
  return {
    sink: recorded.sink,
    dispose() {
      stopObserving()
      recorded.stop()
    },
  }
}
