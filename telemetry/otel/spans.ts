import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, Context, Link, Span, SpanOptions, Tracer } from '@opentelemetry/api'
import type {
  AcquireEvent,
  CheckpointEvent,
  ConnectionOpenedEvent,
  EventSink,
  HolderRef,
  LeaseEvent,
  StatementEvent,
  TraceRef,
} from '../events.ts'
import type { PoolView } from '../pool-view.ts'
import { secondsOf } from '../units.ts'
import { ATTRIBUTE, SCHEMA_URL, SCOPE, type LinkType } from './names.ts'
import {
  databaseAttributes,
  laneAttributes,
  poolAttributes,
  statementErrorAttributes,
} from './pool-attributes.ts'
import { querySummary } from './query-summary.ts'
import { queryText } from './query-text.ts'
import { clockOffsetMs } from './clock-offset.ts'
import { contextOf, linkTo } from './trace-ref.ts'

/**
 * Turns events into spans, in retrospect: with the times of the event and the parent that was active when
 * it began. So nothing is paid for what was never interesting, and a span knows how it ended.
 *
 * - Acquire, lease and statement need a sampled parent: alone they would be traces of one span.
 * - A checkpoint is nobody's child. It is a root span that links to the leases in its way.
 * - A link to a trace that nobody keeps leads nowhere, so it is not made.
 */
export function createSpanSink(view: PoolView): EventSink {
  // `trace.getTracer` would not pass the schema on.
  const provider = trace.getTracerProvider()
  const tracer = provider.getTracer(SCOPE.name, SCOPE.version, { schemaUrl: SCHEMA_URL })
  const spans = new SpanWriter(tracer, view)
  return (event) => {
    switch (event.type) {
      case 'acquire':
        return spans.acquire(event)
      case 'lease':
        return spans.lease(event)
      case 'statement':
        return spans.statement(event)
      case 'checkpoint':
        return spans.checkpoint(event)
      case 'connection.opened':
        return spans.connectionOpened(event)
      case 'connection.closed':
        return spans.connectionClosed(event.connectionId)
      case 'leak':
      case 'capacity':
      case 'starvation':
      case 'pool':
        return undefined
    }
  }
}

/** What a span is made from. */
interface Record {
  readonly name: string
  readonly kind: SpanKind
  readonly startedAtMs: number
  readonly durationMs: number
  readonly attributes: Attributes
  readonly links?: Link[]
  readonly errorType: string | null
}

class SpanWriter {
  readonly #tracer: Tracer
  readonly #view: PoolView
  /** Opened and not yet granted: the acquire that gets one becomes the parent of its opening. */
  readonly #opened = new Map<number, ConnectionOpenedEvent>()

  constructor(tracer: Tracer, view: PoolView) {
    this.#tracer = tracer
    this.#view = view
  }

  acquire(event: AcquireEvent): void {
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
    const span = this.#write(contextOf(parent), {
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

  lease(event: LeaseEvent): void {
    const parent = sampled(event.trace)
    if (parent === null) return
    this.#write(contextOf(parent), {
      name: 'sqlite.pool.lease',
      kind: SpanKind.INTERNAL,
      startedAtMs: event.startedAtMs,
      durationMs: event.useMs,
      attributes: {
        ...laneAttributes(this.#view, event.role),
        [ATTRIBUTE.connectionId]: event.connectionId,
        [ATTRIBUTE.leaseOperations]: event.statementCount,
        [ATTRIBUTE.leaseWaiters]: event.waiterCount,
      },
      errorType: null,
    })
  }

  statement(event: StatementEvent): void {
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
    this.#write(contextOf(parent), {
      name: summary === '' ? 'sqlite' : summary,
      kind: SpanKind.CLIENT,
      startedAtMs: event.startedAtMs,
      durationMs: event.durationMs,
      attributes,
      errorType: event.errorCode,
    })
  }

  checkpoint(event: CheckpointEvent): void {
    const attributes: Attributes = {
      ...poolAttributes(this.#view),
      [ATTRIBUTE.checkpointMode]: event.mode.toLowerCase(),
      [ATTRIBUTE.checkpointTrigger]: event.trigger,
      [ATTRIBUTE.checkpointOutcome]: event.outcome,
      [ATTRIBUTE.isCheckpointBusy]: event.isBusy,
      [ATTRIBUTE.framesMoved]: event.movedFrames,
    }
    const known = {
      [ATTRIBUTE.framesLogged]: event.logFrames,
      [ATTRIBUTE.framesCheckpointed]: event.checkpointedFrames,
      [ATTRIBUTE.sizeBefore]: event.sizeBeforeBytes,
      [ATTRIBUTE.sizeAfter]: event.sizeAfterBytes,
    }
    for (const [key, value] of Object.entries(known)) {
      if (value !== null) attributes[key] = value
    }
    this.#write(ROOT_CONTEXT, {
      name: 'sqlite.wal.checkpoint',
      kind: SpanKind.INTERNAL,
      startedAtMs: event.startedAtMs,
      durationMs: event.durationMs,
      attributes,
      links: linksTo('blocked_by', event.blockedBy),
      errorType: event.errorCode,
    })
  }

  connectionOpened(event: ConnectionOpenedEvent): void {
    this.#opened.set(event.connectionId, event)
  }

  connectionClosed(connectionId: number): void {
    this.#opened.delete(connectionId)
  }

  #takeOpened(connectionId: number | null): ConnectionOpenedEvent | undefined {
    if (connectionId === null) return undefined
    const opened = this.#opened.get(connectionId)
    this.#opened.delete(connectionId)
    return opened
  }

  #open(parent: Context, event: ConnectionOpenedEvent): void {
    this.#write(parent, {
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

  /** Everything is given at the start, where samplers see it. */
  #write(parent: Context, record: Record): Span {
    const startTime = record.startedAtMs + clockOffsetMs()
    const options: SpanOptions = {
      kind: record.kind,
      startTime,
      attributes: record.attributes,
      links: record.links ?? [],
    }
    if (record.errorType !== null) {
      options.attributes = { ...record.attributes, [ATTRIBUTE.errorType]: record.errorType }
    }
    const span = this.#tracer.startSpan(record.name, options, parent)
    if (record.errorType !== null) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(startTime + record.durationMs)
    return span
  }
}

function sampled(ref: TraceRef | null): TraceRef | null {
  return ref?.isSampled === true ? ref : null
}

function linksTo(type: LinkType, holders: readonly HolderRef[]): Link[] {
  return holders.flatMap((holder) => {
    const target = sampled(holder.trace)
    if (target === null) return []
    const attributes: Attributes = {
      [ATTRIBUTE.linkType]: type,
      [ATTRIBUTE.connectionId]: holder.connectionId,
      [ATTRIBUTE.leaseHeld]: secondsOf(holder.heldMs),
    }
    if (holder.label !== null) attributes[ATTRIBUTE.leaseLabel] = holder.label
    return [linkTo(target, attributes)]
  })
}

function hasUnsampled(holders: readonly (HolderRef | null)[]): boolean {
  return holders.some((holder) => holder?.trace?.isSampled === false)
}
