import type { FastifyInstance } from 'fastify'
import type { Telemetry } from '../telemetry/sdk.ts'
import type { ConnectionPool } from './connection-pool.ts'

/** Of the whole time, what requests may take to be answered. */
const DRAIN_SHARE = 0.6
/** What the pool gets at least when requests took all of their time. */
const MIN_POOL_MS = 250

export interface ShutdownParts {
  readonly http: FastifyInstance
  readonly pool: ConnectionPool
  readonly telemetry: Telemetry | null
  /** For everything. */
  readonly budgetMs: number
}

/**
 * The end in its right order: viewers are told, accepted requests are answered, the pool closes (readers, a
 * last checkpoint, the writer), and telemetry is sent, the spans of all that included. Closing the pool
 * first would answer the requests in hand with errors.
 *
 * It rejects when a part of it did: a statement that did not end, for instance.
 */
export async function shutDown({ http, pool, telemetry, budgetMs }: ShutdownParts): Promise<void> {
  const startedMs = performance.now()
  http.log.info({ budgetMs }, 'draining')
  const { cutCount } = await http.drain.run({ deadlineMs: budgetMs * DRAIN_SHARE })
  if (cutCount > 0)
    http.log.warn({ cutCount }, 'connections were cut: their requests took too long')
  const leftMs = budgetMs * DRAIN_SHARE - (performance.now() - startedMs)
  try {
    await pool.close({ timeoutMs: Math.max(leftMs, MIN_POOL_MS) })
  } finally {
    await telemetry?.shutdown()
  }
  http.log.info({ durationMs: Math.round(performance.now() - startedMs) }, 'stopped')
}
