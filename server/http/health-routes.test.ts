import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { POOL_STATES, type PoolState } from '../../telemetry/events.ts'
import { healthRoutesPlugin } from './health-routes.ts'
import { createRig } from './testing/rig.ts'

async function startRig(t: TestContext) {
  const view: { state: PoolState } = { state: 'ready' }
  const { app } = await createRig(t, {
    routes: (app) => void app.register(healthRoutesPlugin, { view }),
  })
  const get = (url: string) => app.inject({ url, headers: { host: 'localhost' } })
  return { app, view, get }
}

describe('/readyz', () => {
  it('is 200 only while requests may come, and says no more than that', async (t) => {
    const { view, get } = await startRig(t)
    for (const state of POOL_STATES) {
      view.state = state
      const reply = await get('/readyz')
      if (state === 'ready' || state === 'degraded') {
        assert.deepEqual([reply.statusCode, reply.json()], [200, { status: state }], state)
      } else {
        const { code } = reply.json<{ error: { code: string } }>().error
        assert.deepEqual(
          [reply.statusCode, code],
          [503, state === 'draining' ? 'POOL_DRAINING' : 'NOT_READY'],
        )
        assert.equal(reply.headers['retry-after'], '1')
      }
    }
  })

  it('is 503 from the moment at which the server drains', async (t) => {
    const { app, get } = await startRig(t)
    app.drain.begin()
    assert.equal((await get('/readyz')).statusCode, 503)
  })
})

describe('/livez', () => {
  it('is 200 whatever the pool does', async (t) => {
    const { app, view, get } = await startRig(t)
    for (const state of POOL_STATES) {
      view.state = state
      assert.equal((await get('/livez')).statusCode, 200, state)
    }
    app.drain.begin()
    assert.deepEqual((await get('/livez')).json(), { status: 'ok' })
  })
})
