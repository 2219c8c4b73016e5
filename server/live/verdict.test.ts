import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WALHolder, WALPin } from '../../telemetry/events.ts'
import { TestView, checkpointEvent, connectionRow, waiterRow } from './testing/test-view.ts'
import { readSituation } from './verdict-situation.ts'
import type { HeardSituation, VerdictSituation } from './verdict-situation.ts'
import { judge, verdictRules } from './verdict.ts'

const NOW_MS = 1_700_000_100_000

const none = { timeout: 0, queue_full: 0, shed: 0, deadlock: 0, open_failed: 0 } as const

const calm: HeardSituation = {
  atMs: NOW_MS,
  poolReason: null,
  failures: none,
  waitP99Ms: 1,
  eventLoopDelayP99Ms: 2,
}

interface Case {
  readonly name: string
  readonly heard?: Partial<HeardSituation>
  readonly given?: (view: TestView) => void
  readonly code: string
  readonly sentence: string
}

const held = (id: number, ageMs: number, label: string | null = 'GET /report') =>
  connectionRow({ id, leaseId: id * 10, label, sinceAtMs: NOW_MS - ageMs })

function pinOf(label: string, kind: 'lease' | 'iterator' = 'lease'): WALPin {
  const lease = { connectionId: 3, leaseId: 30, heldMs: 31_000, label, sql: null, trace: null }
  const holder = { kind, lease, stack: null, pid: 1, command: null }
  return { slot: 1, frame: 100, lagFrames: 12_245, heldMs: 31_000, holder }
}

function starve(view: TestView, pin: WALPin | null): void {
  Object.assign(view.stats.wal, { starvedSinceMs: NOW_MS - 31_000, pin })
}

/** Readers all taken, the first waiter so old. */
function saturate(view: TestView, { waitMs, waiting }: { waitMs: number; waiting: number }): void {
  Object.assign(view.stats.reader, { inUse: 4, idle: 0, waiting })
  view.queue = [waiterRow({ sinceAtMs: NOW_MS - waitMs })]
}

const cases: readonly Case[] = [
  {
    name: 'all is well',
    code: 'healthy',
    sentence: 'Healthy: nobody waits long, no lease is old, and the write-ahead log keeps up.',
  },
  {
    name: 'the pool has failed, whatever else is wrong',
    heard: { poolReason: 'DB_REPLACED' },
    given: (view) => {
      view.state = 'failed'
      saturate(view, { waitMs: 9000, waiting: 9 })
    },
    code: 'failed',
    sentence: 'The pool has failed (DB_REPLACED) and serves nobody.',
  },
  {
    name: 'the pool drains while a lease is out',
    given: (view) => {
      view.state = 'draining'
      view.stats.reader.inUse = 1
      view.rows = [held(7, 31_000)]
    },
    code: 'draining',
    sentence:
      'The pool is shutting down and 1 connection is still in use; connection 7 has been held for over 30 s by GET /report.',
  },
  {
    name: 'the pool starts',
    given: (view) => void (view.state = 'starting'),
    code: 'starting',
    sentence: 'The pool is starting.',
  },
  {
    name: 'the pool is degraded',
    heard: { poolReason: 'writes fail with SQLITE_FULL' },
    given: (view) => void (view.state = 'degraded'),
    code: 'degraded',
    sentence: 'The pool is degraded (writes fail with SQLITE_FULL).',
  },
  {
    name: 'the pool is suspended, and so callers wait',
    given: (view) => {
      view.state = 'suspended'
      saturate(view, { waitMs: 9000, waiting: 9 })
    },
    code: 'suspended',
    sentence: 'The pool is suspended: callers wait until it resumes.',
  },
  {
    name: 'a statement that was given up still runs',
    given: (view) =>
      void (view.rows = [
        { ...connectionRow({ id: 4, sinceAtMs: NOW_MS - 11_000 }), state: 'zombie' },
      ]),
    code: 'stuck',
    sentence: 'Connection 4 is stuck in a statement that was given up, for over 10 s.',
  },
  {
    name: 'several do',
    given: (view) =>
      void (view.rows = [3, 4].map((id) => ({
        ...connectionRow({ id, sinceAtMs: NOW_MS - id * 10_000 }),
        state: 'zombie' as const,
      }))),
    code: 'stuck',
    sentence: '2 connections are stuck in a statement that was given up, for over 30 s.',
  },
  {
    name: 'callers wait for readers that are stuck',
    given: (view) => {
      saturate(view, { waitMs: 600, waiting: 1 })
      Object.assign(view.stats.reader, { inUse: 1, zombie: 3 })
    },
    code: 'saturated',
    sentence:
      'No reader is free (1 of 4 in use, 3 stuck in statements that were given up) and a caller has waited for over 500 ms; nothing can stop what SQLite still runs.',
  },
  {
    name: 'callers wait for a writer that is stuck',
    given: (view) => {
      Object.assign(view.stats.writer, { inUse: 0, zombie: 1, waiting: 1 })
      view.queue = [waiterRow({ role: 'writer', sinceAtMs: NOW_MS - 600 })]
    },
    code: 'saturated',
    sentence:
      'The writer still runs a statement that was given up and a caller has waited for over 500 ms; nothing can stop what SQLite still runs.',
  },
  {
    name: 'callers wait and one lease is to blame, in front of a leak and a starved log',
    given: (view) => {
      starve(view, pinOf('GET /old'))
      saturate(view, { waitMs: 2400, waiting: 12 })
      view.rows = [held(3, 900), { ...held(7, 38_000), isLeakSuspect: true }, held(2, 50, null)]
    },
    code: 'saturated',
    sentence:
      'All 4 readers are in use and at least 10 callers wait, the first for over 2 s; connection 7 has been held for over 30 s by GET /report.',
  },
  {
    name: 'callers wait and no lease is to blame',
    given: (view) => {
      saturate(view, { waitMs: 600, waiting: 3 })
      view.rows = [held(3, 900), held(2, 400)]
    },
    code: 'saturated',
    sentence:
      'All 4 readers are in use and 3 callers wait, the first for over 500 ms; no lease is older than 1 s, so more is asked than the readers can serve.',
  },
  {
    name: 'one caller waits for the writer: a reader is not to blame',
    given: (view) => {
      Object.assign(view.stats.writer, { inUse: 1, idle: 0, waiting: 1 })
      view.queue = [waiterRow({ role: 'writer', sinceAtMs: NOW_MS - 1000 })]
      view.rows = [held(7, 60_000), { ...held(1, 2000, null), role: 'writer' }]
    },
    code: 'saturated',
    sentence:
      'The writer is in use and a caller has waited for over 1 s; connection 1 has been held for over 2 s by a caller without a label.',
  },
  {
    name: 'callers wait because connections are not open',
    given: (view) => {
      saturate(view, { waitMs: 5000, waiting: 2 })
      view.stats.reader.inUse = 1
    },
    code: 'saturated',
    sentence:
      'No reader is free (1 of 4 in use) and 2 callers wait, the first for over 5 s; no lease is older than 1 s, so more is asked than the readers can serve.',
  },
  {
    name: 'callers queue for an instant',
    given: (view) => saturate(view, { waitMs: 20, waiting: 16 }),
    code: 'near_capacity',
    sentence: 'At least 4 of 5 connections are in use.',
  },
  {
    name: 'half a second is long when callers give up after one',
    given: (view) => {
      view.acquireTimeoutMs = 1000
      saturate(view, { waitMs: 250, waiting: 1 })
    },
    code: 'saturated',
    sentence:
      'All 4 readers are in use and a caller has waited for over 200 ms; no lease is older than 1 s, so more is asked than the readers can serve.',
  },
  {
    name: 'one leak suspect',
    given: (view) => void (view.rows = [{ ...held(7, 130_000), isLeakSuspect: true }]),
    code: 'leak_suspect',
    sentence: 'Leak suspect: connection 7 has been held for over 2 min by GET /report.',
  },
  {
    name: 'several leak suspects',
    given: (view) => {
      view.rows = [
        { ...held(7, 61_000), isLeakSuspect: true },
        { ...held(8, 3_700_000, 'job'), isLeakSuspect: true },
      ]
    },
    code: 'leak_suspect',
    sentence: '2 leak suspects, the oldest: connection 8 has been held for over 1 h by job.',
  },
  {
    name: 'the log is starved by a lease',
    given: (view) => {
      starve(view, pinOf('GET /old'))
      Object.assign(view.stats.wal, { frames: 12_345, backfilledFrames: 100 })
    },
    code: 'wal_starved',
    sentence:
      'The write-ahead log cannot be copied back (at least 10,000 frames pending): GET /old on connection 3 has kept it for over 30 s.',
  },
  {
    name: 'the log is starved by an iterator that nobody reads any more',
    given: (view) => starve(view, pinOf('job', 'iterator')),
    code: 'wal_starved',
    sentence:
      'The write-ahead log cannot be copied back: an iterator left open by job on connection 3 has kept it for over 30 s.',
  },
  {
    name: 'the log is starved by another process',
    given: (view) => {
      const holder = { kind: 'process', lease: null, stack: null, pid: 71, command: 'sqlite3 x' }
      starve(view, { ...pinOf(''), holder: holder as WALHolder })
    },
    code: 'wal_starved',
    sentence:
      'The write-ahead log cannot be copied back: process 71 (sqlite3 x) has kept it for over 30 s.',
  },
  {
    name: 'the log is starved, and nobody is seen at this moment',
    given: (view) => starve(view, null),
    code: 'wal_starved',
    sentence:
      'The write-ahead log cannot be copied back: a reader that has just ended was in the way.',
  },
  {
    name: 'writers are held back because the log is too long',
    given: (view) => {
      starve(view, pinOf('GET /old'))
      view.stats.wal.backpressure = 'size'
    },
    code: 'wal_full',
    sentence:
      'Nothing is written: the write-ahead log has reached its limit; GET /old on connection 3 has kept it for over 30 s.',
  },
  {
    name: 'writers are held back because the disk is nearly full',
    given: (view) => void (view.stats.wal.backpressure = 'disk'),
    code: 'wal_full',
    sentence: 'Nothing is written: the disk is nearly full. Free some space.',
  },
  {
    name: 'the log outgrows the checkpoints',
    given: (view) => Object.assign(view.stats.wal, { frames: 8000, backfilledFrames: 0 }),
    code: 'wal_growing',
    sentence:
      'The write-ahead log grows faster than it is copied back (at least 5,000 frames pending).',
  },
  {
    name: 'somebody else checkpoints a long log',
    given: (view) => {
      view.checkpointFrames = 0
      Object.assign(view.stats.wal, { frames: 80_000, backfilledFrames: 0 })
    },
    code: 'healthy',
    sentence: 'Healthy: nobody waits long, no lease is old, and the write-ahead log keeps up.',
  },
  {
    name: 'the last checkpoint failed',
    given: (view) =>
      void (view.checkpoint = checkpointEvent({ outcome: 'error', errorCode: 'SQLITE_FULL' })),
    code: 'checkpoint_failed',
    sentence: 'The last checkpoint failed with SQLITE_FULL.',
  },
  {
    name: 'connections cannot be opened, and acquires time out because of that',
    heard: { failures: { ...none, timeout: 3, open_failed: 1 } },
    code: 'open_failed',
    sentence: 'Connections cannot be opened.',
  },
  {
    name: 'the queue is full',
    heard: { failures: { ...none, timeout: 3, queue_full: 4 } },
    given: (view) => void (view.rows = [held(7, 6000)]),
    code: 'queue_full',
    sentence:
      'Callers are turned away because 1,000 are waiting already; connection 7 has been held for over 5 s by GET /report.',
  },
  {
    name: 'a caller waits for itself',
    heard: { failures: { ...none, deadlock: 1, queue_full: 1 } },
    code: 'deadlock',
    sentence:
      'A caller asked for a connection that only itself could have given back: a bug of the caller.',
  },
  {
    name: 'callers are turned away',
    heard: { failures: { ...none, shed: 2, timeout: 1 } },
    code: 'shed',
    sentence: 'Callers are turned away because the line has been slow for too long.',
  },
  {
    name: 'acquires time out',
    heard: { failures: { ...none, timeout: 1 } },
    code: 'timeouts',
    sentence: 'Callers give up after waiting 5 s for a connection.',
  },
  {
    name: 'nearly everything is in use',
    given: (view) => {
      view.stats.reader.inUse = 3
      view.stats.writer.inUse = 1
      view.rows = [held(7, 21_000)]
    },
    code: 'near_capacity',
    sentence:
      'At least 4 of 5 connections are in use; connection 7 has been held for over 20 s by GET /report.',
  },
  {
    name: 'waits are long',
    heard: { waitP99Ms: 720 },
    code: 'slow',
    sentence: 'Some callers wait over 500 ms for a connection.',
  },
  {
    name: 'the event loop is held up',
    heard: { eventLoopDelayP99Ms: 240 },
    code: 'event_loop',
    sentence:
      'The event loop is held up for over 200 ms at a time: something computes on the main thread.',
  },
]

function situation({ heard, given }: Pick<Case, 'heard' | 'given'>): VerdictSituation {
  const view = new TestView()
  given?.(view)
  return readSituation(view, { ...calm, ...heard })
}

describe('judge', () => {
  for (const { name, code, sentence, ...rest } of cases) {
    it(`says ${code} when ${name}`, () => {
      const [first] = judge(situation(rest))
      assert.deepEqual({ code: first!.rule.code, sentence: first!.sentence }, { code, sentence })
    })
  }

  it('has a case for every rule', () => {
    const known = new Set(cases.map(({ code }) => code))
    // Closed pools are not served; the sentence has no numbers.
    assert.deepEqual(
      verdictRules.map(({ code }) => code).filter((code) => !known.has(code)),
      ['closed'],
    )
  })

  it('says the same thing while nothing but time passes', () => {
    const view = new TestView()
    saturate(view, { waitMs: 2000, waiting: 11 })
    view.rows = [held(7, 30_000)]
    const sentences = new Set<string>()
    for (let tick = 0; tick < 11; tick += 1) {
      view.stats.reader.waiting = 11 + (tick % 3)
      const [first] = judge(readSituation(view, { ...calm, atMs: NOW_MS + tick * 250 }))
      sentences.add(first!.sentence)
    }
    assert.equal(sentences.size, 1)
  })
})
