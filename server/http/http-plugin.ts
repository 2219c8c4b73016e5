import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { accessPlugin } from './access/access-plugin.ts'
import { sessionRoutesPlugin } from './access/session-routes.ts'
import type { Sessions } from './access/sessions.ts'
import type { Tokens } from './access/tokens.ts'
import { clientSignalPlugin } from './client-signal.ts'
import { docsPlugin } from './docs-plugin.ts'
import { drainPlugin } from './drain.ts'
import { errorsPlugin } from './errors-plugin.ts'
import { hardeningPlugin } from './hardening-plugin.ts'
import { headersPlugin } from './headers-plugin.ts'
import { overloadPlugin } from './overload-plugin.ts'
import { rateLimitPlugin } from './rate-limit-plugin.ts'

export interface HttpOptions {
  readonly config: Pick<Config, 'http'>
  readonly tokens: Tokens
  readonly sessions: Sessions
  /** Of the package, for the API's description. */
  readonly version: string
  /** Mean delay of the event loop from which on load is shed. Default: 250. 0: never. */
  readonly maxLoopDelayMs?: number
}

/**
 * All that stands before the routes, in the order in which a request meets it. Routes are registered after
 * it: each then has its errors, headers, gate, limits, and its place in the API's description.
 */
async function http(app: FastifyInstance, options: HttpOptions): Promise<void> {
  const { tokens, sessions, version, maxLoopDelayMs } = options
  const { http } = options.config
  await app.register(errorsPlugin)
  await app.register(hardeningPlugin)
  await app.register(headersPlugin, { isTls: http.tls !== null })
  await app.register(drainPlugin)
  await app.register(accessPlugin, { http, tokens, sessions })
  await app.register(overloadPlugin, maxLoopDelayMs === undefined ? {} : { maxLoopDelayMs })
  await app.register(rateLimitPlugin)
  await app.register(clientSignalPlugin)
  await app.register(docsPlugin, { version })
  await app.register(sessionRoutesPlugin, { tokens, sessions })
}

export const httpPlugin = fp(http, { name: 'http' })
