import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { Type } from 'typebox'
import { createRig } from './testing/rig.ts'

const headers = { host: 'localhost' }

interface Operation {
  readonly security?: readonly object[]
  readonly responses: Readonly<Record<string, object>>
}

async function startRig(t: TestContext) {
  const { app } = await createRig(t, {
    routes: (app) => {
      const response = { 200: Type.Object({ id: Type.Integer() }) }
      for (const access of ['open', 'admin'] as const) {
        const schema = { tags: ['products'], summary: access, response }
        app.get(`/${access}`, { config: { access }, schema }, () => ({ id: 1 }))
      }
      app.get('/hidden', { config: { access: 'open' } }, () => '')
    },
  })
  return { get: (url: string) => app.inject({ url, headers }) }
}

describe('docsPlugin', () => {
  it('describes every tagged route: who may call it, and how it fails', async (t) => {
    const { get } = await startRig(t)
    const api = (await get('/docs/json')).json<{
      readonly openapi: string
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
    }>()
    assert.equal(api.openapi, '3.1.0')
    assert.deepEqual(Object.keys(api.paths).sort(), ['/admin', '/api/auth/session', '/open'])
    assert.deepEqual(api.paths['/open']!['get']!.security, [])
    assert.deepEqual(api.paths['/admin']!['get']!.security, [{ token: [] }, { session: [] }])
    for (const operation of Object.values(api.paths).flatMap((path) => Object.values(path))) {
      assert.match(JSON.stringify(operation.responses['default']), /requestId/)
    }
  })

  it('serves its page and all that the page loads, under a policy without inline code', async (t) => {
    const { get } = await startRig(t)
    const page = await get('/docs/')
    const links = [...page.body.matchAll(/(?:src|href)="\.\/(.*?)"/g)].map((match) => match[1]!)
    assert.ok(links.length >= 5, page.body)
    assert.doesNotMatch(page.body, /<script>|<style>| on\w+=/)
    for (const url of ['/docs', '/docs/', ...links.map((link) => `/docs/${link}`)]) {
      const reply = await get(url)
      assert.equal(reply.statusCode, 200, url)
      const policy = String(reply.headers['content-security-policy'])
      assert.match(
        policy,
        /script-src 'self'; .*img-src 'self' data:;.*frame-ancestors 'none'/,
        url,
      )
      assert.doesNotMatch(policy, /unsafe/, url)
    }
  })

  it('stays behind the gate', async (t) => {
    const { app } = await createRig(t)
    const reply = await app.inject({ url: '/docs/', headers: { host: 'evil.example' } })
    assert.equal(reply.statusCode, 421)
  })
})
