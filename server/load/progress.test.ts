import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandClock } from '../testing/hand-clock.ts'
import { startProgress } from './progress.ts'
import { Schedule } from './schedule.ts'
import { Tally } from './tally.ts'

function setUp(isTTY: boolean) {
  const clock = new HandClock()
  const durationMs = 60_000
  const schedule = new Schedule({ clock, durationMs, requestsPerSecond: null })
  const tally = new Tally()
  const written: string[] = []
  const progress = { isTTY, write: (text: string) => written.push(text) }
  const line = startProgress({ clock, progress, tally, schedule, durationMs })
  return { clock, tally, written, line }
}

describe('startProgress', () => {
  it('writes a plain line every five seconds when nobody looks', () => {
    const { clock, tally, written, line } = setUp(false)
    for (let i = 0; i < 50; i += 1) tally.recordAnswer('get', 10, { status: 200, code: null })
    tally.recordAnswer('get', 10, { status: 503, code: 'POOL_QUEUE_FULL' })
    tally.recordError('ECONNRESET')
    clock.advance(12_000)
    assert.deepEqual(written, [
      '5 of 60 s · 10 requests/s · p50 10.0 ms · p99 10.0 ms · 503: 1 · errors: 1\n',
      '10 of 60 s · 0 requests/s · p50 – ms · p99 – ms · 503: 1 · errors: 1\n',
    ])
    line.stop()
    assert.equal(clock.timerCount, 0)
    assert.equal(written.length, 2)
  })

  it('writes over one line on a terminal, and takes it away at the end', () => {
    const { clock, written, line } = setUp(true)
    clock.advance(1000)
    line.stop()
    assert.equal(written.length, 3)
    assert.ok(written.every((text) => text.startsWith('\r\u001B[2K') && !text.includes('\n')))
    assert.equal(written.at(-1), '\r\u001B[2K')
  })
})
