import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fastify from 'fastify'
import { contentSecurityPolicy, headersPlugin } from './headers-plugin.ts'
import { createRig } from './testing/rig.ts'

describe('headersPlugin', () => {
  it('puts the same headers on answers, errors and what is not there', async (t) => {
    const { app } = await createRig(t, {
      routes: (app) => {
        app.get('/open', { config: { access: 'open' } }, () => ({}))
        app.get('/throws', { config: { access: 'open' } }, () => {
          throw new Error('x')
        })
      },
    })
    for (const url of ['/open', '/throws', '/nowhere']) {
      const { headers } = await app.inject({ url, headers: { host: 'localhost' } })
      const found = {
        'cache-control': 'no-store',
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
        'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      }
      for (const [name, value] of Object.entries(found))
        assert.equal(headers[name], value, `${url} ${name}`)
      for (const name of [
        'strict-transport-security',
        'server',
        'x-powered-by',
        'access-control-allow-origin',
      ]) {
        assert.equal(headers[name], undefined, `${url} ${name}`)
      }
      assert.match(String(headers['content-type']), /charset=utf-8/)
    }
  })

  it('tells browsers to come back with TLS only when it has TLS', async () => {
    const app = fastify()
    await app.register(headersPlugin, { isTls: true })
    app.get('/', { config: { access: 'open' } }, () => ({}))
    const { headers } = await app.inject('/')
    assert.equal(headers['strict-transport-security'], 'max-age=31536000')
  })
})

describe('contentSecurityPolicy', () => {
  it('changes what it is told to, and nothing else', () => {
    const changed = contentSecurityPolicy({ 'img-src': "'self' data:" })
    assert.equal(changed.replace(' data:', ''), contentSecurityPolicy())
  })
})
