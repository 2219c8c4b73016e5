import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { HttpError } from './http-error.ts'

/** A fleet of dashboards behind one address that comes back at once after a restart still gets in. */
const upgradeLimit = { max: 300, timeWindow: 60_000 }

/**
 * Limits, by address, the routes that ask for one with `config.rateLimit`, and the upgrades to websockets.
 * Never the products: whoever measures a pool sends all the requests it can, and the pool's own bounds
 * answer that.
 */
async function limits(app: FastifyInstance): Promise<void> {
  app.addHook('onRoute', (route) => {
    if (route.config?.isWebsocket === true) {
      route.config = { rateLimit: upgradeLimit, ...route.config }
    }
  })
  await app.register(rateLimit, {
    global: false,
    cache: 10_000,
    errorResponseBuilder: (_request, { after }) =>
      new HttpError('RATE_LIMITED', `Too many requests from this address; try again in ${after}.`),
  })
}

export const rateLimitPlugin = fp(limits, { name: 'rate-limit', dependencies: ['access'] })
