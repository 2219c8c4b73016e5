import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../testing/until.ts'
import { ADMIN_TOKEN, createRig, exchange, listen, request, statusOf } from './testing/rig.ts'

const config = { access: 'open' } as const
const NEVER_MS = 2 ** 31 - 1

/** A server whose `/slow` answers when the test says so, and what a client on one connection has read. */
async function startServer(t: TestContext) {
  const answers: (() => void)[] = []
  let closedAfter = -1
  let requestCount = 0
  const { app } = await createRig(t, {
    routes: (app) => {
      app.server.on('request', () => (requestCount += 1))
      app.get('/fast', { config }, () => 'fast')
      app.get('/slow', { config }, async () => {
        await new Promise<void>((resolve) => answers.push(resolve))
        return 'slow'
      })
      app.get('/stream', { config }, (_request, reply) => {
        reply.hijack()
        reply.raw.write('begun')
        answers.push(() => void reply.raw.end('done'))
      })
      app.get('/ws', { websocket: true, config: { access: 'viewer' } }, () => undefined)
      app.addHook('onClose', async () => void (closedAfter = answers.length))
    },
  })
  const port = await listen(app)
  const open = (): { socket: Socket; answer: () => string; send: (path: string) => void } => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    socket.on('error', () => undefined)
    t.after(() => void socket.destroy())
    const send = (path: string): void =>
      void socket.write(request([`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`]))
    return { socket, answer: () => answer, send }
  }
  return {
    app,
    port,
    answers,
    open,
    closedAfter: () => closedAfter,
    requestCount: () => requestCount,
  }
}

const statusesOf = (answers: string): number[] =>
  [...answers.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]))

describe('Drain', () => {
  it('answers what was let in, asks its client to hang up, and then closes', async (t) => {
    const { app, answers, open, closedAfter } = await startServer(t)
    const client = open()
    client.send('/slow')
    await until(() => answers.length === 1)
    const drained = app.drain.run({ deadlineMs: NEVER_MS })
    const closed = once(client.socket, 'close')
    answers[0]!()
    await closed
    assert.deepEqual(statusesOf(client.answer()), [200])
    assert.match(client.answer(), /connection: close/i)
    assert.deepEqual(await drained, { cutCount: 0 })
    assert.equal(closedAfter(), 1, 'what plugins close, they close after the last answer')
  })

  it('hangs up on idle connections, and takes no new ones', async (t) => {
    const { app, port, open } = await startServer(t)
    const clients = Array.from({ length: 5 }, () => open())
    for (const { send } of clients) send('/fast')
    await until(() => clients.every(({ answer }) => answer().endsWith('fast')))
    await app.drain.run({ deadlineMs: NEVER_MS })
    await until(() => clients.every(({ socket }) => socket.closed))
    await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
  })

  it('sweeps away a connection whose answer had begun before, and so could not say it', async (t) => {
    const { app, answers, open } = await startServer(t)
    app.server.keepAliveTimeout = 0
    const client = open()
    client.send('/stream')
    await until(() => client.answer().includes('begun'))
    const drained = app.drain.run({ deadlineMs: NEVER_MS })
    await until(() => !app.server.listening)
    answers[0]!()
    await once(client.socket, 'close')
    assert.match(client.answer(), /connection: keep-alive[\s\S]*done/i)
    assert.deepEqual(await drained, { cutCount: 0 })
  })

  it('refuses what comes in later on an open connection, in the envelope', async (t) => {
    const { app, answers, open } = await startServer(t)
    const [busy, late] = [open(), open()]
    busy.send('/slow')
    await until(() => answers.length === 1)
    app.drain.begin()
    late.send('/fast')
    await once(late.socket, 'close')
    assert.equal(statusOf(late.answer()), 503)
    assert.match(late.answer(), /connection: close[\s\S]*"code":"POOL_DRAINING"/i)
    answers[0]!()
    await until(() => busy.answer().endsWith('slow'))
  })

  it('refuses in the envelope even when the server is closing already', async (t) => {
    const { app, answers, open, requestCount } = await startServer(t)
    const client = open()
    client.send('/slow')
    await until(() => answers.length === 1)
    const drained = app.drain.run({ deadlineMs: NEVER_MS })
    client.send('/fast')
    await until(() => requestCount() === 2)
    answers[0]!()
    await once(client.socket, 'close')
    await drained
    assert.deepEqual(statusesOf(client.answer()), [200, 503])
    assert.match(client.answer(), /POOL_DRAINING/)
  })

  it('loses no answer of requests that were sent one behind the other', async (t) => {
    const { app, answers, open } = await startServer(t)
    const client = open()
    for (let i = 0; i < 3; i += 1) client.send('/slow')
    await until(() => answers.length === 3)
    const drained = app.drain.run({ deadlineMs: NEVER_MS })
    for (const answer of answers) answer()
    await once(client.socket, 'close')
    assert.deepEqual(statusesOf(client.answer()), [200, 200, 200])
    await drained
  })

  it('refuses upgrades', async (t) => {
    const { app, port } = await startServer(t)
    app.drain.begin()
    const lines = upgradeLines(port)
    assert.equal(statusOf(await exchange(port, request(lines))), 503)
  })

  it('cuts off at the deadline what does not end: half a request, a stuck one, a silent websocket', async (t) => {
    const { app, port, answers, open } = await startServer(t)
    const [half, stuck, silent] = [open(), open(), open()]
    half.socket.write(`GET /fast HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n`)
    stuck.send('/slow')
    silent.socket.write(request(upgradeLines(port)))
    await until(() => answers.length === 1 && statusOf(silent.answer()) === 101)
    const drained = app.drain.run({ deadlineMs: 100 })
    for (const { socket } of [half, stuck, silent]) if (!socket.closed) await once(socket, 'close')
    assert.deepEqual(await drained, { cutCount: 3 })
    answers[0]!()
  })

  it('is one run, however often it is asked for', async (t) => {
    const { app } = await startServer(t)
    const first = app.drain.run({ deadlineMs: NEVER_MS })
    assert.equal(app.drain.run({ deadlineMs: 1 }), first)
    await first
  })
})

const upgradeLines = (port: number): string[] => [
  'GET /ws HTTP/1.1',
  `Host: 127.0.0.1:${port}`,
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  `Authorization: Bearer ${ADMIN_TOKEN}`,
]
