import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ATTRIBUTE } from './otel/attributes.ts'
import {
  LINK_ATTRIBUTES,
  SCHEMA_URL,
  SCOPE,
  SPAN_ATTRIBUTES,
  SPAN_EVENT_ATTRIBUTES,
  type SpanEventName,
  type SpanName,
} from './otel/names.ts'
import { collectedLife } from './testing/collected-life.ts'
import type { Collector } from './testing/collector.ts'
import type { DecodedSpan } from './testing/decode.ts'
import { assertKnown } from './testing/known-attributes.ts'
import { LIFE_BEGAN_AT_MS } from './testing/pool-life.ts'
import { runToCollector } from './testing/run-to-collector.ts'

describe('the spans that arrive at a collector', () => {
  const life = collectedLife()

  it('are those of the table, with their attributes and values', () => {
    const { collector } = life
    const ours = collector.spans.filter(({ scope }) => scope.name === SCOPE.name)
    assert.deepEqual(ours.map(({ name }) => name).toSorted(), [
      'INSERT note',
      'SELECT product',
      'sqlite.connection.open',
      'sqlite.pool.acquire',
      'sqlite.pool.acquire',
      'sqlite.pool.acquire',
      'sqlite.pool.lease',
      'sqlite.pool.lease',
      'sqlite.wal.checkpoint',
      'sqlite.wal.checkpoint',
      'sqlite.wal.checkpoint.gate',
      'sqlite.wal.checkpoint.pass',
    ])
    for (const span of ours) {
      const isStatement = span.kind === 3
      const allowed = SPAN_ATTRIBUTES[isStatement ? 'sqlite' : (span.name as SpanName)]
      assertKnown(span.attributes, allowed, span.name)
      for (const link of span.links) assertKnown(link.attributes, LINK_ATTRIBUTES, span.name)
      for (const { name, attributes } of span.events) {
        assertKnown(attributes, SPAN_EVENT_ATTRIBUTES[name as SpanEventName], name)
      }
      assert.deepEqual(span.scope, { ...SCOPE, schemaUrl: SCHEMA_URL })
    }
  })

  it('show a waiter whom it waited for', () => {
    const { collector, report } = life
    const { traces } = report
    const acquire = spanAt(collector, LIFE_BEGAN_AT_MS + 10.5)
    assert.equal(acquire.name, 'sqlite.pool.acquire')
    assert.equal(acquire.traceId, traces.waiting.traceId)
    assert.equal(acquire.parentSpanId, traces.waiting.spanId)
    assert.equal(acquire.endMs, LIFE_BEGAN_AT_MS + 10.5 + 81.25)
    assert.equal(acquire.isError, false)
    assert.equal(acquire.attributes[ATTRIBUTE.queueDepth], 3)
    assert.equal(acquire.attributes[ATTRIBUTE.connectionId], 2)
    assert.deepEqual(acquire.links, [
      {
        traceId: traces.fast.traceId,
        spanId: traces.fast.spanId,
        attributes: {
          [ATTRIBUTE.linkType]: 'released_by',
          [ATTRIBUTE.connectionId]: 2,
          [ATTRIBUTE.leaseHeld]: 0.09,
          [ATTRIBUTE.leaseLabel]: 'GET /fast',
        },
      },
      {
        traceId: traces.slow.traceId,
        spanId: traces.slow.spanId,
        attributes: {
          [ATTRIBUTE.linkType]: 'held_by',
          [ATTRIBUTE.connectionId]: 1,
          [ATTRIBUTE.leaseHeld]: 0.4,
          [ATTRIBUTE.leaseLabel]: 'GET /slow',
        },
      },
    ])
    const requests = collector.spans.filter(({ scope }) => scope.name === 'test')
    for (const link of acquire.links) {
      assert.ok(
        requests.some(({ spanId }) => spanId === link.spanId),
        'the link resolves',
      )
    }
  })

  it('mark a failed acquire, and say when a holder is not traced', () => {
    const { collector } = life
    const acquire = spanAt(collector, LIFE_BEGAN_AT_MS + 100)
    assert.equal(acquire.isError, true)
    assert.equal(acquire.attributes[ATTRIBUTE.errorType], 'timeout')
    assert.equal(ATTRIBUTE.connectionId in acquire.attributes, false)
    assert.equal(acquire.attributes[ATTRIBUTE.isHolderSampled], false)
    assert.equal(acquire.links.length, 1)
  })

  it('put the opening of a connection under the acquire that asked for it', () => {
    const { collector } = life
    const acquire = spanAt(collector, LIFE_BEGAN_AT_MS + 200)
    const opening = spanAt(collector, LIFE_BEGAN_AT_MS + 201)
    assert.equal(acquire.attributes[ATTRIBUTE.hasOpened], true)
    assert.equal(opening.name, 'sqlite.connection.open')
    assert.equal(opening.parentSpanId, acquire.spanId)
    assert.equal(opening.endMs, LIFE_BEGAN_AT_MS + 204.5)
  })

  it('tell a lease how many it kept waiting', () => {
    const { collector } = life
    const lease = spanAt(collector, LIFE_BEGAN_AT_MS + 92)
    assert.equal(lease.attributes[ATTRIBUTE.leaseOperations], 2)
    assert.equal(lease.attributes[ATTRIBUTE.leaseWaiters], 4)
    assert.equal(lease.endMs - lease.startMs, 30)
  })

  it('show statements as written when they have parameters, and without values when not', () => {
    const { collector } = life
    const select = spanAt(collector, LIFE_BEGAN_AT_MS + 93)
    assert.equal(select.kind, 3)
    assert.equal(select.attributes[ATTRIBUTE.queryText], 'SELECT * FROM product WHERE id = ?')
    assert.equal(select.attributes[ATTRIBUTE.querySummary], select.name)
    const insert = spanAt(collector, LIFE_BEGAN_AT_MS + 96)
    assert.equal(insert.isError, true)
    assert.equal(insert.attributes[ATTRIBUTE.queryText], 'INSERT INTO note VALUES (?)')
    assert.equal(insert.attributes[ATTRIBUTE.errorType], 'SQLITE_CONSTRAINT_UNIQUE')
    assert.equal(insert.attributes[ATTRIBUTE.statusCode], 'SQLITE_CONSTRAINT_UNIQUE')
  })

  it('make a checkpoint a root of its own, linked to the lease in its way', () => {
    const { collector, report } = life
    const lease = leaseOf(collector, report.traces.slow.traceId)
    const starved = spanAt(collector, LIFE_BEGAN_AT_MS + 500)
    assert.equal(starved.name, 'sqlite.wal.checkpoint')
    assert.equal(starved.parentSpanId, '')
    assert.equal(starved.attributes[ATTRIBUTE.checkpointOutcome], 'partial_reader')
    assert.equal(starved.attributes[ATTRIBUTE.sizeBefore], 4_124_152)
    assert.equal(ATTRIBUTE.sizeAfter in starved.attributes, false)
    assert.deepEqual(
      starved.links.map((link) => [link.spanId, link.attributes[ATTRIBUTE.linkType]]),
      [[lease.spanId, 'blocked_by']],
    )
    const broken = spanAt(collector, LIFE_BEGAN_AT_MS + 900)
    assert.equal(broken.isError, true)
    assert.notEqual(broken.traceId, starved.traceId)
  })

  it('say what pinned the log, and not more of whose it is than that', () => {
    const { attributes } = spanAt(life.collector, LIFE_BEGAN_AT_MS + 500)
    assert.equal(attributes[ATTRIBUTE.pinHolder], 'iterator')
    assert.equal(attributes[ATTRIBUTE.pinSlot], 2)
    assert.equal(attributes[ATTRIBUTE.pinFrame], 600)
    assert.equal(attributes[ATTRIBUTE.pinLag], 400)
    assert.equal(attributes[ATTRIBUTE.pinAge], 59)
    assert.equal(attributes[ATTRIBUTE.leaseLabel], 'GET /slow')
    assert.equal(attributes[ATTRIBUTE.connectionId], 1)
    assert.equal(ATTRIBUTE.processId in attributes, false)
  })

  it('put the passes of a checkpoint below it, and for how long it held writers back', () => {
    const { collector } = life
    const pass = spanAt(collector, LIFE_BEGAN_AT_MS + 501)
    assert.equal(pass.name, 'sqlite.wal.checkpoint.pass')
    assert.equal(pass.parentSpanId, spanAt(collector, LIFE_BEGAN_AT_MS + 500).spanId)
    assert.equal(pass.attributes[ATTRIBUTE.checkpointMode], 'passive')
    assert.equal(pass.endMs, LIFE_BEGAN_AT_MS + 539.5)
    const gate = spanAt(collector, LIFE_BEGAN_AT_MS + 901)
    assert.equal(gate.name, 'sqlite.wal.checkpoint.gate')
    assert.equal(gate.parentSpanId, spanAt(collector, LIFE_BEGAN_AT_MS + 900).spanId)
    assert.equal(gate.endMs, LIFE_BEGAN_AT_MS + 903.5)
  })

  it('tell a lease on its own span that it pinned the log, and make that span once', () => {
    const { collector, report } = life
    const { slow } = report.traces
    const lease = leaseOf(collector, slow.traceId)
    assert.equal(lease.parentSpanId, slow.spanId)
    assert.equal(lease.endMs - lease.startMs, 91_000)
    assert.equal(lease.attributes[ATTRIBUTE.role], 'reader')
    assert.equal(lease.attributes[ATTRIBUTE.leaseOperations], 3)
    assert.equal(lease.attributes[ATTRIBUTE.leaseWaiters], 1)
    assert.deepEqual(
      lease.events.map(({ name, attributes }) => [name, attributes]),
      [19, 59].map((age) => [
        'sqlite.wal.pinned',
        { [ATTRIBUTE.pinHolder]: 'iterator', [ATTRIBUTE.pinLag]: 400, [ATTRIBUTE.pinAge]: age },
      ]),
    )
    for (const { atMs } of lease.events) assert.ok(lease.startMs < atMs && atMs < lease.endMs)
  })

  it('know no trace outside of a request', () => {
    assert.equal(life.report.traceOutside, null)
  })

  it('do not come when nothing is sampled, checkpoints neither', async (t) => {
    const { collector } = await runToCollector(t, 'life', { OTEL_TRACES_SAMPLER: 'always_off' })
    assert.deepEqual(collector.spans, [])
    assert.ok(collector.metrics.length > 0)
  })
})

function leaseOf(collector: Collector, traceId: string): DecodedSpan {
  const found = collector.spans.filter(
    (span) => span.name === 'sqlite.pool.lease' && span.traceId === traceId,
  )
  assert.equal(found.length, 1, 'lease spans of the trace')
  return found[0]!
}

function spanAt(collector: Collector, startMs: number): DecodedSpan {
  const found = collector.spans.filter((span) => span.startMs === startMs)
  assert.equal(found.length, 1, `spans at ${startMs - LIFE_BEGAN_AT_MS}`)
  return found[0]!
}
