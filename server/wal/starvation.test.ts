import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { StarvationDetector } from './starvation.ts'

describe('StarvationDetector', () => {
  /** Columns: ms, frames, backfilled, attempts in vain before the probe, what is reported. */
  const timeline: [number, number, number, number, 'began' | 'ended' | null][] = [
    [0, 900, 0, 0, null],
    [250, 1500, 200, 0, null],
    [500, 1600, 200, 1, null],
    [2000, 1700, 200, 0, null],
    [2250, 1800, 200, 1, 'began'],
    [2500, 1900, 200, 0, null],
    [9000, 9000, 200, 5, null],
    [9250, 9000, 5000, 0, 'ended'],
    [9500, 9000, 9000, 0, null],
  ]

  it('reports the beginning once and the end once', () => {
    const detector = new StarvationDetector(1000)
    for (const [atMs, frames, backfilled, attempts, reported] of timeline) {
      for (let i = 0; i < attempts; i += 1) detector.noteFruitlessAttempt()
      assert.equal(detector.observe(frames, backfilled, atMs), reported, `at ${atMs} ms`)
    }
  })

  it('does not blame a backlog that nobody tried to copy', () => {
    const detector = new StarvationDetector(1000)
    for (let atMs = 0; atMs < 60_000; atMs += 250) {
      assert.equal(detector.observe(5000, 0, atMs), null)
    }
  })

  it('lets a small backlog stand', () => {
    const detector = new StarvationDetector(1000)
    for (let atMs = 0; atMs < 60_000; atMs += 250) {
      detector.noteFruitlessAttempt()
      assert.equal(detector.observe(1000, 0, atMs), null)
    }
  })
})
