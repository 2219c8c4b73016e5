import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HolderRef, LeaseEvent, WALPin } from '../events.ts'
import type { ConnectionRow } from '../protocol.ts'
import { createView, LIFE_BEGAN_AT_MS } from '../testing/pool-life.ts'
import { RecordedTracer } from '../testing/recorded-tracer.ts'
import { ATTRIBUTE } from './attributes.ts'
import { LeaseSpans } from './lease-spans.ts'

const LEASE = 'sqlite.pool.lease'
const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true }
const unsampled = { ...trace, isSampled: false }
const out: Partial<ConnectionRow> = {
  id: 3,
  role: 'writer',
  state: 'in_use',
  sinceAtMs: LIFE_BEGAN_AT_MS,
  leaseId: 7,
}
const holder: HolderRef = {
  connectionId: 3,
  leaseId: 7,
  heldMs: 1000,
  label: null,
  sql: null,
  trace,
}
const pinOf = (lease: HolderRef | null, lagFrames: number | null = 50): WALPin => ({
  slot: 1,
  frame: 10,
  lagFrames,
  heldMs: 900,
  holder: { kind: lease === null ? 'unknown' : 'lease', lease, stack: null, pid: 1, command: null },
})
const end: LeaseEvent = {
  type: 'lease',
  role: 'writer',
  connectionId: 3,
  leaseId: 7,
  startedAtMs: LIFE_BEGAN_AT_MS,
  useMs: 5000,
  statementCount: 2,
  waiterCount: 4,
  label: null,
  trace,
}

function rig({
  row = out,
  isSampled = true,
}: { row?: Partial<ConnectionRow>; isSampled?: boolean } = {}) {
  const recorded = new RecordedTracer({ isSampled })
  const rows = [{ ...row }]
  const view = { ...createView(), connections: () => rows as ConnectionRow[] }
  return { recorded, rows, leases: new LeaseSpans(recorded.tracer, view) }
}

describe('the span of a lease', () => {
  it('is made when the lease ends, where nobody asked for it before', () => {
    const { recorded, leases } = rig()
    leases.ended(end)
    const span = recorded.only(LEASE)
    assert.equal(span.parent?.spanId, trace.spanId)
    assert.equal(span.options.startTime, LIFE_BEGAN_AT_MS)
    assert.equal(span.endTime, LIFE_BEGAN_AT_MS + 5000)
    assert.equal(span.attributes[ATTRIBUTE.leaseWaiters], 4)
  })

  it('is made as soon as it is asked for, with the true start, and ended by the end of the lease', () => {
    const { recorded, leases } = rig()
    const context = leases.contextOf(holder)
    const span = recorded.only(LEASE)
    assert.deepEqual(context, span.context)
    assert.equal(span.parent?.spanId, trace.spanId)
    assert.equal(span.options.startTime, LIFE_BEGAN_AT_MS)
    assert.equal(span.endTime, undefined)
    leases.ended(end)
    assert.equal(recorded.only(LEASE).endTime, LIFE_BEGAN_AT_MS + 5000)
    assert.equal(span.attributes[ATTRIBUTE.role], 'writer')
    assert.equal(span.attributes[ATTRIBUTE.connectionId], 3)
    assert.equal(span.attributes[ATTRIBUTE.leaseOperations], 2)
    assert.equal(span.attributes[ATTRIBUTE.leaseWaiters], 4)
  })

  it('is the same for everyone who asks, also when it has ended', () => {
    const { recorded, leases } = rig()
    const context = leases.contextOf(holder)
    assert.deepEqual(leases.contextOf(holder), context)
    leases.ended(end)
    assert.deepEqual(leases.contextOf(holder), context)
    leases.close()
    assert.equal(recorded.spans.length, 1)
    assert.equal(recorded.only(LEASE).endTime, LIFE_BEGAN_AT_MS + 5000)
  })

  it('is found while its statement that was given up still runs, and gets no event any more', () => {
    const { recorded, rows, leases } = rig()
    leases.ended(end)
    rows[0]!.state = 'zombie'
    assert.deepEqual(leases.contextOf(holder), recorded.only(LEASE).context)
    leases.pinned(pinOf(holder), LIFE_BEGAN_AT_MS + 6000)
    assert.deepEqual(recorded.only(LEASE).events, [])
  })

  it('is stood for by what the lease was acquired in, when its connection is somebody else’s or gone', () => {
    for (const row of [
      { ...out, leaseId: 8 },
      { ...out, id: 4 },
    ]) {
      const { recorded, leases } = rig({ row })
      assert.equal(leases.contextOf(holder)?.spanId, trace.spanId)
      assert.deepEqual(recorded.spans, [])
    }
  })

  it('is not made for a lease that ended before anyone listened, though its statement still runs', () => {
    const { recorded, leases } = rig({ row: { ...out, state: 'zombie' } })
    assert.equal(leases.contextOf(holder)?.spanId, trace.spanId)
    assert.deepEqual(recorded.spans, [])
  })

  it('is forgotten with its connection', () => {
    const { recorded, rows, leases } = rig()
    leases.ended(end)
    rows.length = 0
    leases.connectionClosed(3)
    assert.equal(leases.contextOf(holder)?.spanId, trace.spanId)
    assert.equal(recorded.spans.length, 1)
  })

  it('is not made for a trace that nobody keeps, or that is none', () => {
    const { recorded, leases } = rig()
    for (const nobodys of [unsampled, null]) {
      assert.equal(leases.contextOf({ ...holder, trace: nobodys }), null)
      leases.pinned(pinOf({ ...holder, trace: nobodys }), LIFE_BEGAN_AT_MS + 1000)
      leases.ended({ ...end, trace: nobodys })
    }
    assert.deepEqual(recorded.spans, [])
  })

  it('is nothing to link to when a sampler drops it', () => {
    const { leases } = rig({ isSampled: false })
    assert.equal(leases.contextOf(holder), null)
  })

  it('ends with the pool, once', () => {
    const { recorded, leases } = rig()
    leases.contextOf(holder)
    leases.close()
    leases.close()
    assert.equal(typeof recorded.only(LEASE).endTime, 'number')
  })
})

describe('the event of a lease that pins the log', () => {
  it('has the frames behind it and how long it has', () => {
    const { recorded, leases } = rig()
    leases.pinned(pinOf(holder), LIFE_BEGAN_AT_MS + 1000)
    assert.deepEqual(recorded.only(LEASE).events, [
      {
        name: 'sqlite.wal.pinned',
        attributes: {
          [ATTRIBUTE.pinHolder]: 'lease',
          [ATTRIBUTE.pinAge]: 0.9,
          [ATTRIBUTE.pinLag]: 50,
        },
        time: LIFE_BEGAN_AT_MS + 1000,
      },
    ])
  })

  it('leaves out frames that nobody knows', () => {
    const { recorded, leases } = rig()
    leases.pinned(pinOf(holder, null), LIFE_BEGAN_AT_MS + 1000)
    assert.equal(ATTRIBUTE.pinLag in recorded.only(LEASE).events[0]!.attributes, false)
  })

  it('is told again when the lease is twice as old: 12 times in an hour, and not 14,400', () => {
    const { recorded, leases } = rig()
    for (let heldMs = 1000; heldMs <= 3_600_000; heldMs += 250) {
      leases.pinned(pinOf({ ...holder, heldMs }), LIFE_BEGAN_AT_MS + heldMs)
    }
    assert.deepEqual(
      recorded.only(LEASE).events.map(({ time }) => (time as number) - LIFE_BEGAN_AT_MS),
      Array.from({ length: 12 }, (_, i) => 1000 * 2 ** i),
    )
  })

  it('is nobody’s when no lease pins it', () => {
    const { recorded, leases } = rig()
    leases.pinned(pinOf(null), LIFE_BEGAN_AT_MS)
    assert.deepEqual(recorded.spans, [])
  })
})
