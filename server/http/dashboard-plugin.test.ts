import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { tempDir } from '../testing/temp-db.ts'
import { dashboardPlugin } from './dashboard-plugin.ts'
import { createRig, exchange, listen, request } from './testing/rig.ts'

const headers = { host: 'localhost' }

async function startRig(t: TestContext, files: Readonly<Record<string, string>>) {
  const parent = tempDir(t)
  const root = join(parent, 'dashboard')
  mkdirSync(join(root, 'assets'), { recursive: true })
  writeFileSync(join(parent, 'database.sqlite'), 'secret')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  const rig = await createRig(t, { routes: (app) => void app.register(dashboardPlugin, { root }) })
  return { ...rig, get: (url: string) => rig.app.inject({ url, headers }) }
}

const build = {
  'index.html': '<!doctype html><script src="./assets/main-abc123.js"></script>',
  'assets/main-abc123.js': 'export {}',
  '.env': 'ADMIN_TOKEN=x',
}

describe('dashboardPlugin', () => {
  it('serves the page fresh and its assets for ever', async (t) => {
    const { get } = await startRig(t, build)
    const page = await get('/dashboard/')
    assert.deepEqual([page.statusCode, page.body], [200, build['index.html']])
    assert.match(String(page.headers['content-type']), /^text\/html; charset=utf-8/)
    assert.equal(page.headers['cache-control'], 'no-cache')
    const asset = await get('/dashboard/assets/main-abc123.js')
    assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.match(String(asset.headers['content-type']), /javascript; charset=utf-8/)
    for (const { headers } of [page, asset]) {
      assert.match(String(headers['content-security-policy']), /script-src 'self'/)
      assert.equal(headers['x-content-type-options'], 'nosniff')
    }
  })

  it('leads there from the root and from without the slash, by a relative address', async (t) => {
    const { get } = await startRig(t, build)
    for (const url of ['/', '/dashboard']) {
      const reply = await get(url)
      assert.deepEqual([reply.statusCode, reply.headers['location']], [302, 'dashboard/'], url)
    }
  })

  it('asks nobody who they are, and knows what a browser has', async (t) => {
    const { app, get } = await startRig(t, build)
    const { etag } = (await get('/dashboard/')).headers
    const again = await app.inject({
      url: '/dashboard/',
      headers: { ...headers, 'if-none-match': String(etag) },
    })
    assert.equal(again.statusCode, 304)
  })

  it('serves nothing else', async (t) => {
    const { app } = await startRig(t, build)
    const port = await listen(app)
    for (const path of [
      'nothing.js',
      'assets',
      'assets/',
      '.env',
      '../database.sqlite',
      '..%2fdatabase.sqlite',
      '%2e%2e/database.sqlite',
      '..\\database.sqlite',
      'assets/..%2f..%2f..%2fdatabase.sqlite',
      'index.html%00',
      '/etc/passwd',
      '%2fetc%2fpasswd',
    ]) {
      const answer = await exchange(
        port,
        request([
          `GET /dashboard/${path} HTTP/1.1`,
          `Host: 127.0.0.1:${port}`,
          'Connection: close',
        ]),
      )
      assert.match(answer, /^HTTP\/1\.1 40[034] [\s\S]*"error":/, path)
      assert.doesNotMatch(answer, /secret|ADMIN_TOKEN|root:|glasspool-/, path)
    }
  })

  it('says how to build it when it is not built', async (t) => {
    const { get, lines } = await startRig(t, {})
    const reply = await get('/dashboard/')
    assert.equal(reply.statusCode, 503)
    assert.match(reply.body, /npm run build/)
    assert.match(String(lines()[0]!['msg']), /npm run build/)
  })
})
