import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import {
  ADMIN_TOKEN,
  bearer,
  createRig,
  exchange,
  listen,
  request,
  statusOf,
  VIEWER_TOKEN,
} from '../testing/rig.ts'

const METHODS = ['GET', 'POST', 'UPGRADE'] as const
type Method = (typeof METHODS)[number]

function addRoutes(app: FastifyInstance): void {
  for (const access of ['open', 'viewer', 'admin'] as const) {
    app.route({
      method: ['GET', 'POST'],
      url: `/${access}`,
      config: { access },
      handler: (request) => ({ access: request.access }),
    })
  }
  app.get('/ws', { websocket: true, config: { access: 'viewer' } }, (socket) => socket.terminate())
}

async function startServer(t: TestContext, env?: Readonly<Record<string, string>>) {
  const rig = await createRig(t, { routes: addRoutes, ...(env !== undefined && { env }) })
  const port = await listen(rig.app)
  const cookie = `sid=${rig.sessions.start('admin')}`
  return { ...rig, port, cookie }
}

/** Headers may use PORT for the port that was given out. */
async function statusAt(
  port: number,
  method: Method,
  headers: Readonly<Record<string, string>>,
  path = method === 'UPGRADE' ? '/ws' : '/open',
): Promise<number> {
  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  const all = {
    Host: '127.0.0.1:PORT',
    Connection: 'close',
    ...headers,
    ...(method === 'UPGRADE' && upgrade),
  }
  const lines = Object.entries(all).map(
    ([name, value]) => `${name}: ${value.replaceAll('PORT', String(port))}`,
  )
  const length = method === 'POST' ? ['Content-Length: 0'] : []
  const verb = method === 'UPGRADE' ? 'GET' : method
  return statusOf(await exchange(port, request([`${verb} ${path} HTTP/1.1`, ...lines, ...length])))
}

describe('the gate, for a browser with a session', () => {
  type Case = readonly [what: string, headers: Record<string, string>, statuses: readonly number[]]
  const own = { Origin: 'http://127.0.0.1:PORT' }
  const cases: readonly Case[] = [
    ['from its own page', own, [200, 200, 101]],
    [
      'under the other name',
      { Host: 'localhost:PORT', Origin: 'http://localhost:PORT' },
      [200, 200, 101],
    ],
    ['in upper case', { Host: 'LOCALHOST:PORT', Origin: 'http://localhost:PORT' }, [200, 200, 101]],
    ['without an Origin', {}, [200, 403, 403]],
    ['from nowhere', { Origin: 'null' }, [200, 403, 403]],
    ['from an empty Origin', { Origin: '' }, [200, 403, 403]],
    ['from another site', { Origin: 'https://evil.example' }, [200, 403, 403]],
    ['from another port', { Origin: 'http://127.0.0.1:1' }, [200, 403, 403]],
    ['from no port', { Origin: 'http://127.0.0.1' }, [200, 403, 403]],
    ['from another scheme', { Origin: 'https://127.0.0.1:PORT' }, [200, 403, 403]],
    ['from its other name', { Origin: 'http://localhost:PORT' }, [200, 403, 403]],
    [
      'from a name with a dot',
      { Host: 'localhost:PORT', Origin: 'http://localhost.:PORT' },
      [200, 403, 403],
    ],
    [
      'from an Origin in upper case',
      { Host: 'localhost:PORT', Origin: 'HTTP://LOCALHOST:PORT' },
      [200, 403, 403],
    ],
    ['from an Origin with a path', { Origin: 'http://127.0.0.1:PORT/' }, [200, 403, 403]],
    [
      'cross-site, as the browser says',
      { ...own, 'Sec-Fetch-Site': 'cross-site' },
      [200, 403, 403],
    ],
    [
      'same-origin, as the browser says, and without an Origin',
      { 'Sec-Fetch-Site': 'same-origin' },
      [200, 200, 403],
    ],
    ['same-site, as the browser says', { 'Sec-Fetch-Site': 'same-site' }, [200, 403, 403]],
    [
      'same-origin, as the browser says',
      { ...own, 'Sec-Fetch-Site': 'same-origin' },
      [200, 200, 101],
    ],
    [
      'to a rebound name',
      { Host: 'evil.example:PORT', Origin: 'http://evil.example:PORT' },
      [421, 421, 421],
    ],
    ['to another port', { Host: '127.0.0.1:1', Origin: 'http://127.0.0.1:1' }, [421, 421, 421]],
    [
      'to a name that a proxy claims',
      { ...own, 'X-Forwarded-Host': 'evil.example' },
      [200, 200, 101],
    ],
  ]
  for (const [what, headers, statuses] of cases) {
    it(`answers ${statuses.join(', ')} ${what}`, async (t) => {
      const { port, cookie } = await startServer(t)
      const found = []
      for (const method of METHODS)
        found.push(await statusAt(port, method, { Cookie: cookie, ...headers }))
      assert.deepEqual(found, statuses)
    })
  }
})

describe('the gate, for a program', () => {
  const token = { Authorization: `Bearer ${VIEWER_TOKEN}` }
  const evil = { Origin: 'https://evil.example' }
  const cases: readonly (readonly [string, Record<string, string>, readonly number[]])[] = [
    ['with a token', token, [200, 200, 101]],
    ['with a token, whatever the cookie', { ...token, Cookie: 'sid=x' }, [200, 200, 101]],
    ['with a token in another site’s page', { ...token, ...evil }, [200, 403, 403]],
    ['with nothing', {}, [200, 200, 401]],
    ['with nothing in another site’s page', evil, [200, 403, 403]],
    ['with a wrong token', { Authorization: 'Bearer wrong' }, [200, 200, 401]],
    [
      'with a wrong cookie',
      { Cookie: 'sid=wrong', Origin: 'http://127.0.0.1:PORT' },
      [200, 200, 401],
    ],
    ['with a proxy’s password', { Authorization: 'Basic dTpw' }, [200, 200, 401]],
    ['with half a header', { Authorization: 'Bearer' }, [200, 200, 401]],
  ]
  for (const [what, headers, statuses] of cases) {
    it(`answers ${statuses.join(', ')} ${what}`, async (t) => {
      const { port } = await startServer(t)
      const found = []
      for (const method of METHODS) found.push(await statusAt(port, method, headers))
      assert.deepEqual(found, statuses)
    })
  }

  it('refuses two hosts', async (t) => {
    const { port } = await startServer(t)
    const hosts = [`Host: 127.0.0.1:${port}`, 'host: evil.example', 'Connection: close']
    assert.equal(statusOf(await exchange(port, request(['GET /open HTTP/1.1', ...hosts]))), 421)
  })

  it('refuses a request without a host', async (t) => {
    const { port } = await startServer(t)
    assert.equal(
      statusOf(await exchange(port, request(['GET /open HTTP/1.1', 'Connection: close']))),
      400,
    )
    assert.equal(statusOf(await exchange(port, request(['GET /open HTTP/1.0']))), 421)
  })

  it('has no websocket where no route has one, and ends the connection', async (t) => {
    const { port, app } = await startServer(t)
    for (const path of ['/open', '/admin', '/nowhere', '/docs/', '/%zz', '/ws/']) {
      const status = await statusAt(
        port,
        'UPGRADE',
        { Authorization: `Bearer ${ADMIN_TOKEN}` },
        path,
      )
      assert.equal(status, path === '/%zz' ? 400 : 404, path)
    }
    assert.equal(app.websocketServer.clients.size, 0)
  })
})

describe('the gate, by role', () => {
  const roles = { nobody: {}, viewer: bearer(VIEWER_TOKEN), admin: bearer(ADMIN_TOKEN) }
  const statuses = {
    nobody: { open: 200, viewer: 401, admin: 401 },
    viewer: { open: 200, viewer: 200, admin: 403 },
    admin: { open: 200, viewer: 200, admin: 200 },
  }
  it('tells who may not from who is not known', async (t) => {
    const { app } = await createRig(t, { routes: addRoutes })
    for (const role of Object.keys(roles) as (keyof typeof roles)[]) {
      for (const access of ['open', 'viewer', 'admin'] as const) {
        for (const method of ['GET', 'HEAD', 'POST'] as const) {
          const url = `/${access}`
          if (method === 'HEAD' && !app.hasRoute({ method, url })) continue
          const headers = { host: 'localhost:80', ...roles[role] }
          const reply = await app.inject({ method, url, headers })
          assert.equal(reply.statusCode, statuses[role][access], `${role} ${method} ${url}`)
          if (access === 'open' && method === 'GET') {
            assert.deepEqual(reply.json(), { access: role === 'nobody' ? 'none' : role })
          }
        }
      }
    }
  })

  it('says how to log in', async (t) => {
    const { app } = await createRig(t, { routes: addRoutes })
    const reply = await app.inject({ url: '/admin', headers: { host: 'localhost' } })
    assert.equal(reply.headers['www-authenticate'], 'Bearer')
    assert.match(reply.json<{ error: { message: string } }>().error.message, /link/)
  })
})

describe('a route', () => {
  const register = (t: TestContext, config: object | undefined): Promise<unknown> =>
    createRig(t, {
      routes: async (app) => {
        await app.register(async (scope) => {
          scope.get('/silent', { config: config as never }, () => 'x')
        })
      },
    })

  it('that does not say who may call it keeps the server from starting', async (t) => {
    for (const config of [undefined, {}, { access: 'everyone' }, { access: null }]) {
      await assert.rejects(register(t, config), /config\.access.*GET \/silent/)
    }
  })

  it('that says it, starts', async (t) => {
    await register(t, { access: 'open' })
  })
})

describe('behind a trusted proxy', () => {
  const env = {
    ADMIN_TOKEN,
    HOST: '127.0.0.1',
    ALLOWED_HOSTS: 'glasspool.example.com',
    TRUST_PROXY: '127.0.0.1',
  }
  const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'glasspool.example.com' }
  const origin = { Origin: 'https://glasspool.example.com' }

  it('takes name, scheme and cookie of the browser’s side', async (t) => {
    const { port, sessions } = await startServer(t, env)
    const headers = { ...forwarded, ...origin, Cookie: `__Host-sid=${sessions.start('viewer')}` }
    for (const method of METHODS) {
      assert.equal(await statusAt(port, method, headers), method === 'UPGRADE' ? 101 : 200)
    }
    const plain = { ...headers, Cookie: headers.Cookie.replace('__Host-', '') }
    assert.equal(await statusAt(port, 'UPGRADE', plain), 401)
    const http = { ...headers, Origin: 'http://glasspool.example.com' }
    assert.equal(await statusAt(port, 'POST', http), 403)
    const evil = { ...headers, 'X-Forwarded-Host': 'evil.example' }
    assert.equal(await statusAt(port, 'GET', evil), 421)
  })

  it('believes nobody else', async (t) => {
    const { port, sessions } = await startServer(t, { ...env, TRUST_PROXY: '10.9.9.9' })
    const headers = { ...forwarded, ...origin, Cookie: `sid=${sessions.start('viewer')}` }
    assert.equal(await statusAt(port, 'POST', headers), 403)
  })
})

describe('request.isAccessAlive', () => {
  it('follows the session and the link, and is false for nobody', async (t) => {
    const alive: (() => boolean)[] = []
    const { app, sessions, tokens } = await createRig(t, {
      env: {},
      routes: (app) => {
        app.get('/open', { config: { access: 'open' } }, (request) => {
          alive.push(() => request.isAccessAlive())
          return {}
        })
      },
    })
    const session = sessions.start('viewer')
    for (const headers of [
      {},
      { cookie: `sid=${session}` },
      bearer(tokens.linkToken!),
      bearer('wrong'),
    ]) {
      await app.inject({ url: '/open', headers: { host: 'localhost', ...headers } })
    }
    assert.deepEqual(
      alive.map((is) => is()),
      [false, true, true, false],
    )
    sessions.end(session)
    tokens.exchange(tokens.linkToken!)
    assert.deepEqual(
      alive.map((is) => is()),
      [false, false, false, false],
    )
  })
})
