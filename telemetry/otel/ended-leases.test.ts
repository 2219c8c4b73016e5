import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SpanContext } from '@opentelemetry/api'
import { EndedLeases } from './ended-leases.ts'

const contextOf = (leaseId: number): SpanContext => ({
  traceId: 'a'.repeat(32),
  spanId: leaseId.toString(16).padStart(16, '0'),
  traceFlags: 1,
})

describe('EndedLeases', () => {
  it('knows the latest eight of each connection', () => {
    const ended = new EndedLeases()
    for (let leaseId = 1; leaseId <= 10; leaseId += 1) ended.note(1, leaseId, contextOf(leaseId))
    ended.note(2, 11, contextOf(11))
    assert.equal(ended.find(1, 2), undefined)
    assert.deepEqual(ended.find(1, 3), contextOf(3))
    assert.deepEqual(ended.find(1, 10), contextOf(10))
    assert.deepEqual(ended.find(2, 11), contextOf(11))
    assert.equal(ended.find(2, 10), undefined)
  })

  it('forgets a connection', () => {
    const ended = new EndedLeases()
    ended.note(1, 1, contextOf(1))
    ended.forget(1)
    assert.equal(ended.find(1, 1), undefined)
  })

  it('stays small when leases end after their connections, for ever', () => {
    const ended = new EndedLeases()
    for (let id = 1; id <= 513; id += 1) ended.note(id, id, contextOf(id))
    assert.equal(ended.find(1, 1), undefined)
    assert.deepEqual(ended.find(2, 2), contextOf(2))
    assert.deepEqual(ended.find(513, 513), contextOf(513))
  })
})
