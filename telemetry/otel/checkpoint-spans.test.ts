import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CheckpointEvent, HolderRef, WALHolder, WALPin } from '../events.ts'
import { createView, LIFE_BEGAN_AT_MS, OLD_LEASE } from '../testing/pool-life.ts'
import { RecordedTracer, type RecordedSpan } from '../testing/recorded-tracer.ts'
import { ATTRIBUTE } from './attributes.ts'
import { writeCheckpoint } from './checkpoint-spans.ts'
import { LeaseSpans } from './lease-spans.ts'

const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true }
const lease: HolderRef = { ...OLD_LEASE, heldMs: 1000, label: 'export', sql: null, trace }
const pinOf = (holder: Partial<WALHolder>): WALPin => ({
  slot: 1,
  frame: 10,
  lagFrames: 50,
  heldMs: 900,
  holder: { kind: 'unknown', lease: null, stack: null, pid: null, command: null, ...holder },
})
const quiet: CheckpointEvent = {
  type: 'checkpoint',
  mode: 'RESTART',
  trigger: 'size',
  outcome: 'partial_reader',
  startedAtMs: LIFE_BEGAN_AT_MS,
  durationMs: 40,
  isBusy: true,
  logFrames: 60,
  checkpointedFrames: 10,
  movedFrames: 0,
  sizeBeforeBytes: null,
  sizeAfterBytes: null,
  errorCode: null,
  blockedBy: [],
  pin: null,
  passes: [],
  gate: null,
}

function write(event: Partial<CheckpointEvent>): RecordedTracer & { checkpoint: RecordedSpan } {
  const recorded = new RecordedTracer()
  const { tracer } = recorded
  const view = createView()
  writeCheckpoint({ ...quiet, ...event }, { tracer, view, leases: new LeaseSpans(tracer, view) })
  return Object.assign(recorded, { checkpoint: recorded.only('sqlite.wal.checkpoint') })
}

describe('the span of a checkpoint', () => {
  it('links once to the lease that both pinned the log and was in the way', () => {
    const recorded = write({ blockedBy: [lease], pin: pinOf({ kind: 'lease', lease }) })
    const links = recorded.checkpoint.options.links!
    const span = recorded.only('sqlite.pool.lease')
    assert.deepEqual(
      links.map(({ context }) => context),
      [span.context],
    )
  })

  it('links to the lease that pinned the log, named as a blocker or not', () => {
    const recorded = write({ pin: pinOf({ kind: 'lease', lease }) })
    assert.equal(recorded.checkpoint.options.links?.length, 1)
    assert.equal(ATTRIBUTE.isHolderSampled in recorded.checkpoint.attributes, false)
  })

  it('says that a lease in the way is of a trace that nobody keeps', () => {
    const unsampled = { ...lease, trace: { ...trace, isSampled: false } }
    const { checkpoint } = write({ blockedBy: [unsampled] })
    assert.deepEqual(checkpoint.options.links, [])
    assert.equal(checkpoint.attributes[ATTRIBUTE.isHolderSampled], false)
  })

  it('names another process by its id and program, and not by its arguments', () => {
    const command = '/opt/bin/backup --key s3cret /data'
    const { checkpoint } = write({ pin: pinOf({ kind: 'process', pid: 4711, command }) })
    assert.equal(checkpoint.attributes[ATTRIBUTE.pinHolder], 'process')
    assert.equal(checkpoint.attributes[ATTRIBUTE.processId], 4711)
    assert.equal(checkpoint.attributes[ATTRIBUTE.processName], 'backup')
    assert.doesNotMatch(JSON.stringify(checkpoint.attributes), /s3cret|opt/)
  })

  it('leaves out what nobody knows of the pin', () => {
    const pin = { ...pinOf({}), slot: null, frame: null, lagFrames: null }
    const { attributes } = write({ pin }).checkpoint
    assert.deepEqual(
      Object.keys(attributes).filter((key) => /pin|process|lease|connection\.id/.test(key)),
      [ATTRIBUTE.pinHolder, ATTRIBUTE.pinAge],
    )
  })

  it('has nothing of a pin when nobody’s snapshot was in the way', () => {
    const { attributes } = write({ outcome: 'partial_writer' }).checkpoint
    assert.equal(ATTRIBUTE.pinHolder in attributes, false)
    assert.equal(ATTRIBUTE.pinAge in attributes, false)
  })

  it('has its passes below it, in order', () => {
    const passes = (['PASSIVE', 'RESTART'] as const).map((mode, i) => ({
      mode,
      startedAtMs: LIFE_BEGAN_AT_MS + i,
      durationMs: 1,
      movedFrames: 10 - i,
    }))
    const { checkpoint, spans } = write({ passes })
    const below = spans.filter(({ parent }) => parent?.spanId === checkpoint.context.spanId)
    assert.deepEqual(
      below.map(({ name, attributes }) => [
        name,
        attributes[ATTRIBUTE.checkpointMode],
        attributes[ATTRIBUTE.framesMoved],
      ]),
      [
        ['sqlite.wal.checkpoint.pass', 'passive', 10],
        ['sqlite.wal.checkpoint.pass', 'restart', 9],
      ],
    )
  })
})
