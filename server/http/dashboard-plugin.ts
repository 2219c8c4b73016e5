import { existsSync } from 'node:fs'
import { join } from 'node:path'
import staticFiles from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import fp from 'fastify-plugin'

export interface DashboardOptions {
  /** Where the build is: `dist/dashboard`, absolute. */
  readonly root: string
}

const config = { access: 'open', isEssential: true } as const
const IMMUTABLE = 'public, max-age=31536000, immutable'

/**
 * The dashboard's page at `/dashboard/`. It is open, because it shows nothing by itself: its data needs a
 * session. Redirects are relative, so that it also works behind a proxy that strips a prefix.
 */
async function dashboard(app: FastifyInstance, { root }: DashboardOptions): Promise<void> {
  const toDashboard = (_request: unknown, reply: FastifyReply) => reply.redirect('dashboard/')
  app.get('/', { config, schema: { hide: true } }, toDashboard)
  app.get('/dashboard', { config, schema: { hide: true } }, toDashboard)

  if (!existsSync(join(root, 'index.html'))) {
    app.log.warn('the dashboard is not built: npm run build')
    app.get('/dashboard/*', { config, schema: { hide: true } }, (_request, reply) =>
      reply.code(503).type('text/html; charset=utf-8').send(notBuilt),
    )
    return
  }

  await app.register(async (scope) => {
    // The library's own routes say nothing of access.
    scope.addHook('onRoute', (route) => void (route.config = { ...route.config, ...config }))
    await scope.register(staticFiles, {
      root,
      prefix: '/dashboard/',
      dotfiles: 'deny',
      decorateReply: false,
      cacheControl: false,
      // A hash in its name is a promise that the content never changes.
      setHeaders: (reply, path) => {
        const isHashed = path.startsWith(join(root, 'assets'))
        void reply.header('cache-control', isHashed ? IMMUTABLE : 'no-cache')
      },
    })
  })
}

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Glasspool</title>
<h1>The dashboard is not built</h1>
<p>Run <code>npm run build</code>, then start the server again. The API works without it.</p>
</html>
`

export const dashboardPlugin = fp(dashboard, { name: 'dashboard', dependencies: ['access'] })
