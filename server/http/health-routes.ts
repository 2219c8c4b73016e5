import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import type { PoolState } from '../../telemetry/events.ts'
import { HttpError } from './http-error.ts'

export interface HealthOptions {
  readonly view: { readonly state: PoolState }
}

const config = { access: 'open', isProbe: true } as const
const tags = ['health']
const closed = { additionalProperties: false } as const

/** For whoever restarts the process, and for whoever sends it traffic. Neither learns more than that. */
async function healthRoutes(app: FastifyInstance, { view }: HealthOptions): Promise<void> {
  app.get(
    '/livez',
    {
      config,
      schema: {
        tags,
        summary: 'The process answers',
        response: { 200: Type.Object({ status: Type.Literal('ok') }, closed) },
      },
    },
    (_request, reply) => reply.send({ status: 'ok' }),
  )

  app.get(
    '/readyz',
    {
      config,
      schema: {
        tags,
        summary: 'Requests may come',
        description: '`degraded`: it answers, but not everything works. 503: send no requests.',
        response: { 200: Type.Object({ status: Type.Enum(['ready', 'degraded']) }, closed) },
      },
    },
    (_request, reply) => {
      if (app.drain.isDraining || view.state === 'draining') {
        throw new HttpError('POOL_DRAINING', 'the server is draining')
      }
      if (view.state !== 'ready' && view.state !== 'degraded') {
        throw new HttpError('NOT_READY', `the pool is ${view.state}`)
      }
      return reply.send({ status: view.state })
    },
  )
}

export const healthRoutesPlugin = fp(healthRoutes, {
  name: 'health-routes',
  dependencies: ['access', 'drain'],
})
