import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SERIES } from '../../telemetry/protocol.ts'
import { Api } from './api.ts'
import { FramePipeline } from './frame-pipeline.ts'
import { PageView } from './page-view.ts'
import { PoolFeed } from './pool-feed.ts'
import { FakeClock } from './testing/fake-clock.ts'

const row = SERIES.map(() => 1)

function rig(): { readonly clock: FakeClock; readonly feed: PoolFeed; readonly view: PageView } {
  const clock = new FakeClock()
  const feed: PoolFeed = new PoolFeed({
    api: new Api(() => Promise.reject(new TypeError('Failed to fetch'))),
    clock,
    random: () => 0.5,
    openSocket: () => ({ send: () => {}, close: () => {} }),
    range: () => view.range.value,
    onChange: () => {},
    onUnauthenticated: () => {},
  })
  const view = new PageView(feed, '1m')
  return { clock, feed, view }
}

describe('PageView', () => {
  it('shows a window that ends now, in the server’s time', () => {
    const { clock, feed, view } = rig()
    feed.serverClock.learn(clock.nowMs() + 300_000)
    const { span, atMs } = view.shown()
    assert.equal(atMs, clock.nowMs() + 300_000)
    assert.deepEqual(span, { fromMs: atMs - 60_000, toMs: atMs, stepMs: 250 })
    view.showRange('1h')
    assert.deepEqual(view.shown().span, { fromMs: atMs - 3_600_000, toMs: atMs, stepMs: 1000 })
  })

  it('stands still while paused, and has missed nothing afterwards', () => {
    const { clock, feed, view } = rig()
    feed.store.tick(clock.nowMs(), row)
    view.pause()
    const before = { ...view.shown(), lastAtMs: feed.store.lastAtMs }
    clock.advance(38_000)
    feed.store.tick(clock.nowMs(), row)
    assert.deepEqual(view.shown().span, before.span)
    assert.equal(view.shown().store.lastAtMs, before.lastAtMs)
    assert.equal(view.pausedAtMs, before.atMs)
    view.resume()
    assert.equal(view.shown().store.lastAtMs, clock.nowMs())
    assert.equal(view.isPaused.value, false)
  })

  it('keeps a stretch that was dragged over from running away, until it is left', () => {
    const { clock, view } = rig()
    const toMs = clock.nowMs() - 5000
    view.zoomTo(toMs - 10_000, toMs)
    clock.advance(9000)
    assert.deepEqual(view.shown().span, { fromMs: toMs - 10_000, toMs, stepMs: 250 })
    assert.equal(view.isPaused.value, true)
    view.resume()
    assert.equal(view.shown().span.toMs, clock.nowMs())
  })

  it('takes a slip of the pointer for no zoom', () => {
    const { clock, view } = rig()
    view.zoomTo(clock.nowMs() - 1999, clock.nowMs())
    assert.equal(view.zoom.value, null)
  })
})

describe('FramePipeline', () => {
  it('draws once for each animation frame, however much arrives', () => {
    const requested: (() => void)[] = []
    let drawn = 0
    const pipeline = new FramePipeline({ request: (fn) => requested.push(fn) }, () => {
      drawn += 1
    })
    for (let i = 0; i < 50; i += 1) pipeline.markDirty()
    assert.equal(requested.length, 1)
    requested.pop()!()
    assert.equal(drawn, 1)
    pipeline.markDirty()
    assert.equal(requested.length, 1)
  })
})
