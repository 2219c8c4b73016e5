import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LitestreamView, WalView } from '../../telemetry/protocol.ts'
import { calmWal } from './testing/calm-wal.ts'
import { walNotes } from './wal-notes.ts'

const gib = 1024 ** 3
const NOW_MS = 60_000

const litestream: LitestreamView = {
  readAtMs: NOW_MS - 4000,
  error: null,
  walBytes: 12 * 1024 ** 2,
  checkpoints: 34,
  syncErrors: 0,
  txid: 123_456,
}

const notes = (change: Partial<WalView>, isPinShown: boolean = false): string[] =>
  walNotes({ ...calmWal, ...change }, NOW_MS, { isPinShown }).map(
    ({ tone, text }) => `${tone}: ${text.replaceAll('\u2009', ' ')}`,
  )

describe('the notes on the log', () => {
  it('are none when nothing is out of the ordinary', () => {
    assert.deepEqual(notes({ headroomBytes: 2 * gib, limitBytes: gib }), [])
  })

  const cases: readonly (readonly [name: string, change: Partial<WalView>, text: string])[] = [
    [
      'writers that are held back because the log is long',
      { backpressure: 'size', limitBytes: gib },
      'crit: Writers are held back: the log has reached its limit of 1.0 GiB.',
    ],
    [
      'writers that are held back because the disk is full, and that once',
      { backpressure: 'disk', headroomBytes: 100 * 1024 ** 2 },
      'crit: Writers are held back: the disk is nearly full (100 MiB left).',
    ],
    [
      'a disk of which nobody knows how full it is',
      { backpressure: 'disk' },
      'crit: Writers are held back: the disk is nearly full.',
    ],
    [
      'a disk with less than two GiB left',
      { headroomBytes: 2 * gib - 1 },
      'warn: The disk has 2.0 GiB left once everything is copied back.',
    ],
    [
      'a disk with less left than the log is long',
      { headroomBytes: 3 * gib, sizeBytes: 3 * gib + 1 },
      'warn: The disk has 3.0 GiB left once everything is copied back.',
    ],
    [
      'a disk on which not everything fits',
      { headroomBytes: -5 },
      'warn: The disk has 0 B left once everything is copied back.',
    ],
    [
      'checkpoints of SQLite',
      { checkpointer: 'sqlite' },
      'neutral: SQLite checkpoints inside commits.',
    ],
    [
      'checkpoints of others',
      { checkpointer: 'external' },
      'neutral: Another program checkpoints.',
    ],
    [
      'Litestream',
      { litestream },
      'neutral: Litestream: log 12.0 MiB, 34 checkpoints, 0 sync errors, transaction 123,456 (4.0 s ago).',
    ],
    [
      'a Litestream that does not answer',
      { litestream: { ...litestream, error: 'timed out', txid: null } },
      'warn: Litestream: log 12.0 MiB, 34 checkpoints, 0 sync errors (4.0 s ago; no newer answer: timed out).',
    ],
    [
      'a Litestream that says nothing',
      {
        litestream: {
          ...litestream,
          walBytes: null,
          checkpoints: null,
          syncErrors: null,
          txid: null,
        },
      },
      'neutral: Litestream: nothing said (4.0 s ago).',
    ],
  ]
  for (const [name, change, text] of cases) {
    it(`tell of ${name}`, () => assert.deepEqual(notes(change), [text]))
  }

  it('tell of a starved log only when the row beside them does not', () => {
    const text = 'crit: Nothing can be copied back, and nobody is seen in the way.'
    assert.deepEqual(notes({ isStarved: true }), [text])
    assert.deepEqual(notes({ isStarved: true }, true), [])
  })

  it('begin with the worst', () => {
    const all = notes({
      backpressure: 'size',
      isStarved: true,
      headroomBytes: 0,
      checkpointer: 'external',
      litestream,
    })
    assert.deepEqual(
      all.map((note) => note.split(':')[0]),
      ['crit', 'crit', 'warn', 'neutral', 'neutral'],
    )
  })
})
