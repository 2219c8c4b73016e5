import { trace as api } from '@opentelemetry/api'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BackpressureEvent, PoolEventBody, StarvationEvent, WALPin } from '../events.ts'
import { createView, OLD_LEASE } from '../testing/pool-life.ts'
import { RecordedTracer } from '../testing/recorded-tracer.ts'
import { createPoolSpans } from './spans.ts'

const LEASE = 'sqlite.pool.lease'
const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true }
const lease = { ...OLD_LEASE, heldMs: 1000, label: null, sql: null, trace }
const pin: WALPin = {
  slot: 1,
  frame: 10,
  lagFrames: 50,
  heldMs: 900,
  holder: { kind: 'lease', lease, stack: null, pid: 1, command: null },
}
const starvation: StarvationEvent = {
  type: 'starvation',
  isStarved: true,
  isRepeated: false,
  pendingFrames: 50,
  durationMs: 0,
  pin,
}
const backpressure: BackpressureEvent = {
  type: 'backpressure',
  isOn: true,
  reason: 'size',
  sizeBytes: 1,
  limitBytes: 1,
  headroomBytes: null,
  pin,
}

/** The spans of a pool that are made by a tracer of ours, and the way to tell it events. */
function rig() {
  const recorded = new RecordedTracer()
  api.setGlobalTracerProvider({ getTracer: () => recorded.tracer })
  const spans = createPoolSpans(createView())
  api.disable()
  let seq = 0
  const tell = (body: PoolEventBody): void => {
    spans.sink({ ...body, seq: (seq += 1), atMs: performance.timeOrigin + performance.now() })
  }
  return { recorded, spans, tell }
}

describe('createPoolSpans', () => {
  const tellings: readonly (readonly [what: string, begin: PoolEventBody, end: PoolEventBody])[] = [
    ['starvation', starvation, { ...starvation, isStarved: false }],
    ['backpressure', backpressure, { ...backpressure, isOn: false }],
  ]
  for (const [what, begin, end] of tellings) {
    it(`tells the lease that pins the log of ${what}, and not of its end`, () => {
      const { recorded, tell } = rig()
      tell(end)
      assert.deepEqual(recorded.spans, [])
      tell(begin)
      assert.equal(recorded.only(LEASE).events.length, 1)
    })
  }

  it('ends the spans that are open when the pool is closed, and not before', () => {
    const { recorded, tell } = rig()
    tell(starvation)
    tell({ type: 'pool', state: 'draining', reason: null })
    assert.equal(recorded.only(LEASE).endTime, undefined)
    tell({ type: 'pool', state: 'closed', reason: null })
    assert.notEqual(recorded.only(LEASE).endTime, undefined)
  })

  it('ends them when nobody will tell it any more', () => {
    const { recorded, spans, tell } = rig()
    tell(starvation)
    spans.dispose()
    assert.notEqual(recorded.only(LEASE).endTime, undefined)
  })
})
