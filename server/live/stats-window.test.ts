import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StatsWindow } from './stats-window.ts'
import { TestView } from './testing/test-view.ts'

describe('StatsWindow', () => {
  it('knows nothing from one sample', () => {
    const figures = new StatsWindow().advance(new TestView().stats, 0)
    assert.equal(figures.acquiresPerSecond, null)
    assert.equal(figures.waitP99Ms, null)
  })

  it('gives rates of the last second and quantiles of what ended in it', () => {
    const { stats } = new TestView()
    const window = new StatsWindow()
    window.advance(stats, 0)
    const seen: (number | null)[][] = []
    for (let quarter = 1; quarter <= 8; quarter += 1) {
      if (quarter <= 4) {
        stats.reader.acquired += 5
        stats.reader.waitMs.record(10)
        stats.writer.waitMs.record(100)
        stats.operationMs.record(1)
      }
      const figures = window.advance(stats, quarter * 250)
      seen.push([figures.acquiresPerSecond, figures.waitP99Ms && Math.round(figures.waitP99Ms)])
    }
    assert.deepEqual(
      seen.map(([rate]) => rate),
      [20, 20, 20, 20, 15, 10, 5, 0],
    )
    assert.deepEqual(
      seen.map(([, p99]) => p99 !== null && Math.abs(p99! - 100) <= 3),
      [true, true, true, true, true, true, true, false],
    )
    assert.equal(seen[7]![1], null, 'nobody acquired: no data, and not zero')
  })

  it('reads both lanes as one', () => {
    const { stats } = new TestView()
    const window = new StatsWindow()
    window.advance(stats, 0)
    for (let i = 0; i < 99; i += 1) stats.reader.waitMs.record(1)
    stats.writer.waitMs.record(1000)
    stats.writer.useMs.record(20)
    const figures = window.advance(stats, 1000)
    assert.ok(figures.waitP50Ms! < 2 && figures.waitP99Ms! < 2)
    assert.ok(Math.abs(figures.useP99Ms! - 20) < 1)
  })

  it('keeps rates per second when samples are far apart', () => {
    const { stats } = new TestView()
    const window = new StatsWindow()
    window.advance(stats, 0)
    stats.writer.acquired += 30
    stats.writer.failed.timeout += 6
    stats.reader.failed.queue_full += 3
    stats.reader.failed.shed += 6
    stats.reader.failed.deadlock += 1
    stats.reader.failed.aborted += 100
    const figures = window.advance(stats, 3000)
    assert.deepEqual([figures.acquiresPerSecond, figures.failuresPerSecond], [10, 5])
    assert.deepEqual(figures.failures, {
      timeout: 6,
      queue_full: 3,
      shed: 6,
      deadlock: 1,
      open_failed: 0,
    })
  })

  it('looks back a second though timers are a little early or late', () => {
    const { stats } = new TestView()
    const window = new StatsWindow()
    for (const monoMs of [0, 262, 498, 771, 990, 1251]) {
      stats.reader.acquired += 10
      window.advance(stats, monoMs)
    }
    stats.reader.acquired += 10
    // From 498, ten each in 771, 990, 1251 and now.
    assert.equal(window.advance(stats, 1490).acquiresPerSecond, Math.round(4_000_000 / 992) / 100)
  })
})
