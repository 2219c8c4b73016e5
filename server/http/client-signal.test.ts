import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { until } from '../testing/until.ts'
import { createRig, exchange, listen, request } from './testing/rig.ts'

const config = { access: 'open' } as const

/** A route that answers when the test says so, and the signals of the requests that it got. */
async function startServer(t: TestContext) {
  const signals: AbortSignal[] = []
  const answers: (() => void)[] = []
  const { app } = await createRig(t, {
    routes: (app) => {
      app.route({
        method: ['GET', 'POST'],
        url: '/slow',
        config,
        handler: async (request) => {
          signals.push(request.clientSignal)
          await new Promise<void>((resolve) => answers.push(resolve))
          return { isAborted: request.clientSignal.aborted }
        },
      })
    },
  })
  return { signals, answers, port: await listen(app) }
}

const requests = {
  GET: (port: number) =>
    request(['GET /slow HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Connection: close']),
  POST: (port: number) =>
    request(
      [
        'POST /slow HTTP/1.1',
        `Host: 127.0.0.1:${port}`,
        'Content-Type: application/json',
        'Content-Length: 7',
        'Connection: close',
      ],
      '{"a":1}',
    ),
}

describe('request.clientSignal', () => {
  for (const method of ['GET', 'POST'] as const) {
    it(`stays quiet for a ${method} whose client waits`, async (t) => {
      const { port, signals, answers } = await startServer(t)
      const answer = exchange(port, requests[method](port))
      await until(() => answers.length === 1)
      answers[0]!()
      assert.match(await answer, /\{"isAborted":false\}$/)
      assert.equal(signals[0]!.aborted, false)
    })

    it(`aborts a ${method} whose client hangs up`, async (t) => {
      const { port, signals, answers } = await startServer(t)
      const socket = connect(port, '127.0.0.1')
      socket.write(requests[method](port))
      await until(() => signals.length === 1)
      assert.equal(signals[0]!.aborted, false)
      socket.destroy()
      if (!signals[0]!.aborted) await once(signals[0]!, 'abort')
      assert.equal((signals[0]!.reason as { code: string }).code, 'POOL_ABORTED')
      answers[0]!()
    })
  }

  it('is aborted when somebody asks after the client has gone', async (t) => {
    let isGone = false
    let signal: AbortSignal | undefined
    const { app } = await createRig(t, {
      routes: (app) => {
        app.get('/late', { config }, async (request, reply) => {
          reply.raw.once('close', () => (isGone = true))
          request.raw.socket.destroy()
          await until(() => isGone)
          signal = request.clientSignal
          return {}
        })
      },
    })
    const port = await listen(app)
    await exchange(port, request(['GET /late HTTP/1.1', `Host: 127.0.0.1:${port}`]))
    await until(() => signal !== undefined)
    assert.equal(signal!.aborted, true)
  })

  it('is one signal, however often it is asked for', async (t) => {
    let isSame = false
    const { app } = await createRig(t, {
      routes: (app) => {
        app.get('/', { config }, (request) => {
          isSame = request.clientSignal === request.clientSignal
          return {}
        })
      },
    })
    await app.inject({ url: '/', headers: { host: 'localhost' } })
    assert.ok(isSame)
  })
})
