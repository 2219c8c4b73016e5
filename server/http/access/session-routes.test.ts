import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { ADMIN_TOKEN, bearer, createRig, VIEWER_TOKEN } from '../testing/rig.ts'

const url = '/api/auth/session'
const own = { host: 'localhost', origin: 'http://localhost' }

const login = (app: FastifyInstance, token: unknown, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url, headers: { ...own, ...headers }, payload: { token } })

const ask = (app: FastifyInstance, headers: Record<string, string> = {}) =>
  app.inject({ url, headers: { ...own, ...headers } })

/** What a browser would send back. */
const cookieOf = (reply: { headers: Record<string, unknown> }): { cookie: string } => ({
  cookie: String(reply.headers['set-cookie']).split(';', 1)[0]!,
})

describe('/api/auth/session', () => {
  it('exchanges a token for a cookie that no script and no other site can use', async (t) => {
    const { app } = await createRig(t)
    const reply = await login(app, VIEWER_TOKEN)
    assert.deepEqual([reply.statusCode, reply.json()], [200, { access: 'viewer' }])
    const attributes = String(reply.headers['set-cookie']).split('; ').slice(1).sort()
    assert.deepEqual(attributes, ['HttpOnly', 'Max-Age=43200', 'Path=/', 'SameSite=Strict'])
    assert.deepEqual((await ask(app, cookieOf(reply))).json(), { access: 'viewer' })
  })

  it('is secure, and bound to the host, when the browser has TLS', async (t) => {
    const { app } = await createRig(t, {
      env: { ADMIN_TOKEN, ALLOWED_HOSTS: 'a.example', TRUST_PROXY: '127.0.0.1' },
    })
    const forwarded = {
      origin: 'https://a.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a.example',
    }
    const reply = await login(app, ADMIN_TOKEN, forwarded)
    assert.match(String(reply.headers['set-cookie']), /^__Host-sid=.*; Secure(;|$)/)
    assert.doesNotMatch(String(reply.headers['set-cookie']), /Domain/i)
    assert.equal((await ask(app, { ...forwarded, ...cookieOf(reply) })).statusCode, 200)
  })

  it('knows a bearer of a token too, and nobody else', async (t) => {
    const { app } = await createRig(t)
    assert.deepEqual((await ask(app, bearer(ADMIN_TOKEN))).json(), { access: 'admin' })
    assert.equal((await ask(app)).statusCode, 401)
    assert.equal((await ask(app, { cookie: 'sid=x' })).statusCode, 401)
  })

  it('gives a new session at every login, and ends the one before', async (t) => {
    const { app, sessions } = await createRig(t)
    const first = cookieOf(await login(app, VIEWER_TOKEN))
    const second = cookieOf(await login(app, ADMIN_TOKEN, first))
    assert.notDeepEqual(first, second)
    assert.equal((await ask(app, first)).statusCode, 401)
    assert.deepEqual((await ask(app, second)).json(), { access: 'admin' })
    assert.equal(sessions.size, 1)
  })

  it('logs out, however often', async (t) => {
    const { app, sessions } = await createRig(t)
    const cookie = cookieOf(await login(app, ADMIN_TOKEN))
    for (const headers of [cookie, cookie, {}]) {
      const reply = await app.inject({ method: 'DELETE', url, headers: { ...own, ...headers } })
      assert.equal(reply.statusCode, 204)
      assert.match(String(reply.headers['set-cookie']), /^sid=; Max-Age=0;/)
    }
    assert.equal((await ask(app, cookie)).statusCode, 401)
    assert.equal(sessions.size, 0)
  })

  it('lets no other site log anyone in or out', async (t) => {
    const { app } = await createRig(t)
    const evil = { origin: 'https://evil.example' }
    assert.equal((await login(app, ADMIN_TOKEN, evil)).statusCode, 403)
    const cookie = cookieOf(await login(app, ADMIN_TOKEN))
    const headers = { ...own, ...cookie, ...evil }
    assert.equal((await app.inject({ method: 'DELETE', url, headers })).statusCode, 403)
    assert.equal((await ask(app, cookie)).statusCode, 200)
  })

  it('opens one session with a printed link, and then says what to do', async (t) => {
    const { app, tokens } = await createRig(t, { env: {} })
    const link = tokens.linkToken!
    const cookie = cookieOf(await login(app, link))
    const again = await login(app, link)
    assert.equal(again.statusCode, 401)
    const { message } = again.json<{ error: { message: string } }>().error
    assert.match(message, /used already.*Restart.*ADMIN_TOKEN/)
    assert.equal((await ask(app, bearer(link))).statusCode, 401)
    // The browser that it has logged in may open it once more.
    const same = await login(app, link, cookie)
    assert.deepEqual([same.statusCode, same.json()], [200, { access: 'admin' }])
    assert.equal(same.headers['set-cookie'], undefined)
  })

  it('refuses what is no token', async (t) => {
    const { app } = await createRig(t)
    for (const token of ['wrong', ' ', ADMIN_TOKEN.slice(1)]) {
      assert.equal((await login(app, token)).statusCode, 401, token)
    }
    for (const token of [undefined, '', null, 7, ['x'], 'x'.repeat(513)]) {
      assert.equal((await login(app, token)).statusCode, 400, String(token))
    }
  })

  it('slows guesses down, but not whoever is logged in', async (t) => {
    const { app } = await createRig(t)
    const cookie = cookieOf(await login(app, ADMIN_TOKEN))
    for (let i = 0; i < 9; i += 1) assert.equal((await login(app, `guess ${i}`)).statusCode, 401)
    const reply = await login(app, ADMIN_TOKEN)
    assert.equal(reply.statusCode, 429)
    assert.ok(Number(reply.headers['retry-after']) >= 1)
    const { error } = reply.json<{ error: { code: string; retryable: boolean } }>()
    assert.deepEqual([error.code, error.retryable], ['RATE_LIMITED', true])
    assert.equal((await ask(app, cookie)).statusCode, 200)
    const headers = { ...own, ...cookie }
    assert.equal((await app.inject({ method: 'DELETE', url, headers })).statusCode, 204)
  })

  it('leaves a line for every login and refusal, and no token in it', async (t) => {
    const { app, lines } = await createRig(t, { env: { ADMIN_TOKEN, LOG_LEVEL: 'trace' } })
    const reply = await login(app, ADMIN_TOKEN)
    await login(app, 'a-wrong-secret')
    await app.inject({
      url: `${url}?token=${ADMIN_TOKEN}`,
      headers: { ...own, ...bearer(ADMIN_TOKEN) },
    })
    const results = lines().flatMap((line) => (line['audit'] as { result?: string })?.result ?? [])
    assert.deepEqual(results, ['admin', 'unknown'])
    const text = JSON.stringify(lines())
    for (const secret of [ADMIN_TOKEN, 'a-wrong-secret', cookieOf(reply).cookie]) {
      assert.ok(!text.includes(secret), secret)
    }
  })
})
