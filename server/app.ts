import { join } from 'node:path'
import fastify, { type FastifyInstance } from 'fastify'
import packageJson from '../package.json' with { type: 'json' }
import type { Config } from './config.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { logEvents } from './event-log.ts'
import { loadResumeKey } from './http/access/resume-key.ts'
import { Sessions } from './http/access/sessions.ts'
import { Tokens } from './http/access/tokens.ts'
import { adminRoutesPlugin } from './http/admin-routes.ts'
import { dashboardPlugin } from './http/dashboard-plugin.ts'
import { healthRoutesPlugin } from './http/health-routes.ts'
import { httpPlugin } from './http/http-plugin.ts'
import { serverOptions } from './http/server-options.ts'
import { livePlugin } from './live/live-plugin.ts'
import { systemClock } from './pool/clock.ts'
import { ProductService } from './products/product-service.ts'
import { productRoutes } from './products/product-routes.ts'

/** The server, put together and not yet listening. */
export interface App {
  readonly http: FastifyInstance
  /** The secret of the printed link; `null` when the operator has set ADMIN_TOKEN. */
  readonly linkToken: string | null
}

/** Everything that answers, on one pool. No logic lives here. The pool may still be closed. */
export async function buildApp(config: Config, pool: ConnectionPool): Promise<App> {
  const http = fastify(serverOptions(config))
  pool.onEvent(logEvents(http.log))
  const tokens = new Tokens(config.access)
  const sessions = new Sessions({ resumeKey: loadResumeKey(config) })
  await http.register(httpPlugin, { config, tokens, sessions, version: packageJson.version })
  await http.register(healthRoutesPlugin, { view: pool.view })
  await http.register(adminRoutesPlugin, { pool })
  await http.register(productRoutes, { products: new ProductService(pool) })
  await http.register(livePlugin, {
    view: pool.view,
    onEvent: (sink) => pool.onEvent(sink),
    clock: systemClock,
    maxViewers: config.maxViewers,
  })
  await http.register(dashboardPlugin, { root: join(import.meta.dirname, '../dist/dashboard') })
  return { http, linkToken: tokens.linkToken }
}
