import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRig } from './testing/rig.ts'

const headers = { host: 'localhost' }

describe('rateLimitPlugin', () => {
  it('limits a route that asks for it, by address, and never another', async (t) => {
    const { app } = await createRig(t, {
      routes: (app) => {
        const rateLimit = { max: 2, timeWindow: 60_000 }
        app.get('/limited', { config: { access: 'open', rateLimit } }, () => ({}))
        app.get('/free', { config: { access: 'open' } }, () => ({}))
      },
    })
    const statusesOf = async (url: string, remoteAddress: string): Promise<number[]> => {
      const statuses: number[] = []
      for (let i = 0; i < 3; i += 1) {
        statuses.push((await app.inject({ url, headers, remoteAddress })).statusCode)
      }
      return statuses
    }
    assert.deepEqual(await statusesOf('/limited', '10.0.0.1'), [200, 200, 429])
    assert.deepEqual(await statusesOf('/limited', '10.0.0.2'), [200, 200, 429])
    assert.deepEqual(await statusesOf('/free', '10.0.0.1'), [200, 200, 200])
  })

  it('limits the upgrades to a websocket, and nothing of it for a route with limits of its own', async (t) => {
    const limits: unknown[] = []
    await createRig(t, {
      routes: (app) => {
        app.addHook('onRoute', ({ config }) => void limits.push(config?.rateLimit))
        app.get('/ws', { websocket: true, config: { access: 'viewer' } }, () => undefined)
        const rateLimit = { max: 1 }
        app.get(
          '/own',
          { websocket: true, config: { access: 'viewer', rateLimit } },
          () => undefined,
        )
      },
    })
    assert.deepEqual(
      limits.filter((_, i) => i % 2 === 0),
      [{ max: 300, timeWindow: 60_000 }, { max: 1 }],
    )
  })
})
