import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fastify from 'fastify'
import { until } from '../testing/until.ts'
import { accessPlugin } from './access/access-plugin.ts'
import { Sessions } from './access/sessions.ts'
import { Tokens } from './access/tokens.ts'
import { errorsPlugin } from './errors-plugin.ts'
import { overloadPlugin, type OverloadOptions } from './overload-plugin.ts'
import { ADMIN_TOKEN, bearer } from './testing/rig.ts'

async function startServer(t: TestContext, options: OverloadOptions) {
  const app = fastify()
  t.after(() => app.close())
  const tokens = new Tokens({ adminToken: ADMIN_TOKEN, viewerToken: null })
  const http = { allowedHosts: [], isLoopback: true, tls: null }
  await app.register(errorsPlugin)
  await app.register(accessPlugin, { http, tokens, sessions: new Sessions() })
  await app.register(overloadPlugin, options)
  app.get('/products', { config: { access: 'open' } }, () => ({}))
  app.get('/livez', { config: { access: 'open', isProbe: true } }, () => ({}))
  app.get('/dashboard', { config: { access: 'open', isEssential: true } }, () => ({}))
  app.get('/admin', { config: { access: 'admin' } }, () => ({}))
  await app.ready()
  const headers = { host: 'localhost', ...bearer(ADMIN_TOKEN) }
  return { get: (url: string) => app.inject({ url, headers }) }
}

function blockEventLoop(ms: number): void {
  const endsAtMs = performance.now() + ms
  while (performance.now() < endsAtMs);
}

describe('overloadPlugin', () => {
  it('sheds what is open while the event loop is late, lets the keepers in, and recovers', async (t) => {
    const { get } = await startServer(t, { maxLoopDelayMs: 50, windowMs: 50 })
    let reply = await get('/products')
    await until(async () => {
      blockEventLoop(100)
      reply = await get('/products')
      return reply.statusCode === 503
    })
    assert.equal(reply.headers['retry-after'], '1')
    assert.equal(reply.json<{ error: { code: string } }>().error.code, 'OVERLOADED')
    for (const url of ['/livez', '/dashboard', '/admin']) {
      assert.equal((await get(url)).statusCode, 200, url)
    }
    await until(async () => (await get('/products')).statusCode === 200)
  })

  it('sheds nothing when told so', async (t) => {
    const { get } = await startServer(t, { maxLoopDelayMs: 0 })
    assert.equal((await get('/products')).statusCode, 200)
  })
})
