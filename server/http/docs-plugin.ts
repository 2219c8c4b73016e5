import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import fp from 'fastify-plugin'
import type { RouteAccess } from './access/route-access.ts'
import { errorSchema } from './error-schema.ts'
import { contentSecurityPolicy } from './headers-plugin.ts'

export interface DocsOptions {
  readonly version: string
}

/** Swagger UI draws icons from `data:` addresses and adds one style of its own, known by its hash. */
const uiNeeds = {
  'img-src': "'self' data:",
  'style-src': "'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='",
}

const schemes = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: 'ADMIN_TOKEN or VIEWER_TOKEN.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'sid',
    description: 'Set by POST /api/auth/session; `__Host-sid` over TLS.',
  },
} as const

const tags = [
  { name: 'products', description: 'The service that stands on the pool. Open.' },
  { name: 'dashboard', description: 'What the dashboard reads.' },
  { name: 'admin', description: 'For administrators.' },
  { name: 'session', description: 'Logging in and out.' },
  { name: 'health', description: 'Probes.' },
]

/** OpenAPI from the routes’ own schemas, and the page at `/docs` to try them. Register it before the routes. */
async function docs(app: FastifyInstance, { version }: DocsOptions): Promise<void> {
  await app.register(swagger, {
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Glasspool',
        version,
        description: 'A SQLite connection pool that you can see into.',
      },
      tags,
      components: { securitySchemes: schemes },
    },
    transform: ({ schema, url, route }) => ({
      url,
      schema: describe(schema, route.config?.access),
    }),
  })

  await app.register(async (scope) => {
    // The library's own routes say nothing of access.
    scope.addHook('onRoute', (route) => void (route.config = { ...route.config, access: 'open' }))
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: contentSecurityPolicy(uiNeeds),
      theme: { title: 'Glasspool API' },
      uiConfig: { docExpansion: 'list', defaultModelsExpandDepth: -1 },
    })
  })
}

/** Adds what holds for every route of its kind: who may call it, and what an error looks like. */
function describe(schema: FastifySchema = {}, access: RouteAccess | undefined): FastifySchema {
  const response = { ...(schema.response as object), default: errorSchema }
  const security = access === 'open' ? [] : [{ token: [] }, { session: [] }]
  return { ...schema, response, security }
}

export const docsPlugin = fp(docs, { name: 'docs', dependencies: ['access'] })
