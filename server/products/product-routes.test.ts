import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import type { AddressInfo } from 'node:net'
import swagger from '@fastify/swagger'
import fc from 'fast-check'
import fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import type { TSchema } from 'typebox'
import Value from 'typebox/value'
import { clientSignalPlugin } from '../http/client-signal.ts'
import { errorsPlugin } from '../http/errors-plugin.ts'
import { hardeningPlugin } from '../http/hardening-plugin.ts'
import type { PoolOptions } from '../pool/index.ts'
import { until } from '../testing/until.ts'
import type { Product, ProductPage } from './product.ts'
import { productRoutes } from './product-routes.ts'
import { productPageSchema, productSchema, productStatsSchema } from './product-schemas.ts'
import { openShop, type Shop } from './testing/open-pool.ts'

interface Api extends Shop {
  readonly app: FastifyInstance
  readonly get: (url: string) => Promise<LightMyRequestResponse>
  readonly send: (
    method: 'POST' | 'PATCH' | 'DELETE',
    url: string,
    body?: unknown,
  ) => Promise<LightMyRequestResponse>
}

/**
 * The routes with the server's own checks, errors and signals before them. Not with all that stands there:
 * shedding load would make these tests depend on how busy the machine is.
 */
async function openApi(t: TestContext, options: Partial<PoolOptions> = {}): Promise<Api> {
  const shop = await openShop(t, options)
  const { products } = shop
  const app = fastify()
  t.after(() => app.close())
  const silent: string[] = []
  app.addHook('onRoute', ({ config, url }) => {
    if (config?.access !== 'open') silent.push(url)
  })
  await app.register(errorsPlugin)
  await app.register(hardeningPlugin)
  await app.register(clientSignalPlugin)
  await app.register(swagger, { openapi: { openapi: '3.1.0' } })
  await app.register(productRoutes, { products })
  await app.ready()
  assert.deepEqual(silent, [])
  return {
    ...shop,
    app,
    get: (url) => app.inject({ method: 'GET', url }),
    send: (method, url, body) =>
      app.inject({
        method,
        url,
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          payload: JSON.stringify(body),
        }),
      }),
  }
}

const draft = { name: 'Night Shift', category: 'coffee', priceCents: 1499, stock: 3 }

interface Envelope {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly details?: {
      readonly part: string
      readonly fields: readonly { readonly field: string }[]
    }
  }
}

function assertRefused(
  response: LightMyRequestResponse,
  expected: {
    readonly status: number
    readonly code: string
    readonly field?: string
    readonly part?: string
  },
): void {
  const { error } = response.json<Envelope>()
  assert.equal(response.statusCode, expected.status, response.body)
  assert.equal(error.code, expected.code)
  if (expected.field === undefined) return
  assert.deepEqual(
    error.details?.fields.map(({ field }) => field),
    [expected.field],
  )
  assert.equal(error.details?.part, expected.part)
}

function assertMatches(schema: TSchema, response: LightMyRequestResponse): void {
  assert.equal(response.headers['content-type'], 'application/json; charset=utf-8')
  assert.deepEqual([...Value.Errors(schema, response.json())], [])
}

describe('GET /api/products', () => {
  it('answers a page that keeps to its schema', async (t) => {
    const { get } = await openApi(t)
    const response = await get('/api/products?category=coffee&limit=3')
    assert.equal(response.statusCode, 200, response.body)
    assertMatches(productPageSchema, response)
    const { items } = response.json<ProductPage>()
    assert.deepEqual(
      items.map(({ category }) => category),
      ['coffee', 'coffee', 'coffee'],
    )
  })

  it('goes from page to page', async (t) => {
    const { get } = await openApi(t)
    const list = '/api/products?category=tea&sort=-name&limit=100&minPrice=1000&maxPrice=1500'
    const ids = new Set<number>()
    let page = (await get(list)).json<ProductPage>()
    let itemCount = page.items.length
    for (const { id } of page.items) ids.add(id)
    while (page.nextCursor !== null) {
      page = (await get(`${list}&cursor=${page.nextCursor}`)).json<ProductPage>()
      itemCount += page.items.length
      for (const { id } of page.items) ids.add(id)
    }
    assert.ok(ids.size > 100)
    assert.equal(ids.size, itemCount)
  })

  it('has no products of an unknown category', async (t) => {
    const { get } = await openApi(t)
    const response = await get('/api/products?category=nowhere')
    assert.deepEqual(response.json(), { items: [], nextCursor: null })
  })

  const refusals = [
    ['categroy=coffee', 'categroy'],
    ['category=', 'category'],
    ['category=a&category=b', 'category'],
    ["category=coffee'--", 'category'],
    ['sort=stock', 'sort'],
    ['sort=price%20DESC;', 'sort'],
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['minPrice=-1', 'minPrice'],
    ['minPrice=9.99', 'minPrice'],
    ['maxPrice=1e3', 'maxPrice'],
    ['minPrice=200&maxPrice=100', 'minPrice'],
    ['search=', 'search'],
    [`search=${'x'.repeat(101)}`, 'search'],
    ['cursor=', 'cursor'],
    ['cursor=%27', 'cursor'],
    ['cursor=bm9uc2Vuc2U', 'cursor'],
    ['__proto__=1', '__proto__'],
  ] as const
  it('names the field that is wrong, and says 400', async (t) => {
    const { get } = await openApi(t)
    for (const [query, field] of refusals) {
      await t.test(query.slice(0, 40), async () => {
        const response = await get(`/api/products?${query}`)
        assertRefused(response, { status: 400, code: 'VALIDATION', field, part: 'querystring' })
      })
    }
  })

  it('refuses the cursor of another list', async (t) => {
    const { get } = await openApi(t)
    const { nextCursor } = (await get('/api/products?sort=price')).json<ProductPage>()
    for (const other of ['sort=-price', 'sort=price&category=tea', 'sort=price&search=a']) {
      const response = await get(`/api/products?${other}&cursor=${nextCursor}`)
      assertRefused(response, {
        status: 400,
        code: 'VALIDATION',
        field: 'cursor',
        part: 'querystring',
      })
    }
    assert.equal(
      (await get(`/api/products?sort=price&limit=5&cursor=${nextCursor}`)).statusCode,
      200,
    )
  })

  it('answers anything with 200 or 400', async (t) => {
    const { get } = await openApi(t)
    const name = fc.constantFrom('category', 'search', 'sort', 'limit', 'minPrice', 'cursor', 'x')
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.integer().map(String))
    const query = fc.array(fc.tuple(name, text), { maxLength: 4 })
    const isKnown = fc.asyncProperty(query, async (pairs) => {
      const parameters = new URLSearchParams(pairs).toString()
      const { statusCode, body } = await get(`/api/products?${parameters}`)
      assert.ok(statusCode === 200 || statusCode === 400, `${parameters}: ${statusCode} ${body}`)
    })
    await fc.assert(isKnown, { numRuns: 200 })
  })
})

describe('GET /api/products/:id', () => {
  it('answers the product', async (t) => {
    const { get, products } = await openApi(t)
    const response = await get('/api/products/7')
    assert.equal(response.statusCode, 200)
    assertMatches(productSchema, response)
    assert.deepEqual(response.json(), await products.getProduct(7))
  })

  it('answers 404 when there is none, 400 when it is no id', async (t) => {
    const { get } = await openApi(t)
    assertRefused(await get('/api/products/10001'), { status: 404, code: 'NOT_FOUND' })
    for (const id of ['0', '-1', '1.5', 'abc', '1e3', '9007199254740993', '%00']) {
      assertRefused(await get(`/api/products/${id}`), {
        status: 400,
        code: 'VALIDATION',
        field: 'id',
        part: 'params',
      })
    }
  })
})

describe('GET /api/products/stats', () => {
  it('answers figures that keep to their schema', async (t) => {
    const { get, pool } = await openApi(t)
    assertMatches(productStatsSchema, await get('/api/products/stats'))
    await pool.run('DELETE FROM product')
    assertMatches(productStatsSchema, await get('/api/products/stats'))
  })
})

describe('POST, PATCH and DELETE /api/products', () => {
  it('create, change and delete', async (t) => {
    const { get, send } = await openApi(t)
    const created = await send('POST', '/api/products', draft)
    assert.equal(created.statusCode, 201, created.body)
    assertMatches(productSchema, created)
    const { location } = created.headers
    assert.equal(location, `/api/products/${created.json<Product>().id}`)
    assert.deepEqual((await get(location)).json(), created.json())

    const changed = await send('PATCH', location, { priceCents: 1299, description: 'Two\nlines.' })
    assert.equal(changed.statusCode, 200, changed.body)
    assertMatches(productSchema, changed)
    const { updatedAtMs } = changed.json<Product>()
    assert.deepEqual(changed.json(), {
      ...created.json<Product>(),
      priceCents: 1299,
      description: 'Two\nlines.',
      updatedAtMs,
    })

    const deleted = await send('DELETE', location)
    assert.deepEqual([deleted.statusCode, deleted.body], [204, ''])
    const gone = { status: 404, code: 'NOT_FOUND' }
    assertRefused(await get(location), gone)
    assertRefused(await send('DELETE', location), gone)
    assertRefused(await send('PATCH', location, { stock: 1 }), gone)
  })

  const refusals: readonly (readonly [body: Record<string, unknown>, field: string])[] = [
    [{ name: '' }, 'name'],
    [{ name: ' padded' }, 'name'],
    [{ name: 'two\nlines' }, 'name'],
    [{ name: 'nul\0' }, 'name'],
    [{ name: 'x'.repeat(121) }, 'name'],
    [{ name: 7 }, 'name'],
    [{ description: 'x'.repeat(2001) }, 'description'],
    [{ category: 'Coffee' }, 'category'],
    [{ category: 'gold' }, 'category'],
    [{ priceCents: '1499' }, 'priceCents'],
    [{ priceCents: 14.99 }, 'priceCents'],
    [{ priceCents: -1 }, 'priceCents'],
    [{ priceCents: 10_000_001 }, 'priceCents'],
    [{ priceCents: null }, 'priceCents'],
    [{ stock: 1.5 }, 'stock'],
    [{ id: 5 }, 'id'],
    [{ createdAtMs: 0 }, 'createdAtMs'],
  ]
  it('name the field that is wrong, say 400 and change nothing', async (t) => {
    const { send, pool, products } = await openApi(t)
    const before = await products.getProduct(1)
    for (const [change, field] of refusals) {
      await t.test(JSON.stringify(change).slice(0, 40), async () => {
        const refusal = { status: 400, code: 'VALIDATION', field, part: 'body' }
        assertRefused(await send('POST', '/api/products', { ...draft, ...change }), refusal)
        assertRefused(await send('PATCH', '/api/products/1', change), refusal)
      })
    }
    assert.deepEqual(await products.getProduct(1), before)
    assert.deepEqual(await pool.get('SELECT count(*) AS n FROM product'), { n: 10_000 })
  })

  it('say what is missing, and refuse a change of nothing', async (t) => {
    const { send } = await openApi(t)
    for (const field of ['name', 'category', 'priceCents'] as const) {
      const { [field]: _, ...rest } = draft
      assertRefused(await send('POST', '/api/products', rest), {
        status: 400,
        code: 'VALIDATION',
        field,
        part: 'body',
      })
    }
    assertRefused(await send('PATCH', '/api/products/1', {}), { status: 400, code: 'VALIDATION' })
    assertRefused(await send('POST', '/api/products', [draft]), { status: 400, code: 'VALIDATION' })
  })

  it('count letters as the table does', async (t) => {
    const { send } = await openApi(t)
    const name = '🐟'.repeat(120)
    assert.equal((await send('POST', '/api/products', { ...draft, name })).statusCode, 201)
    assertRefused(await send('POST', '/api/products', { ...draft, name: `${name}🐟` }), {
      status: 400,
      code: 'VALIDATION',
      field: 'name',
      part: 'body',
    })
  })
})

describe('productRoutes', () => {
  it('give up their place in the queue when the client hangs up', async (t) => {
    const { app, pool } = await openApi(t)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    await using writer = await pool.acquire({ mode: 'write' })
    const body = JSON.stringify(draft)
    const client = httpRequest({
      port,
      method: 'POST',
      path: '/api/products',
      headers: { 'content-type': 'application/json', 'content-length': body.length },
    })
    client.on('error', () => undefined)
    client.end(body)
    await until(() => pool.waiters().length === 1)
    assert.equal(pool.waiters()[0]!.label, 'POST /api/products')
    const outcomes: string[] = []
    t.after(
      pool.onEvent((event) => {
        if (event.type === 'acquire') outcomes.push(event.outcome)
      }),
    )
    client.destroy()
    await until(() => outcomes.length === 1)
    assert.deepEqual(outcomes, ['aborted'])
    assert.deepEqual(pool.waiters(), [])
    await writer.release()
    assert.deepEqual(await pool.get('SELECT count(*) AS n FROM product'), { n: 10_000 })
  })

  it('tell the pool which route asks, and not which product', async (t) => {
    const { pool, get, send } = await openApi(t, { size: 1 })
    const lease = await pool.acquire()
    const requests = [
      get('/api/products?category=tea'),
      get('/api/products/stats'),
      get('/api/products/42'),
      send('PATCH', '/api/products/42', { stock: 1 }),
      send('DELETE', '/api/products/42'),
    ]
    await until(() => pool.waiters().length === requests.length)
    const labels = pool.waiters().map(({ label }) => label)
    await lease.release()
    await Promise.all(requests)
    assert.deepEqual(
      new Set(labels),
      new Set([
        'GET /api/products',
        'GET /api/products/stats',
        'GET /api/products/:id',
        'PATCH /api/products/:id',
        'DELETE /api/products/:id',
      ]),
    )
  })

  it('are described: each with a summary, what it takes and what it answers', async (t) => {
    const { app } = await openApi(t)
    const { paths } = app.swagger() as unknown as {
      readonly paths: Record<
        string,
        Record<string, { tags: string[]; summary: string; responses: object }>
      >
    }
    const described = Object.entries(paths)
      .filter(([path]) => path.startsWith('/api/products'))
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
      )
    assert.deepEqual(described.map(({ method, path }) => `${method} ${path}`).toSorted(), [
      'delete /api/products/{id}',
      'get /api/products',
      'get /api/products/stats',
      'get /api/products/{id}',
      'patch /api/products/{id}',
      'post /api/products',
    ])
    for (const { tags, summary, responses } of described) {
      assert.deepEqual(tags, ['products'])
      assert.notEqual(summary, '')
      assert.ok(
        Object.keys(responses).some((status) => status.startsWith('2')),
        summary,
      )
    }
  })
})
