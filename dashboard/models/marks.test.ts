import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type {
  CheckpointEvent,
  HolderRef,
  PoolEvent,
  PoolEventBody,
  WALPin,
} from '../../telemetry/protocol.ts'
import { CHECKPOINT_OUTCOMES } from '../../telemetry/events.ts'
import { clusters, MarkLog } from './mark-log.ts'
import { markOf, restartMark } from './marks.ts'
import type { Mark, MarkContext } from './marks.ts'

const plain = (text: string): string => text.replaceAll('\u2009', ' ')

const holder: HolderRef = {
  connectionId: 7,
  leaseId: 1,
  heldMs: 38_000,
  label: 'GET /report',
  sql: null,
  trace: { traceId: 'abc', spanId: 'd', isSampled: true },
}

const checkpoint: CheckpointEvent = {
  type: 'checkpoint',
  mode: 'PASSIVE',
  trigger: 'frames',
  outcome: 'complete',
  startedAtMs: 900,
  durationMs: 12.4,
  isBusy: false,
  logFrames: 1580,
  checkpointedFrames: 1580,
  movedFrames: 1580,
  sizeBeforeBytes: 8192,
  sizeAfterBytes: 8192,
  errorCode: null,
  blockedBy: [],
  pin: null,
  passes: [],
  gate: null,
}

const pin: WALPin = {
  slot: 1,
  frame: 400,
  lagFrames: 1180,
  heldMs: 38_000,
  holder: { kind: 'lease', lease: holder, stack: null, pid: 4100, command: null },
}
const otherProcess: WALPin = {
  ...pin,
  holder: { kind: 'process', lease: null, stack: null, pid: 4711, command: 'sqlite3 shop.db' },
}

const acquire: PoolEventBody & { readonly type: 'acquire' } = {
  type: 'acquire',
  role: 'reader',
  outcome: 'timeout',
  startedAtMs: 0,
  waitMs: 5000,
  queueDepth: 11,
  connectionId: null,
  hasOpened: false,
  label: 'GET /items',
  trace: null,
  releasedBy: null,
  holders: [holder],
}

const event = (body: PoolEventBody): PoolEvent => ({ ...body, seq: 3, atMs: 1000 })

const calm: MarkContext = { bootId: 'boot', isStarved: false }

describe('markOf', () => {
  const cases: readonly (readonly [
    name: string,
    body: PoolEventBody,
    mark: readonly [lane: string, tone: string, title: string, detail: string] | null,
  ])[] = [
    [
      'a complete checkpoint',
      checkpoint,
      [
        'checkpoint',
        'ok',
        'PASSIVE checkpoint (frames): complete',
        '1,580 of 1,580 frames copied in 12.4 ms',
      ],
    ],
    [
      'a checkpoint that a reader kept from finishing, with the reader',
      { ...checkpoint, outcome: 'partial_reader', checkpointedFrames: 400, pin },
      [
        'checkpoint',
        'neutral',
        'PASSIVE checkpoint (frames): partial: a reader kept the rest',
        '400 of 1,580 frames copied in 12.4 ms; kept by GET /report on connection 7 for 38 s',
      ],
    ],
    [
      'a checkpoint that a writer was in the way of, with the writer',
      { ...checkpoint, mode: 'RESTART', outcome: 'busy_writer', blockedBy: [holder] },
      [
        'checkpoint',
        'neutral',
        'RESTART checkpoint (frames): busy: a writer was in the way',
        '1,580 of 1,580 frames copied in 12.4 ms; connection 7 held 38 s by GET /report',
      ],
    ],
    [
      'a checkpoint that held writers back, in several passes',
      {
        ...checkpoint,
        trigger: 'size',
        outcome: 'complete_reset',
        passes: [1, 2].map(() => ({
          mode: 'PASSIVE',
          startedAtMs: 900,
          durationMs: 6.2,
          movedFrames: 790,
        })),
        gate: { startedAtMs: 909, durationMs: 3.25 },
      },
      [
        'checkpoint',
        'ok',
        'PASSIVE checkpoint (size): complete, the log starts over',
        '1,580 of 1,580 frames copied in 12.4 ms and 2 passes; writers held back for 3.25 ms',
      ],
    ],
    [
      'a checkpoint that cut the file',
      { ...checkpoint, mode: 'TRUNCATE', outcome: 'complete_reset', sizeAfterBytes: 0 },
      [
        'checkpoint',
        'ok',
        'TRUNCATE checkpoint (frames): complete, the log starts over',
        '1,580 of 1,580 frames copied in 12.4 ms; file 8.0 KiB → 0 B',
      ],
    ],
    [
      'a failed checkpoint of which SQLite said nothing',
      {
        ...checkpoint,
        outcome: 'error',
        logFrames: null,
        movedFrames: 0,
        errorCode: 'SQLITE_IOERR',
      },
      [
        'checkpoint',
        'crit',
        'PASSIVE checkpoint (frames): failed',
        '0 frames moved in 12.4 ms; SQLITE_IOERR',
      ],
    ],
    [
      'a timeout, with who was in the way',
      acquire,
      [
        'fault',
        'crit',
        'Acquire timed out',
        'GET /items waited 5.00 s behind 11 callers; connection 7 held 38 s by GET /report',
      ],
    ],
    ['a granted acquire: only a number', { ...acquire, outcome: 'granted' }, null],
    [
      'a leak',
      { type: 'leak', isRecovered: false, isReclaimed: false, holder, stack: null },
      ['fault', 'crit', 'Leak suspected', 'connection 7 held 38 s by GET /report'],
    ],
    [
      'a leak that is over',
      { type: 'leak', isRecovered: true, isReclaimed: false, holder, stack: null },
      ['fault', 'ok', 'Leak suspect was released', 'connection 7 held 38 s by GET /report'],
    ],
    [
      'a leak that was ended',
      { type: 'leak', isRecovered: true, isReclaimed: true, holder, stack: null },
      ['fault', 'warn', 'Leaked lease was taken back', 'connection 7 held 38 s by GET /report'],
    ],
    [
      'starvation',
      {
        type: 'starvation',
        isStarved: true,
        isRepeated: false,
        pendingFrames: 2750,
        durationMs: 0,
        pin,
      },
      [
        'fault',
        'crit',
        'Checkpoints are starved',
        '2,750 frames pending; kept by GET /report on connection 7',
      ],
    ],
    [
      'starvation by another process that goes on',
      {
        type: 'starvation',
        isStarved: true,
        isRepeated: true,
        pendingFrames: 2750,
        durationMs: 4000,
        pin: otherProcess,
      },
      [
        'fault',
        'crit',
        'Checkpoints are still starved',
        '2,750 frames pending, for 4.0 s; kept by process 4711 (sqlite3 shop.db)',
      ],
    ],
    [
      'starvation that is over',
      {
        type: 'starvation',
        isStarved: false,
        isRepeated: false,
        pendingFrames: 0,
        durationMs: 65_000,
        pin: null,
      },
      ['fault', 'ok', 'Checkpoints move again', '0 frames pending, after 1 m 5 s'],
    ],
    [
      'writers that are held back because the log is long',
      {
        type: 'backpressure',
        isOn: true,
        reason: 'size',
        sizeBytes: 1_073_741_824,
        limitBytes: 1_073_741_824,
        headroomBytes: null,
        pin,
      },
      [
        'fault',
        'crit',
        'Writers are held back',
        'log at 1.0 GiB of 1.0 GiB; kept by GET /report on connection 7',
      ],
    ],
    [
      'writers that go on when the disk has room again',
      {
        type: 'backpressure',
        isOn: false,
        reason: 'disk',
        sizeBytes: 4096,
        limitBytes: 0,
        headroomBytes: 3_221_225_472,
        pin: null,
      },
      ['fault', 'ok', 'Writers go on', 'disk has 3.0 GiB left'],
    ],
    [
      'a write that was refused',
      { ...acquire, role: 'writer', outcome: 'wal_full', holders: [] },
      [
        'fault',
        'crit',
        'Write refused: the log or the disk is full',
        'GET /items waited 5.00 s behind 11 callers',
      ],
    ],
    [
      'capacity',
      { type: 'capacity', isNear: true, inUse: 7, max: 8, waiting: 0 },
      ['change', 'warn', 'Near capacity', '7 of 8 in use, 0 waiting'],
    ],
    [
      'a degraded pool',
      { type: 'pool', state: 'degraded', reason: 'a thread died' },
      ['fault', 'crit', 'Pool is degraded', 'a thread died'],
    ],
    [
      'a suspended pool',
      { type: 'pool', state: 'suspended', reason: null },
      ['change', 'warn', 'Pool is suspended', ''],
    ],
    [
      'a ready pool',
      { type: 'pool', state: 'ready', reason: null },
      ['change', 'neutral', 'Pool is ready', ''],
    ],
    [
      'a lost connection',
      { type: 'connection.closed', role: 'reader', connectionId: 4, reason: 'lost', error: null },
      ['fault', 'crit', 'Connection 4 was lost', 'lost'],
    ],
    [
      'an idle connection that was closed: nothing',
      { type: 'connection.closed', role: 'reader', connectionId: 4, reason: 'idle', error: null },
      null,
    ],
    ['an event of a newer server: nothing', { type: 'resize' } as unknown as PoolEventBody, null],
  ]
  for (const [name, body, expected] of cases) {
    it(`makes of ${name}`, () => {
      const mark = markOf(event(body), calm)
      const seen = mark === null ? null : [mark.lane, mark.tone, mark.title, plain(mark.detail)]
      assert.deepEqual(seen, expected)
    })
  }

  it('worries about a checkpoint that stopped half-way only while the log is starved', () => {
    const tones = (isStarved: boolean): string[] =>
      CHECKPOINT_OUTCOMES.map((outcome) => {
        const mark = markOf(event({ ...checkpoint, outcome }), { ...calm, isStarved })!
        return `${outcome} ${mark.tone}${mark.isPartial ? ' partial' : ''}`
      })
    assert.deepEqual(tones(false), [
      'complete_reset ok',
      'complete ok',
      'complete_pinned neutral',
      'partial_reader neutral partial',
      'partial_writer neutral partial',
      'blocked_read0 neutral partial',
      'busy_writer neutral partial',
      'busy_checkpointer neutral partial',
      'noop ok',
      'error crit partial',
    ])
    const changed = tones(true).filter((tone, i) => tone !== tones(false)[i])
    assert.deepEqual(changed, [
      'partial_reader warn partial',
      'partial_writer warn partial',
      'blocked_read0 warn partial',
    ])
  })

  it('dates a checkpoint by its beginning and its end, anything else by when it was told', () => {
    const mark = markOf(event(checkpoint), calm)!
    assert.deepEqual([mark.id, mark.atMs, mark.endMs], ['boot:3', 900, 912.4])
    assert.equal(markOf(event(acquire), calm)!.atMs, 1000)
  })
})

const markAt = (atMs: number, lane: Mark['lane'] = 'fault'): Mark => ({
  ...restartMark('x', atMs),
  id: `${lane}${atMs}`,
  lane,
})

describe('MarkLog', () => {
  it('is in order of time, and has each mark once', () => {
    const log = new MarkLog()
    for (const at of [30, 10, 20, 10]) log.add(markAt(at))
    assert.deepEqual(
      log.all.map(({ atMs }) => atMs),
      [10, 20, 30],
    )
  })

  it('keeps the newest thousand', () => {
    const log = new MarkLog()
    for (let at = 0; at < 1200; at += 1) log.add(markAt(at))
    assert.equal(log.all.length, 1000)
    assert.equal(log.all[0]!.atMs, 200)
  })

  it('does not change a list that it has handed out', () => {
    const log = new MarkLog()
    log.add(markAt(1))
    const before = log.all
    log.add(markAt(2))
    assert.equal(before.length, 1)
  })
})

describe('clusters', () => {
  it('does not regroup while the window moves over it', () => {
    const marks = [0, 8, 16, 24, 32].map((atMs) => markAt(atMs))
    const groups = (fromMs: number): number[] =>
      clusters(marks, 'fault', { fromMs, toMs: 99, minDistanceMs: 10 }).map(({ atMs }) => atMs)
    assert.deepEqual(groups(0), [0, 16, 32])
    assert.deepEqual(groups(5), [0, 16, 32])
    assert.deepEqual(groups(10), [16, 32])
  })

  it('puts together what is too close, and leaves out other lanes and what is out of sight', () => {
    const marks = [
      markAt(5),
      markAt(100),
      markAt(109),
      markAt(120),
      markAt(115, 'change'),
      markAt(900),
    ]
    const found = clusters(marks, 'fault', { fromMs: 50, toMs: 500, minDistanceMs: 10 })
    assert.deepEqual(
      found.map(({ atMs, marks: inside }) => [atMs, inside.length]),
      [
        [100, 2],
        [120, 1],
      ],
    )
  })
})
