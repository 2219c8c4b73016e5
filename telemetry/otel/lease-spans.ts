import { SpanKind, TraceFlags } from '@opentelemetry/api'
import type { Attributes, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { HolderRef, LeaseEvent, WALPin } from '../events.ts'
import type { PoolView } from '../pool-view.ts'
import type { ConnectionRow } from '../protocol.ts'
import { secondsOf } from '../units.ts'
import { ATTRIBUTE } from './attributes.ts'
import { clockOffsetMs } from './clock-offset.ts'
import { EndedLeases } from './ended-leases.ts'
import { sampled } from './holder-links.ts'
import type { SpanEventName } from './names.ts'
import { laneAttributes } from './pool-attributes.ts'
import { writeSpan } from './retrospect.ts'
import { contextOf, spanContextOf } from './trace-ref.ts'

const NAME = 'sqlite.pool.lease'
const PINNED: SpanEventName = 'sqlite.wal.pinned'

interface OpenLease {
  readonly span: Span
  /** In the clock of the SDK. */
  readonly startTimeMs: number
  readonly offsetMs: number
  /** How old the lease must be to be told again that it pins the log. */
  tellAgainHeldMs: number
}

/**
 * The spans of leases. Most are made in retrospect, when the lease ends. One that is named before, because it keeps
 * the log from being copied back, gets its span right then and with its true start: a link needs an id to point at, and
 * the holder's own trace is to say what it did, however much later it ends. What such a span gets at its end no sampler
 * has seen; they decide on the parent.
 *
 * Open spans are as many as connections at most.
 */
export class LeaseSpans {
  readonly #tracer: Tracer
  readonly #view: PoolView
  readonly #open = new Map<number, OpenLease>()
  readonly #ended = new EndedLeases()

  constructor(tracer: Tracer, view: PoolView) {
    this.#tracer = tracer
    this.#view = view
  }

  /**
   * The span of a lease, if its trace is kept. What the lease was acquired in stands for one that ended too long ago
   * to be remembered.
   */
  contextOf(holder: HolderRef): SpanContext | null {
    const parent = sampled(holder.trace)
    if (parent === null) return null
    const context =
      this.#openSpan(holder)?.span.spanContext() ??
      this.#ended.find(holder.connectionId, holder.leaseId) ??
      spanContextOf(parent)
    // A sampler of somebody else's making need not go by the parent.
    return (context.traceFlags & TraceFlags.SAMPLED) === 0 ? null : context
  }

  /**
   * Tells a lease, on its own span, that it pins the log: the first time, and again whenever it is twice as old, so
   * that one held for hours has a few of these and not thousands.
   *
   * Events on spans are on their way out in OpenTelemetry, in favour of log records. Here it is one all the same: it
   * belongs to this span, and no backend shows the other kind on a lease's line yet.
   */
  pinned({ holder, lagFrames, heldMs }: WALPin, atMs: number): void {
    const { lease } = holder
    if (lease === null) return
    const open = this.#openSpan(lease)
    if (open === undefined || lease.heldMs < open.tellAgainHeldMs) return
    open.tellAgainHeldMs = 2 * lease.heldMs
    const attributes: Attributes = {
      [ATTRIBUTE.pinHolder]: holder.kind,
      [ATTRIBUTE.pinAge]: secondsOf(heldMs),
    }
    if (lagFrames !== null) attributes[ATTRIBUTE.pinLag] = lagFrames
    open.span.addEvent(PINNED, attributes, atMs + open.offsetMs)
  }

  /** The lease has ended: so does its span, which is made now if nobody asked for it before. */
  ended(event: LeaseEvent): void {
    const parent = sampled(event.trace)
    if (parent === null) return
    const open = this.#open.get(event.leaseId)
    const atEnd: Attributes = {
      [ATTRIBUTE.leaseOperations]: event.statementCount,
      [ATTRIBUTE.leaseWaiters]: event.waiterCount,
    }
    let span: Span
    if (open === undefined) {
      span = writeSpan(this.#tracer, contextOf(parent), {
        name: NAME,
        kind: SpanKind.INTERNAL,
        startedAtMs: event.startedAtMs,
        durationMs: event.useMs,
        attributes: { ...this.#attributes(event), ...atEnd },
        errorType: null,
      })
    } else {
      this.#open.delete(event.leaseId)
      span = open.span
      span.setAttributes(atEnd)
      span.end(open.startTimeMs + event.useMs)
    }
    this.#ended.note(event.connectionId, event.leaseId, span.spanContext())
  }

  connectionClosed(connectionId: number): void {
    this.#ended.forget(connectionId)
  }

  /** Nobody will tell of their end any more: the spans that are open end now. */
  close(): void {
    const nowMs = performance.timeOrigin + performance.now()
    for (const { span, offsetMs } of this.#open.values()) span.end(nowMs + offsetMs)
    this.#open.clear()
  }

  /** Of a lease that is out, made if need be. A statement that was given up still reads when its lease has ended. */
  #openSpan(holder: HolderRef): OpenLease | undefined {
    const known = this.#open.get(holder.leaseId)
    if (known !== undefined) return known
    if (this.#ended.find(holder.connectionId, holder.leaseId) !== undefined) return undefined
    const parent = sampled(holder.trace)
    const row = this.#view.connections().find(({ id }) => id === holder.connectionId)
    if (parent === null || row?.leaseId !== holder.leaseId || row.state !== 'in_use') {
      return undefined
    }
    const offsetMs = clockOffsetMs()
    const startTimeMs = row.sinceAtMs + offsetMs
    const span = this.#tracer.startSpan(
      NAME,
      {
        kind: SpanKind.INTERNAL,
        startTime: startTimeMs,
        attributes: this.#attributes({ role: row.role, connectionId: row.id }),
      },
      contextOf(parent),
    )
    const open: OpenLease = { span, startTimeMs, offsetMs, tellAgainHeldMs: 0 }
    this.#open.set(holder.leaseId, open)
    return open
  }

  #attributes({
    role,
    connectionId,
  }: Pick<ConnectionRow, 'role'> & { connectionId: number }): Attributes {
    return { ...laneAttributes(this.#view, role), [ATTRIBUTE.connectionId]: connectionId }
  }
}
