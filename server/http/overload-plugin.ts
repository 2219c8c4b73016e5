import type { FastifyInstance, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { HttpError } from './http-error.ts'
import { LoopWatch } from './loop-watch.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Open, and still not shed when the server is overloaded: the way to the dashboard. */
    isEssential?: boolean
  }
}

export interface OverloadOptions {
  /** Mean delay of the event loop, in ms, from which on requests are shed. Default: 250. 0: never. */
  readonly maxLoopDelayMs?: number
  /** Over what the mean is taken. Default: 1,000. */
  readonly windowMs?: number
}

/**
 * Sheds load when the event loop is late, so that it recovers instead of answering everyone too late.
 * Whoever looks after the server gets through: probes, the dashboard, every route that needs a credential.
 *
 * The loop's utilisation is no criterion: a client that always has ten requests under way uses all of one
 * core, and is answered within milliseconds.
 */
async function overload(app: FastifyInstance, options: OverloadOptions): Promise<void> {
  const { maxLoopDelayMs = 250, windowMs = 1000 } = options
  if (maxLoopDelayMs === 0) return
  const watch = new LoopWatch({ maxDelayMs: maxLoopDelayMs, windowMs })
  app.addHook('onClose', async () => watch.stop())
  app.addHook('onRequest', (request, _reply, done) => {
    if (watch.isLate && isSheddable(request)) {
      throw new HttpError('OVERLOADED', 'the event loop is late')
    }
    done()
  })
}

function isSheddable({ routeOptions: { config } }: FastifyRequest): boolean {
  return config.access === 'open' && config.isProbe !== true && config.isEssential !== true
}

export const overloadPlugin = fp(overload, { name: 'overload', dependencies: ['access'] })
