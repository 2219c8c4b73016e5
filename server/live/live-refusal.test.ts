import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { until } from '../testing/until.ts'
import { Page, connectPage, openPage, refused } from './testing/page.ts'
import { rig } from './testing/rig.ts'

describe('who is refused', () => {
  it('answers 503 before the upgrade when all places are taken', async (t) => {
    const { app } = await rig(t, { maxViewers: 2 })
    const [first] = [await openPage(t, app), await openPage(t, app)]
    const { status, body } = await refused(t, app)
    assert.deepEqual([status, body['code']], [503, 'OVERLOADED'])
    first.socket.close()
    await until(() => app.live.viewerCount === 1)
    await openPage(t, app)
  })

  it('lets exactly so many in when many come at once', async (t) => {
    const { app } = await rig(t, { maxViewers: 3 })
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, () => once(connectPage(t, app), 'open')),
    )
    const opened = results.filter(({ status }) => status === 'fulfilled')
    assert.deepEqual([opened.length, app.live.viewerCount], [3, 3])
  })

  it('answers 404 to a request without an upgrade, and 400 to a broken address', async (t) => {
    const { app } = await rig(t)
    assert.equal((await app.inject('/api/v1/live')).statusCode, 404)
    for (const query of ['?after=x', '?after=-1', `?boot=${'x'.repeat(65)}`]) {
      assert.equal((await refused(t, app, { query })).status, 400, query)
    }
    assert.equal(app.live.viewerCount, 0)
  })

  it('closes 1011 while there is no state to greet with, and frees the place', async (t) => {
    const { app } = await rig(t, { failure: new Error('broken view') })
    const page = new Page(connectPage(t, app))
    assert.equal(await page.closed, 1011)
    await until(() => app.live.viewerCount === 0)
    assert.equal((await app.inject('/api/v1/history')).statusCode, 500)
  })

  it('answers 503 once it is shutting down', async (t) => {
    const { app } = await rig(t)
    await app.live.shutdown()
    const { status, body } = await refused(t, app)
    assert.deepEqual([status, body['code']], [503, 'POOL_DRAINING'])
  })
})
