import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readHistory, rig } from './testing/rig.ts'
import { acquireEvent } from './testing/test-view.ts'

describe('GET /api/v1/history', () => {
  it('has columns for the charts, the marks and the state', async (t) => {
    const { app, view, clock } = await rig(t)
    view.stats.reader.inUse = 3
    clock.advance(3000)
    view.emit(acquireEvent())
    clock.advance(1000)
    const history = await readHistory(app, '?stepMs=1000')
    assert.deepEqual([history.bootId, history.stepMs], ['boot-1', 1000])
    assert.equal(history.series.length, history.columns.length)
    for (const column of history.columns) assert.equal(column.length, history.atMs.length)
    assert.deepEqual(history.columns[history.series.indexOf('inUse')], [0, 3, 3, 3, 3])
    assert.deepEqual(new Set(history.columns[history.series.indexOf('walBytes')]), new Set([null]))
    assert.equal(history.events[0]!.type, 'acquire')
    assert.equal(history.state.poolState, 'ready')
    assert.equal(history.serverAtMs, clock.timeOriginMs + 4000)
  })

  const bad = ['?fromMs=x', '?fromMs=-1', '?stepMs=0', '?stepMs=0.5', '?fromMs=2&toMs=1']
  for (const query of bad) {
    it(`refuses ${query} with 400`, async (t) => {
      const { app } = await rig(t)
      assert.equal((await app.inject(`/api/v1/history${query}`)).statusCode, 400)
    })
  }

  it('answers about any range, and never with more points than it keeps', async (t) => {
    const { app, clock } = await rig(t)
    clock.advance(2 * 3_600_000)
    for (const query of [
      '',
      '?fromMs=0',
      '?fromMs=0&stepMs=1',
      '?toMs=0',
      '?fromMs=8640000000000000',
    ]) {
      const { atMs } = await readHistory(app, query)
      assert.ok(atMs.length <= 5781, `${query}: ${atMs.length} points`)
    }
  })

  it('answers with the last state while the view throws, and logs on', async (t) => {
    const { app, view, clock } = await rig(t)
    view.failure = new Error('broken view')
    clock.advance(2000)
    assert.equal((await readHistory(app)).state.poolState, 'ready')
    assert.ok(app.live.sampleErrorCount >= 2)
  })
})
