import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { createRig, exchange, listen, request } from './testing/rig.ts'

const token = { ADMIN_TOKEN: 'f3b1c9a07d5e4826b1f09c3ad7e85416' }

/** Fastify's types leave it out. */
const handlerTimeoutOf = (app: FastifyInstance): unknown =>
  (app.initialConfig as { readonly handlerTimeout?: number }).handlerTimeout

describe('serverOptions', () => {
  it('sets every limit on the server', async (t) => {
    const { app } = await createRig(t)
    const { server } = app
    assert.deepEqual(
      {
        headersTimeout: server.headersTimeout,
        requestTimeout: server.requestTimeout,
        keepAliveTimeout: server.keepAliveTimeout,
        timeout: server.timeout,
        maxConnections: server.maxConnections,
        maxRequestsPerSocket: server.maxRequestsPerSocket,
        bodyLimit: app.initialConfig.bodyLimit,
        handlerTimeout: handlerTimeoutOf(app),
      },
      {
        headersTimeout: 5000,
        requestTimeout: 10_000,
        keepAliveTimeout: 5000,
        timeout: 15_000,
        maxConnections: 2048,
        maxRequestsPerSocket: 10_000,
        bodyLimit: 65_536,
        handlerTimeout: 10_000,
      },
    )
  })

  it('gives a handler longer than a caller may wait for a connection', async (t) => {
    const { app } = await createRig(t, { env: { ...token, POOL_ACQUIRE_TIMEOUT_MS: '30000' } })
    assert.deepEqual([handlerTimeoutOf(app), app.server.timeout], [35_000, 40_000])
  })

  it('outlives the idle connections of a proxy', async (t) => {
    const { app } = await createRig(t, { env: { ...token, TRUST_PROXY: '10.0.0.1' } })
    assert.equal(app.server.keepAliveTimeout, 65_000)
  })

  it('logs requests at debug only, and of them no query string, header or body', async (t) => {
    for (const level of ['info', 'debug']) {
      const { app, lines } = await createRig(t, {
        env: { ...token, LOG_LEVEL: level },
        routes: (app) => {
          app.post('/in', { config: { access: 'open' } }, (request) => {
            request.log.warn(
              { req: request, headers: request.headers, body: request.body },
              'careless',
            )
            return {}
          })
        },
      })
      const port = await listen(app)
      const body = '{"token":"canary-body"}'
      await exchange(
        port,
        request(
          [
            'POST /in?token=canary-query HTTP/1.1',
            `Host: 127.0.0.1:${port}`,
            'Authorization: Bearer canary-header',
            `Origin: http://127.0.0.1:${port}`,
            'Cookie: sid=canary-cookie',
            'Content-Type: application/json',
            `Content-Length: ${body.length}`,
            'Connection: close',
          ],
          body,
        ),
      )
      const messages = lines().map((line) => line['msg'])
      assert.ok(messages.includes('careless'))
      assert.equal(messages.includes('incoming request'), level === 'debug', level)
      assert.doesNotMatch(JSON.stringify(lines()), /canary/)
    }
  })

  it('gives every request an id of its own, and takes none from outside', async (t) => {
    const ids = new Set<string>()
    const { app } = await createRig(t, {
      routes: (app) => {
        app.get('/', { config: { access: 'open' } }, (request) => void ids.add(request.id))
      },
    })
    for (let i = 0; i < 3; i += 1) {
      await app.inject({ url: '/', headers: { host: 'localhost', 'request-id': 'evil' } })
    }
    assert.equal(ids.size, 3)
    assert.ok(!ids.has('evil'))
  })
})
