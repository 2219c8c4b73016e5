import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { until } from '../testing/until.ts'
import { createRig, exchange, listen, request, statusOf } from './testing/rig.ts'

describe('handleClientError', () => {
  const host = 'Host: 127.0.0.1:PORT'
  const tls = Buffer.from('16030100ff010000fb0303', 'hex').toString('latin1')
  const cases: readonly (readonly [what: string, text: string, status: number, code: string])[] = [
    ['rubbish', 'rubbish\r\n\r\n', 400, 'BAD_REQUEST'],
    ['TLS', tls, 400, 'BAD_REQUEST'],
    [
      'two lengths',
      request(
        ['POST / HTTP/1.1', host, 'Content-Length: 1', 'Transfer-Encoding: chunked'],
        '0\r\n\r\n',
      ),
      400,
      'BAD_REQUEST',
    ],
    ['a folded header', request(['GET / HTTP/1.1', host, 'X: a', ' b']), 400, 'BAD_REQUEST'],
    [
      'a header of 9 KiB',
      request(['GET / HTTP/1.1', host, `X: ${'x'.repeat(9 * 1024)}`]),
      431,
      'HEADERS_TOO_BIG',
    ],
    [
      'an address of 9 KiB',
      request([`GET /${'x'.repeat(9 * 1024)} HTTP/1.1`, host]),
      431,
      'HEADERS_TOO_BIG',
    ],
  ]
  for (const [what, text, status, code] of cases) {
    it(`answers ${what} with ${status}, and hangs up`, async (t) => {
      const { app } = await createRig(t)
      const port = await listen(app)
      const answer = await exchange(port, text.replace('PORT', String(port)))
      assert.equal(statusOf(answer), status)
      const [head, body] = answer.split('\r\n\r\n')
      assert.match(head!, /connection: close/i)
      assert.equal(Number(/content-length: (\d+)/i.exec(head!)?.[1]), Buffer.byteLength(body!))
      const { error } = JSON.parse(body!) as { error: { code: string; requestId: string } }
      assert.equal(error.code, code)
      assert.ok(error.requestId.length > 0)
    })
  }

  it('writes nothing into the middle of another answer', async (t) => {
    const { app } = await createRig(t, {
      routes: (app) => {
        app.get('/half', { config: { access: 'open' } }, (_request, reply) => {
          reply.hijack()
          reply.raw.writeHead(200, { 'content-length': '100' })
          reply.raw.write('half')
        })
      },
    })
    const port = await listen(app)
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.on('error', () => undefined)
    socket.write(request(['GET /half HTTP/1.1', `Host: 127.0.0.1:${port}`]))
    await until(() => answer.endsWith('half'))
    socket.write('rubbish\r\n\r\n')
    await once(socket, 'close')
    assert.ok(answer.endsWith('half'), answer)
  })
})
