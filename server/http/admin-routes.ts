import { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { CheckpointResult, WALManager } from '../wal/wal-manager.ts'
import { credentialOf } from './access/credential.ts'
import { poolStatsSchema, type PoolStatsReply } from './pool-stats-schema.ts'
import {
  checkpointBody,
  checkpointReply,
  walInfoSchema,
  type CheckpointBody,
} from './wal-schemas.ts'

export interface AdminOptions {
  readonly pool: {
    stats(): PoolStatsReply
    readonly wal: Pick<WALManager, 'checkpoint' | 'getWALInfo'>
  }
}

const KIB = 1024
/** Longer than any budget, and than a log that several passes have to copy. */
const CHECKPOINT_TIMEOUT_MS = 60_000
const tags = ['admin']
const looking = { access: 'admin', rateLimit: { max: 600, timeWindow: 60_000 } } as const
const acting = { access: 'admin', rateLimit: { max: 60, timeWindow: 60_000 } } as const

/** What only administrators see and do. Whatever is done leaves a line in the log: who, what, with which result. */
async function adminRoutes(app: FastifyInstance, { pool }: AdminOptions): Promise<void> {
  app.get(
    '/api/admin/pool-stats',
    {
      config: looking,
      schema: { tags, summary: 'The pool now', response: { 200: poolStatsSchema } },
    },
    (_request, reply) => reply.send(pool.stats()),
  )

  app.get(
    '/api/admin/wal',
    {
      config: looking,
      schema: {
        tags,
        summary: 'The write-ahead log now',
        description: 'Asking never checkpoints.',
        response: { 200: walInfoSchema },
      },
    },
    () => pool.wal.getWALInfo(),
  )

  app.post<{ Body: CheckpointBody }>(
    '/api/admin/checkpoint',
    {
      config: acting,
      bodyLimit: 4 * KIB,
      handlerTimeout: CHECKPOINT_TIMEOUT_MS,
      schema: {
        tags,
        summary: 'Checkpoint the write-ahead log',
        description: 'One runs at a time; another waits for it.',
        body: checkpointBody,
        response: { 200: checkpointReply },
      },
    },
    async (request) => {
      const { mode, budgetMs } = request.body
      // Nothing travels while it runs; the next request sets the usual limit again.
      const { socket } = request
      if (socket instanceof Socket) socket.setTimeout(CHECKPOINT_TIMEOUT_MS)
      return audited(request, { verb: 'checkpoint', mode }, () =>
        pool.wal.checkpoint(mode, budgetMs === undefined ? {} : { budgetMs }),
      )
    },
  )
}

async function audited(
  request: FastifyRequest,
  action: { readonly verb: string; readonly mode: string },
  act: () => Promise<CheckpointResult>,
): Promise<CheckpointResult> {
  const who = { access: request.access, by: credentialOf(request)?.kind, address: request.ip }
  try {
    const result = await act()
    request.log.info({ audit: { who, ...action, result: result.outcome } }, 'admin action')
    return result
  } catch (error) {
    const { code = 'INTERNAL' } = error as { readonly code?: string }
    request.log.warn({ audit: { who, ...action, result: code } }, 'admin action failed')
    throw error
  }
}

export const adminRoutesPlugin = fp(adminRoutes, {
  name: 'admin-routes',
  dependencies: ['access', 'rate-limit'],
})
