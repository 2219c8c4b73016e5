import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readFlags } from './flags.ts'
import { formatSummary, summarize } from './summary.ts'
import { Tally } from './tally.ts'

function summaryOf(args: readonly string[], fill: (tally: Tally) => void) {
  const options = readFlags([...args, '--seed', '7'], () => 0)
  assert.ok(options !== 'help')
  const tally = new Tally()
  fill(tally)
  return summarize({
    options,
    tally,
    elapsedMs: 2000,
    unsentCount: 3,
    isEndedEarly: false,
    rows: { createdCount: 5, deletedCount: 4, ownIds: [9] },
  })
}

function fillSome(tally: Tally): void {
  for (let i = 0; i < 9; i += 1) tally.recordAnswer('list', 2, { status: 200, code: null })
  tally.recordAnswer('stats', 1180, { status: 503, code: 'POOL_ACQUIRE_TIMEOUT' })
  tally.recordError('ECONNRESET')
  tally.pauseCount = 2
}

describe('summarize', () => {
  it('says what was asked for and what happened', () => {
    const summary = summaryOf([], fillSome)
    assert.equal(summary.requests, 10)
    assert.equal(summary.requestsPerSecond, 5)
    assert.deepEqual(summary.statuses, { 200: 9, 503: 1 })
    assert.deepEqual(summary.refusals, { POOL_ACQUIRE_TIMEOUT: 1 })
    assert.deepEqual(summary.errors, { ECONNRESET: 1 })
    assert.deepEqual(Object.keys(summary.latencyMsByKind), ['list', 'stats'])
    assert.deepEqual(summary.waits, { lateMs: null, unsent: 3, pauses: 2 })
    assert.deepEqual(summary.rows, { created: 5, deleted: 4, left: 1 })
    assert.equal(summary.rate, null)
  })

  it('says how late requests were sent when there was a rate', () => {
    const summary = summaryOf(['--rate', '100'], (tally) => tally.lateness.record(39))
    assert.equal(summary.waits.lateMs?.max, 39)
    assert.match(formatSummary(summary), /^sent late: p50 39\.0 ms.*due and never sent: 3$/m)
  })
})

describe('formatSummary', () => {
  it('is a table for a person', () => {
    assert.equal(
      formatSummary(summaryOf([], fillSome)),
      `10 requests in 2.0 s, 5 a second, 10 at once, seed 7
answers  200: 9, 503: 1
refusals  POOL_ACQUIRE_TIMEOUT: 1
errors  ECONNRESET: 1

latency, ms   requests       p50       p90       p99       max
list                 9       2.0       2.0       2.0       2.0
stats                1      1180      1180      1180      1180
all                 10       2.0       2.0      1180      1180

pauses after a refusal or an error: 2
rows created: 5, deleted: 4, left behind: 1
`,
    )
  })

  it('has something to say when nothing was answered', () => {
    const text = formatSummary(summaryOf([], () => undefined))
    assert.match(text, /^0 requests/)
    assert.match(text, /^all +0 +– +– +– +–$/m)
  })
})
