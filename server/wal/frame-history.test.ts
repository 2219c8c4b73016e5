import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FrameHistory } from './frame-history.ts'

describe('FrameHistory', () => {
  it('knows the most that there can have been at a time, as exact as the looks are frequent', () => {
    const history = new FrameHistory()
    history.note(100, 1000)
    history.note(200, 1250)
    history.note(300, 1500)
    const cases: [atMs: number, frames: number][] = [
      [900, 100],
      [1000, 100],
      [1001, 200],
      [1250, 200],
      [1400, 300],
      [1501, Number.POSITIVE_INFINITY],
    ]
    for (const [atMs, frames] of cases) assert.equal(history.framesBy(atMs), frames, `at ${atMs}`)
  })

  it('takes what was before a restart of the log for the beginning', () => {
    const history = new FrameHistory()
    history.note(500, 1000)
    history.note(20, 1250)
    assert.equal(history.framesBy(1100), 0)
    assert.equal(history.framesBy(1250), 20)
  })

  it('forgets what is older than a minute, and then says 0', () => {
    const history = new FrameHistory()
    for (let i = 0; i < 300; i += 1) history.note(i, i * 250)
    assert.equal(history.framesBy(0), 0)
    assert.equal(history.framesBy(299 * 250), 299)
  })
})
