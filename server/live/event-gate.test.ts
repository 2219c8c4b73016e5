import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PoolEvent, PoolEventBody } from '../../telemetry/events.ts'
import { TEXT_LIMIT } from './clip.ts'
import { EVENTS_PER_SECOND, EventGate } from './event-gate.ts'
import { acquireEvent, checkpointEvent } from './testing/test-view.ts'

const stamped = (body: PoolEventBody, atMs = 0): PoolEvent => ({ ...body, seq: 1, atMs })

describe('EventGate', () => {
  const cases: readonly { name: string; body: PoolEventBody; isShown: boolean }[] = [
    { name: 'a checkpoint', body: checkpointEvent(), isShown: true },
    { name: 'an acquire that timed out', body: acquireEvent(), isShown: true },
    {
      name: 'an acquire that waited long',
      body: acquireEvent({ outcome: 'granted', waitMs: 500 }),
      isShown: true,
    },
    {
      name: 'an acquire that waited a little',
      body: acquireEvent({ outcome: 'granted', waitMs: 499 }),
      isShown: false,
    },
    {
      name: 'a state of the pool',
      body: { type: 'pool', state: 'degraded', reason: 'x' },
      isShown: true,
    },
    {
      name: 'a capacity episode',
      body: { type: 'capacity', isNear: true, inUse: 4, max: 5, waiting: 0 },
      isShown: true,
    },
    {
      name: 'starvation',
      body: {
        type: 'starvation',
        isStarved: true,
        isRepeated: false,
        durationMs: 0,
        pendingFrames: 5000,
        pin: null,
      },
      isShown: true,
    },
    {
      name: 'a connection opened',
      body: {
        type: 'connection.opened',
        role: 'reader',
        connectionId: 2,
        startedAtMs: 0,
        createMs: 1,
      },
      isShown: true,
    },
    {
      name: 'a connection closed',
      body: {
        type: 'connection.closed',
        role: 'reader',
        connectionId: 2,
        reason: 'idle',
        error: null,
      },
      isShown: true,
    },
    {
      name: 'a lease',
      body: {
        type: 'lease',
        role: 'reader',
        connectionId: 1,
        leaseId: 1,
        startedAtMs: 0,
        useMs: 1,
        statementCount: 1,
        waiterCount: 0,
        label: null,
        trace: null,
      },
      isShown: false,
    },
    {
      name: 'a statement',
      body: {
        type: 'statement',
        role: 'reader',
        connectionId: 1,
        sql: 'SELECT 1',
        startedAtMs: 0,
        durationMs: 1,
        rowCount: 1,
        errorCode: null,
        trace: null,
      },
      isShown: false,
    },
  ]
  for (const { name, body, isShown } of cases) {
    it(`${isShown ? 'shows' : 'does not show'} ${name}`, () => {
      const gate = new EventGate(500)
      gate.offer(stamped(body))
      assert.equal(gate.drain().length, isShown ? 1 : 0)
      assert.equal(gate.drain().length, 0)
    })
  }

  it('makes a few events of 10,000 failures, and says how many it left out', () => {
    const gate = new EventGate(500)
    for (let i = 0; i < 10_000; i += 1) gate.offer(stamped(acquireEvent(), 1000))
    assert.equal(gate.drain().length, EVENTS_PER_SECOND)
    assert.equal(gate.droppedCount, 10_000 - EVENTS_PER_SECOND)
    gate.offer(stamped(acquireEvent(), 2000))
    gate.offer(stamped(acquireEvent(), 2000))
    assert.deepEqual(
      gate.drain().map(({ droppedCount }) => droppedCount),
      [10_000 - EVENTS_PER_SECOND, 0],
    )
  })

  it('lets no flood of one kind hide another', () => {
    const gate = new EventGate(500)
    for (let i = 0; i < 100; i += 1) gate.offer(stamped(acquireEvent({ outcome: 'aborted' })))
    gate.offer(stamped(acquireEvent()))
    gate.offer(stamped(checkpointEvent()))
    assert.deepEqual(
      gate.drain().map(({ event }) => (event.type === 'acquire' ? event.outcome : event.type)),
      [...Array.from({ length: EVENTS_PER_SECOND }, () => 'aborted'), 'timeout', 'checkpoint'],
    )
  })

  it('clips texts, however deep they are', () => {
    const gate = new EventGate(500)
    const sql = 'x'.repeat(1_000_000)
    const holder = { connectionId: 1, leaseId: 1, heldMs: 1, label: null, sql, trace: null }
    gate.offer(stamped(acquireEvent({ holders: [holder] })))
    const event = gate.drain()[0]?.event
    assert.ok(event?.type === 'acquire')
    assert.equal(event.holders[0]!.sql, `${'x'.repeat(TEXT_LIMIT)}…`)
  })
})
