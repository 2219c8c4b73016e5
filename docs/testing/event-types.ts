import type { PoolEventBody } from '../../telemetry/events.ts'

/** Held to the type by the compiler. */
const types: Record<PoolEventBody['type'], true> = {
  acquire: true,
  lease: true,
  statement: true,
  'connection.opened': true,
  'connection.closed': true,
  leak: true,
  capacity: true,
  checkpoint: true,
  starvation: true,
  backpressure: true,
  pool: true,
}

/** The name of every event of the pool. */
export const EVENT_TYPES: readonly string[] = Object.keys(types)
