import { instrumentPool } from '../telemetry/otel/instrument.ts'
import { captureTrace, isTraceKept } from '../telemetry/otel/trace-ref.ts'
import { ConnectionPool } from './connection-pool.ts'
import type { PoolOptions } from './pool/options.ts'

/**
 * Opens a pool on a database file: the writer, which creates the file when there is none and puts it into
 * WAL mode, and the readers that stay open. Everything is open when this resolves, or nothing is.
 *
 * Metrics and spans go to the OpenTelemetry API; without an SDK that costs next to nothing. Start the SDK
 * before the pool.
 *
 * @throws {POOL_INVALID_OPTION} naming every problem at once
 * @throws {POOL_OPEN_FAILED} with the reason of SQLite as its cause
 * @throws {WAL_UNSAFE_SQLITE} this SQLite could lose commits while a checkpoint runs beside a writer
 */
export async function createPool(options: PoolOptions): Promise<ConnectionPool> {
  const pool = new ConnectionPool(options, isTraceKept() ? { captureTrace } : {})
  const disconnect = instrumentPool(pool.view, (sink) => pool.onEvent(sink))
  // An SDK holds on to whatever it observes: a closed pool must not stay in memory because of that.
  pool.onEvent((event) => {
    if (event.type === 'pool' && event.state === 'closed') disconnect()
  })
  await pool.open()
  return pool
}
