import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventBus } from '../telemetry/event-bus.ts'
import type { PoolEventBody } from '../telemetry/events.ts'
import { ACQUIRE_FAILURES, type AcquireFailure } from '../telemetry/stats.ts'
import { logEvents } from './event-log.ts'

interface Line {
  readonly level: string
  readonly fields: Record<string, unknown>
  readonly message: string
}

/** A log that is heard, on a bus whose time stands still unless it is turned. */
function open(): { lines: Line[]; emit: (body: PoolEventBody) => void; time: { nowMs: number } } {
  const lines: Line[] = []
  const time = { nowMs: 1000 }
  const bus = new EventBus({ nowEpochMs: () => time.nowMs })
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message })
  bus.addSink(logEvents({ info: at('info'), warn: at('warn'), error: at('error') }))
  return { lines, emit: (body) => bus.emit(body), time }
}

const holder = {
  connectionId: 3,
  leaseId: 9,
  heldMs: 12.4,
  label: 'GET /report',
  sql: "SELECT 'secret'",
  trace: null,
}

const pin = {
  slot: 1,
  frame: 10,
  lagFrames: 4000,
  heldMs: 2000.4,
  holder: { kind: 'lease', lease: holder, stack: 'at report.ts', pid: 1, command: null },
} as const

const failed = (outcome: AcquireFailure): PoolEventBody => ({
  type: 'acquire',
  role: 'reader',
  outcome,
  startedAtMs: 0,
  waitMs: 5,
  queueDepth: 2,
  connectionId: null,
  hasOpened: false,
  label: null,
  trace: null,
  releasedBy: null,
  holders: [holder],
})

describe('logEvents', () => {
  it('warns near capacity and says when it is over', () => {
    const { lines, emit } = open()
    emit({ type: 'capacity', isNear: true, inUse: 4, max: 5, waiting: 1 })
    emit({ type: 'capacity', isNear: false, inUse: 1, max: 5, waiting: 0 })
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields]),
      [
        ['warn', { inUse: 4, max: 5, waiting: 1 }],
        ['info', { inUse: 1, max: 5, waiting: 0 }],
      ],
    )
  })

  it('names who holds what, without the SQL', () => {
    const { lines, emit } = open()
    emit({ type: 'leak', isRecovered: false, isReclaimed: false, holder, stack: 'at report.ts' })
    emit({
      type: 'starvation',
      isStarved: true,
      isRepeated: false,
      durationMs: 0,
      pendingFrames: 4000,
      pin,
    })
    assert.deepEqual(
      lines.map((line) => line.fields['label']),
      ['GET /report', 'GET /report'],
    )
    assert.doesNotMatch(JSON.stringify(lines), /secret/)
  })

  it('names whoever pins the log, also when it is another process', () => {
    const { lines, emit } = open()
    const other = {
      kind: 'process',
      lease: null,
      stack: null,
      pid: 71,
      command: 'sqlite3 x',
    } as const
    const starvation = { type: 'starvation', isRepeated: false, pendingFrames: 4000 } as const
    emit({ ...starvation, isStarved: true, durationMs: 0, pin: { ...pin, holder: other } })
    emit({ ...starvation, isStarved: false, durationMs: 2500.2, pin: null })
    const limit = { reason: 'size', sizeBytes: 9, limitBytes: 8, headroomBytes: null } as const
    emit({ type: 'backpressure', isOn: true, ...limit, pin })
    emit({ type: 'backpressure', isOn: false, ...limit, pin: null })
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields['by'], fields['kind'], fields['pid']]),
      [
        ['warn', 'process 71 (sqlite3 x)', 'process', 71],
        ['info', undefined, undefined, undefined],
        ['error', 'GET /report on connection 3', 'lease', undefined],
        ['info', undefined, undefined, undefined],
      ],
    )
    assert.equal(lines[0]!.fields['snapshotMs'], 2000)
    assert.equal(lines[1]!.fields['durationMs'], 2500)
  })

  it('tells a lease that came back from one that was taken back', () => {
    const { lines, emit } = open()
    for (const isReclaimed of [false, true]) {
      emit({ type: 'leak', isRecovered: true, isReclaimed, holder, stack: null })
    }
    assert.deepEqual(
      lines.map(({ level, message }) => [level, message]),
      [
        ['info', 'a lease that looked leaked was released'],
        ['warn', 'a lease that was held for too long was taken back'],
      ],
    )
  })

  it('calls a pool that has failed an error, and every other state news', () => {
    const { lines, emit } = open()
    emit({ type: 'pool', state: 'suspended', reason: null })
    emit({ type: 'pool', state: 'failed', reason: 'DB_REPLACED' })
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields]),
      [
        ['info', { state: 'suspended', reason: null }],
        ['error', { state: 'failed', reason: 'DB_REPLACED' }],
      ],
    )
  })

  it('writes a line about every failure that is somebody’s fault', () => {
    const written = ACQUIRE_FAILURES.filter((outcome) => {
      const { lines, emit } = open()
      emit(failed(outcome))
      return lines.length > 0
    })
    assert.deepEqual(written, [
      'timeout',
      'queue_full',
      'shed',
      'deadlock',
      'open_failed',
      'wal_full',
    ])
  })

  it('writes one line a second about callers that got nothing, with their number', () => {
    const { lines, emit, time } = open()
    for (let i = 0; i < 100; i += 1) emit(failed('queue_full'))
    time.nowMs += 1000
    emit(failed('timeout'))
    assert.deepEqual(
      lines.map((line) => line.fields['failures']),
      [1, 100],
    )
  })

  it('keeps quiet about clients that hung up and about what always happens', () => {
    const { lines, emit } = open()
    emit(failed('aborted'))
    emit({
      type: 'connection.opened',
      role: 'reader',
      connectionId: 1,
      startedAtMs: 0,
      createMs: 1,
    })
    emit({
      type: 'connection.closed',
      role: 'reader',
      connectionId: 1,
      reason: 'idle',
      error: null,
    })
    assert.deepEqual(lines, [])
  })
})
