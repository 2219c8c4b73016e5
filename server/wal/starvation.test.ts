import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type StarvationChange, StarvationDetector } from './starvation.ts'

const limits = [{ pendingFrames: 1000, stillMs: 2000 }]

const word = (change: StarvationChange | null): string | null => {
  if (change === null) return null
  if (!change.isStarved) return 'ended'
  return change.isRepeated ? 'goes on' : 'began'
}

/** Columns: ms, frames, backfilled, age of the pin, attempts in vain before the look, what is told. */
type Row = [number, number, number, number, number, string | null]

function play(detector: StarvationDetector, timeline: readonly Row[]): void {
  for (const [nowMs, frames, backfilledFrames, pinnedMs, attempts, told] of timeline) {
    for (let i = 0; i < attempts; i += 1) detector.noteFruitlessAttempt()
    const change = detector.observe({ frames, backfilledFrames, pinnedMs, nowMs })
    assert.equal(word(change), told, `at ${nowMs} ms`)
  }
}

describe('StarvationDetector', () => {
  it('tells the beginning once, again whenever it has lasted twice as long, and the end once', () => {
    play(new StarvationDetector(limits, { needsAttempt: true }), [
      [0, 900, 0, 0, 0, null],
      [250, 1500, 200, 0, 0, null],
      [500, 1600, 200, 0, 1, null],
      [2000, 1700, 200, 0, 0, null],
      [2250, 1800, 200, 0, 1, 'began'],
      [2500, 1900, 200, 0, 0, null],
      [4000, 1900, 200, 0, 0, null],
      [4250, 2000, 200, 0, 3, 'goes on'],
      [4500, 2000, 200, 0, 3, null],
      [6250, 2000, 200, 0, 3, 'goes on'],
      [9000, 9000, 200, 0, 5, null],
      [9250, 9000, 5000, 0, 0, 'ended'],
      [9500, 9000, 9000, 0, 0, null],
    ])
  })

  it('begins as soon as an attempt was in vain behind a snapshot that is two seconds old', () => {
    play(new StarvationDetector(limits, { needsAttempt: true }), [
      [0, 0, 0, 0, 0, null],
      [1500, 1200, 100, 1500, 0, null],
      [1750, 1500, 100, 1750, 1, null],
      [2000, 1500, 100, 2000, 0, 'began'],
    ])
  })

  it('does not count the time in which nothing was pending', () => {
    play(new StarvationDetector(limits, { needsAttempt: true }), [
      [0, 100, 100, 0, 0, null],
      [60_000, 100, 100, 0, 0, null],
      [60_250, 1500, 100, 250, 1, null],
      [62_000, 1600, 100, 1000, 1, 'began'],
    ])
  })

  it('ends when what is pending is no more than a checkpoint may leave', () => {
    play(new StarvationDetector(limits, { needsAttempt: true }), [
      [0, 1500, 0, 0, 0, null],
      [2000, 1500, 0, 0, 1, 'began'],
      [2250, 900, 0, 0, 0, 'ended'],
    ])
  })

  it('does not blame a backlog that nobody tried to copy', () => {
    const rows = Array.from({ length: 240 }, (_, i): Row => [i * 250, 5000, 0, i * 250, 0, null])
    play(new StarvationDetector(limits, { needsAttempt: true }), rows)
  })

  it('needs no attempt of ours where others checkpoint', () => {
    play(new StarvationDetector(limits, { needsAttempt: false }), [
      [0, 1500, 0, 0, 0, null],
      [2000, 1500, 0, 0, 0, 'began'],
    ])
  })

  it('has a longer patience with a small backlog, where that was asked for', () => {
    const patient = [...limits, { pendingFrames: 10, stillMs: 60_000 }]
    play(new StarvationDetector(patient, { needsAttempt: false }), [
      [0, 11, 0, 0, 0, null],
      [59_750, 11, 0, 0, 0, null],
      [60_000, 11, 0, 0, 0, 'began'],
    ])
  })

  it('lets a small backlog stand', () => {
    const rows = Array.from({ length: 240 }, (_, i): Row => [i * 250, 1000, 0, i * 250, 1, null])
    play(new StarvationDetector(limits, { needsAttempt: true }), rows)
  })
})
