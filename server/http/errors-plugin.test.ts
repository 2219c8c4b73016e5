import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { PoolError } from '../pool/errors.ts'
import { errorTable } from './error-table.ts'
import { createRig } from './testing/rig.ts'

const headers = { host: 'localhost' }
const config = { access: 'open' } as const
interface Envelope {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly requestId: string
    readonly details?: { readonly part: string; readonly fields: readonly object[] }
  }
}

/** Throws whatever the test puts in, with everything in it that must not come out. */
function addRoutes(app: FastifyInstance): void {
  app.get<{ Params: { code: string } }>('/fail/:code', { config }, async ({ params: { code } }) => {
    throw Object.assign(new Error(`near "FROM": SQLITE at /var/lib/glasspool.sqlite`), {
      code,
      details: { sql: 'SELECT * FROM product', path: '/var/lib', waitedMs: 7 },
    })
  })
  app.get('/throws', { config }, () => {
    throw new Error('ENOENT: /etc/passwd')
  })
  app.get(
    '/lies',
    { config, schema: { response: { 200: Type.Object({ n: Type.Integer() }) } } },
    (_r, reply) => reply.send({ n: 'not /a number' } as never),
  )
  app.get('/busy', { config }, async () => {
    throw new PoolError('POOL_QUEUE_FULL', 'x')
  })
  app.post(
    '/things',
    {
      config,
      schema: {
        body: Type.Object(
          { name: Type.String({ minLength: 1 }), kind: Type.Enum(['a', 'b']), n: Type.Integer() },
          { additionalProperties: false },
        ),
      },
    },
    () => ({}),
  )
}

describe('errorsPlugin', () => {
  it('lets nothing of an error out from 500 on, whatever its code', async (t) => {
    const { app } = await createRig(t, { routes: addRoutes })
    const codes = [...Object.keys(errorTable), 'SQLITE_ERROR', 'SQLITE_CORRUPT', 'ENOENT', 'NONE']
    for (const url of [...codes.map((code) => `/fail/${code}`), '/throws', '/lies']) {
      const reply = await app.inject({ url, headers })
      const { error } = reply.json<Envelope>()
      assert.deepEqual(Object.keys(reply.json<object>()), ['error'], url)
      assert.ok(error.requestId.length > 0 && error.code.length > 0, url)
      if (reply.statusCode < 500) continue
      assert.doesNotMatch(reply.body, /\/|SQLITE|at \/|at .*:\d|SELECT|FROM/, url)
    }
  })

  it('logs what is our fault once, with its error and the route, but not the address', async (t) => {
    const { app, lines } = await createRig(t, { routes: addRoutes })
    const reply = await app.inject({ url: '/throws?token=secret', headers })
    const { requestId } = reply.json<Envelope>().error
    const [line, ...others] = lines().filter((line) => Number(line['level']) >= 40)
    assert.deepEqual(others, [])
    assert.equal((line!['err'] as { message: string }).message, 'ENOENT: /etc/passwd')
    assert.deepEqual(
      [line!['code'], line!['route'], line!['reqId']],
      ['INTERNAL', '/throws', requestId],
    )
    assert.ok(!JSON.stringify(lines()).includes('secret'))
  })

  it('logs nothing for what is the client’s fault', async (t) => {
    const { app, lines } = await createRig(t, { routes: addRoutes })
    await app.inject({ url: '/nowhere', headers })
    await app.inject({ method: 'POST', url: '/things', headers, payload: {} })
    assert.deepEqual(lines(), [])
  })

  it('logs a flood of refusals with one line', async (t) => {
    const { app, lines } = await createRig(t, { routes: addRoutes })
    for (let i = 0; i < 50; i += 1) {
      const reply = await app.inject({ url: '/busy', headers })
      assert.equal(reply.headers['retry-after'], '1')
    }
    assert.deepEqual(
      lines().map(({ code, count }) => [code, count]),
      [['POOL_QUEUE_FULL', 1]],
    )
  })

  it('names every field that is wrong', async (t) => {
    const { app } = await createRig(t, { routes: addRoutes })
    const payload = { name: '', kind: 'c', n: '1', more: true }
    const reply = await app.inject({ method: 'POST', url: '/things', headers, payload })
    assert.equal(reply.statusCode, 400)
    const { code, details } = reply.json<Envelope>().error
    assert.equal(code, 'VALIDATION')
    assert.deepEqual(details, {
      part: 'body',
      fields: [
        { field: 'more', rule: 'additionalProperties', message: 'is not known' },
        { field: 'name', rule: 'minLength', message: 'must not have fewer than 1 characters' },
        { field: 'kind', rule: 'enum', message: 'must be one of a, b' },
        { field: 'n', rule: 'type', message: 'must be integer' },
      ],
    })
    const empty = await app.inject({ method: 'POST', url: '/things', headers, payload: {} })
    assert.deepEqual(empty.json<Envelope>().error.details?.fields, [
      { field: 'name', rule: 'required', message: 'is missing' },
      { field: 'kind', rule: 'required', message: 'is missing' },
      { field: 'n', rule: 'required', message: 'is missing' },
    ])
  })

  const bodies: readonly (readonly [what: string, type: string, body: string, status: number])[] = [
    ['no JSON', 'application/json', '{"name":', 400],
    ['an empty body', 'application/json', '', 400],
    ['a prototype', 'application/json', '{"__proto__":{"x":1}}', 400],
    ['a constructor', 'application/json', '{"constructor":{"prototype":{"x":1}}}', 400],
    ['a deep body', 'application/json', '['.repeat(30_000), 400],
    ['a big body', 'application/json', JSON.stringify({ name: 'x'.repeat(64 * 1024) }), 413],
    ['text', 'text/plain', '{}', 415],
    ['a form', 'application/x-www-form-urlencoded', 'name=x', 415],
  ]
  for (const [what, type, body, status] of bodies) {
    it(`answers ${what} with ${status}`, async (t) => {
      const { app } = await createRig(t, { routes: addRoutes })
      const reply = await app.inject({
        method: 'POST',
        url: '/things',
        headers: { ...headers, 'content-type': type },
        payload: body,
      })
      assert.equal(reply.statusCode, status, reply.body)
      assert.ok(reply.json<Envelope>().error.code)
    })
  }

  it('tells a wrong method from a wrong address', async (t) => {
    const { app } = await createRig(t, { routes: addRoutes })
    const wrong = await app.inject({ method: 'DELETE', url: '/things?x=1', headers })
    assert.deepEqual([wrong.statusCode, wrong.headers['allow']], [405, 'POST'])
    const get = await app.inject({ method: 'PUT', url: '/throws', headers })
    assert.deepEqual([get.statusCode, get.headers['allow']], [405, 'GET, HEAD'])
    for (const url of ['/nowhere', '/things/', '//things']) {
      const reply = await app.inject({ url, headers })
      assert.deepEqual(
        [reply.statusCode, reply.json<Envelope>().error.code],
        [404, 'NOT_FOUND'],
        url,
      )
    }
  })

  it('does not repeat an address that is no address', async (t) => {
    const { app } = await createRig(t, { routes: addRoutes })
    const bad = await app.inject({ url: '/fail/%zz', headers })
    assert.deepEqual([bad.statusCode, bad.json<Envelope>().error.code], [400, 'BAD_REQUEST'])
    assert.ok(!bad.body.includes('zz'))
    const long = await app.inject({ url: `/fail/${'x'.repeat(101)}`, headers })
    assert.deepEqual([long.statusCode, long.json<Envelope>().error.code], [414, 'URI_TOO_LONG'])
    assert.ok(!long.body.includes('xxx'))
  })
})
