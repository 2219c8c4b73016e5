import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import type { Attributes, Context, Tracer } from '@opentelemetry/api'
import type {
  AcquireEvent,
  CheckpointEvent,
  ConnectionOpenedEvent,
  EventSink,
  PoolEvent,
  StatementEvent,
  WALPin,
} from '../events.ts'
import type { PoolView } from '../pool-view.ts'
import { ATTRIBUTE } from './attributes.ts'
import { writeCheckpoint } from './checkpoint-spans.ts'
import { hasUnsampled, linksTo, sampled } from './holder-links.ts'
import { LeaseSpans } from './lease-spans.ts'
import { SCHEMA_URL, SCOPE } from './names.ts'
import { databaseAttributes, laneAttributes, statementErrorAttributes } from './pool-attributes.ts'
import { querySummary } from './query-summary.ts'
import { queryText } from './query-text.ts'
import { writeSpan } from './retrospect.ts'
import { contextOf } from './trace-ref.ts'

/** The spans of one pool. */
export interface PoolSpans {
  /** Must hear every event of the pool. */
  readonly sink: EventSink
  /** Ends the spans that are open. */
  dispose(): void
}

/**
 * Turns events into spans, in retrospect: with the times of the event and the parent that was active when
 * it began. So nothing is paid for what was never interesting, and a span knows how it ended.
 *
 * - Acquire, lease and statement need a sampled parent: alone they would be traces of one span.
 * - A checkpoint is nobody's child. It is a root span that links to the leases in its way; a lease that is still out by
 *   then has its span from that moment on.
 * - A link to a trace that nobody keeps leads nowhere, so it is not made.
 */
export function createPoolSpans(view: PoolView): PoolSpans {
  // `trace.getTracer` would not pass the schema on.
  const provider = trace.getTracerProvider()
  const tracer = provider.getTracer(SCOPE.name, SCOPE.version, { schemaUrl: SCHEMA_URL })
  const spans = new SpanWriter(tracer, view)
  return { sink: (event) => spans.hear(event), dispose: () => spans.close() }
}

class SpanWriter {
  readonly #tracer: Tracer
  readonly #view: PoolView
  readonly #leases: LeaseSpans
  /** Opened and not yet granted: the acquire that gets one becomes the parent of its opening. */
  readonly #opened = new Map<number, ConnectionOpenedEvent>()

  constructor(tracer: Tracer, view: PoolView) {
    this.#tracer = tracer
    this.#view = view
    this.#leases = new LeaseSpans(tracer, view)
  }

  hear(event: PoolEvent): void {
    switch (event.type) {
      case 'acquire':
        return this.#acquire(event)
      case 'lease':
        return this.#leases.ended(event)
      case 'statement':
        return this.#statement(event)
      case 'checkpoint':
        return this.#checkpoint(event, event.atMs)
      case 'starvation':
        return this.#pinned(event.isStarved ? event.pin : null, event.atMs)
      case 'backpressure':
        return this.#pinned(event.isOn ? event.pin : null, event.atMs)
      case 'connection.opened':
        this.#opened.set(event.connectionId, event)
        return undefined
      case 'connection.closed':
        this.#opened.delete(event.connectionId)
        return this.#leases.connectionClosed(event.connectionId)
      case 'pool':
        return event.state === 'closed' ? this.close() : undefined
      case 'leak':
      case 'capacity':
        return undefined
    }
  }

  close(): void {
    this.#leases.close()
  }

  #acquire(event: AcquireEvent): void {
    const opened = event.hasOpened ? this.#takeOpened(event.connectionId) : undefined
    const parent = sampled(event.trace)
    if (parent === null) return
    const holders = event.holders.filter(({ leaseId }) => leaseId !== event.releasedBy?.leaseId)
    const links = linksTo('released_by', event.releasedBy === null ? [] : [event.releasedBy])
    links.push(...linksTo('held_by', holders))
    const attributes: Attributes = {
      ...laneAttributes(this.#view, event.role),
      [ATTRIBUTE.queueDepth]: event.queueDepth,
      [ATTRIBUTE.hasOpened]: event.hasOpened,
    }
    if (event.connectionId !== null) attributes[ATTRIBUTE.connectionId] = event.connectionId
    if (hasUnsampled([...event.holders, event.releasedBy])) {
      attributes[ATTRIBUTE.isHolderSampled] = false
    }
    const span = writeSpan(this.#tracer, contextOf(parent), {
      name: 'sqlite.pool.acquire',
      kind: SpanKind.INTERNAL,
      startedAtMs: event.startedAtMs,
      durationMs: event.waitMs,
      attributes,
      links,
      errorType: event.outcome === 'granted' ? null : event.outcome,
    })
    if (opened !== undefined) this.#open(trace.setSpan(ROOT_CONTEXT, span), opened)
  }

  #statement(event: StatementEvent): void {
    const parent = sampled(event.trace)
    if (parent === null) return
    const summary = querySummary(event.sql)
    const attributes: Attributes = {
      ...databaseAttributes(this.#view),
      [ATTRIBUTE.role]: event.role,
      [ATTRIBUTE.connectionId]: event.connectionId,
      [ATTRIBUTE.queryText]: queryText(event.sql),
    }
    if (summary !== '') attributes[ATTRIBUTE.querySummary] = summary
    if (event.errorCode !== null)
      Object.assign(attributes, statementErrorAttributes(event.errorCode))
    writeSpan(this.#tracer, contextOf(parent), {
      name: summary === '' ? 'sqlite' : summary,
      kind: SpanKind.CLIENT,
      startedAtMs: event.startedAtMs,
      durationMs: event.durationMs,
      attributes,
      errorType: event.errorCode,
    })
  }

  #checkpoint(event: CheckpointEvent, atMs: number): void {
    this.#pinned(event.pin, atMs)
    writeCheckpoint(event, { tracer: this.#tracer, view: this.#view, leases: this.#leases })
  }

  #pinned(pin: WALPin | null, atMs: number): void {
    if (pin !== null) this.#leases.pinned(pin, atMs)
  }

  #takeOpened(connectionId: number | null): ConnectionOpenedEvent | undefined {
    if (connectionId === null) return undefined
    const opened = this.#opened.get(connectionId)
    this.#opened.delete(connectionId)
    return opened
  }

  #open(parent: Context, event: ConnectionOpenedEvent): void {
    writeSpan(this.#tracer, parent, {
      name: 'sqlite.connection.open',
      kind: SpanKind.INTERNAL,
      startedAtMs: event.startedAtMs,
      durationMs: event.createMs,
      attributes: {
        ...laneAttributes(this.#view, event.role),
        [ATTRIBUTE.connectionId]: event.connectionId,
      },
      errorType: null,
    })
  }
}
