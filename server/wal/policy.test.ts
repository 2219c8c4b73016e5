import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { resolveWALOptions } from './options.ts'
import { decide } from './policy.ts'
import type { Decision, WALSituation } from './policy.ts'

const MEBIBYTE = 1024 * 1024
const limits = resolveWALOptions()

/** A log under load of which everything was copied back. */
const settled: WALSituation = {
  frames: 500,
  backfilledFrames: 500,
  sizeBytes: 2 * MEBIBYTE,
  pageSizeBytes: 4096,
  oldestPendingMs: 0,
  quietMs: 0,
  isIntervalDue: false,
  waitingWriters: 0,
  longestHeldMs: 0,
  budgetMs: 250,
  hardBudgetMs: 1000,
  isPassiveBackedOff: false,
  isBlockingBackedOff: false,
  isBackpressured: false,
}
const long = { frames: 16_000, backfilledFrames: 15_900, sizeBytes: 63 * MEBIBYTE }
const quietAndLarge = { quietMs: 1000, sizeBytes: 4 * MEBIBYTE + 1 }
const pending = { frames: 600, backfilledFrames: 500 }

const cases: [name: string, given: Partial<WALSituation>, then: string][] = [
  ['a settled log', {}, 'none'],
  [
    'an unknown log, whatever else is due',
    { frames: null, isIntervalDue: true, quietMs: 5000 },
    'none',
  ],

  ['999 frames pending', { frames: 1499 }, 'none'],
  ['1000 frames pending', { frames: 1500 }, 'passive frames'],
  [
    '1000 frames pending after a PASSIVE in vain',
    { frames: 1500, isPassiveBackedOff: true },
    'none',
  ],
  [
    '1000 frames pending behind an old reader',
    { frames: 1500, longestHeldMs: 9e6 },
    'passive frames',
  ],

  ['a long log', long, 'reset size'],
  [
    'a long log by bytes: 64 KiB pages',
    { ...pending, frames: 1023, pageSizeBytes: 65_536 },
    'none',
  ],
  ['64 MiB in 64 KiB pages', { ...pending, frames: 1024, pageSizeBytes: 65_536 }, 'reset size'],
  [
    'a long log, all copied: the next write starts it over',
    { ...long, backfilledFrames: 16_000 },
    'none',
  ],
  ['a long log with writers waiting', { ...long, waitingWriters: 3 }, 'reset size'],
  ['a long log soon after a busy RESTART', { ...long, isBlockingBackedOff: true }, 'none'],
  ['a long log, the reader as old as the budget', { ...long, longestHeldMs: 250 }, 'reset size'],
  ['a long log, the reader older than the budget', { ...long, longestHeldMs: 251 }, 'none'],
  [
    'a long log and much pending behind an old reader',
    { ...long, backfilledFrames: 9000, longestHeldMs: 251 },
    'passive frames',
  ],

  ['a very long log', { ...long, frames: 64_000 }, 'restart size'],
  [
    'a very long log by bytes: 64 KiB pages',
    { ...pending, frames: 4096, backfilledFrames: 4000, pageSizeBytes: 65_536 },
    'restart size',
  ],
  [
    'a very long log, the reader older than the usual budget',
    { ...long, frames: 64_000, longestHeldMs: 1000 },
    'restart size',
  ],
  [
    'a very long log, the reader older than any budget',
    { ...long, frames: 64_000, longestHeldMs: 1001 },
    'passive frames',
  ],

  [
    'writers held back and waiting',
    { ...pending, isBackpressured: true, waitingWriters: 9 },
    'relieve limit',
  ],
  [
    'writers held back, the reader older than any budget',
    { ...pending, isBackpressured: true, longestHeldMs: 1001 },
    'passive limit',
  ],
  [
    'writers held back, the same after a PASSIVE in vain',
    { ...pending, isBackpressured: true, longestHeldMs: 1001, isPassiveBackedOff: true },
    'none',
  ],
  [
    'writers held back, soon after a busy TRUNCATE',
    { ...pending, isBackpressured: true, isBlockingBackedOff: true },
    'passive limit',
  ],

  ['a large file, quiet for a second', quietAndLarge, 'shrink size'],
  ['a large file with something pending', { ...quietAndLarge, ...pending }, 'shrink size'],
  ['a large file, still written', { ...quietAndLarge, quietMs: 999 }, 'none'],
  ['4 MiB, quiet', { ...quietAndLarge, sizeBytes: 4 * MEBIBYTE }, 'none'],
  ['a large file, a writer waiting', { ...quietAndLarge, waitingWriters: 1 }, 'none'],
  [
    'a large file, the reader older than the budget',
    { ...quietAndLarge, longestHeldMs: 251 },
    'none',
  ],
  [
    'a large file soon after a busy TRUNCATE',
    { ...quietAndLarge, isBlockingBackedOff: true },
    'none',
  ],

  ['the interval, nothing pending', { isIntervalDue: true }, 'none'],
  ['the interval, frames pending', { ...pending, isIntervalDue: true }, 'passive interval'],
  [
    'the interval, after a PASSIVE in vain',
    { ...pending, isIntervalDue: true, isPassiveBackedOff: true },
    'passive interval',
  ],
  [
    'the interval, a small quiet file',
    { ...pending, isIntervalDue: true, quietMs: 1000 },
    'shrink interval',
  ],
  [
    'the interval, an empty log',
    { frames: 0, backfilledFrames: 0, sizeBytes: 0, isIntervalDue: true, quietMs: 1e9 },
    'none',
  ],
  [
    'the interval, quiet, a writer waiting',
    { ...pending, isIntervalDue: true, quietMs: 1000, waitingWriters: 1 },
    'passive interval',
  ],

  ['a frame pending for less than 30 s', { ...pending, oldestPendingMs: 29_999 }, 'none'],
  ['a frame pending for 30 s', { ...pending, oldestPendingMs: 30_000 }, 'passive age'],
  [
    'a frame pending for 30 s, quiet',
    { ...pending, oldestPendingMs: 30_000, quietMs: 29_000 },
    'shrink age',
  ],
  [
    'a frame pending for 30 s after a PASSIVE in vain',
    { ...pending, oldestPendingMs: 30_000, isPassiveBackedOff: true },
    'none',
  ],
]

const inWords = ({ action, trigger }: Decision): string =>
  action === 'none' ? 'none' : `${action} ${trigger}`

describe('decide', () => {
  for (const [name, given, then] of cases) {
    it(`${name} → ${then}`, () => {
      assert.equal(inWords(decide({ ...settled, ...given }, limits)), then)
    })
  }

  it('has no age rule when checkpointAgeMs is 0', () => {
    const old = { ...settled, ...pending, oldestPendingMs: 9e9 }
    assert.equal(decide(old, { ...limits, checkpointAgeMs: 0 }).action, 'none')
  })

  it('never truncates while a writer waits that is not held back, in any of 4,096 situations', () => {
    for (let bits = 0; bits < 4096; bits += 1) {
      const on = (bit: number): boolean => (bits & (1 << bit)) !== 0
      const decision = decide(
        {
          frames: on(0) ? 20_000 : 600,
          backfilledFrames: on(1) ? 600 : on(2) ? 500 : 0,
          sizeBytes: on(3) ? 90 * MEBIBYTE : on(4) ? 1 : 0,
          pageSizeBytes: on(5) ? null : 4096,
          oldestPendingMs: on(6) ? 40_000 : 0,
          quietMs: on(7) ? 40_000 : 0,
          isIntervalDue: on(8),
          waitingWriters: 1,
          longestHeldMs: on(9) ? 9000 : 0,
          budgetMs: 250,
          hardBudgetMs: 1000,
          isPassiveBackedOff: on(10),
          isBlockingBackedOff: on(11),
          isBackpressured: false,
        },
        limits,
      )
      assert.notEqual(decision.action, 'shrink')
    }
  })
})
