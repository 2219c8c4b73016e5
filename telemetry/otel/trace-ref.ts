import {
  context,
  createContextKey,
  isSpanContextValid,
  ROOT_CONTEXT,
  trace,
  TraceFlags,
} from '@opentelemetry/api'
import type { Context, SpanContext } from '@opentelemetry/api'
import type { TraceRef } from '../events.ts'

const PROBE = createContextKey('glasspool probe')

/** Whether anything in this process keeps the active span, as a started SDK does; if not, nobody need look for it. */
export function isTraceKept(): boolean {
  const probe = ROOT_CONTEXT.setValue(PROBE, true)
  return context.with(probe, () => context.active().getValue(PROBE) === true)
}

/** The span active in the caller's async context, or `null` when there is none. */
export function captureTrace(): TraceRef | null {
  const span = trace.getSpanContext(context.active())
  if (span === undefined || !isSpanContextValid(span)) return null
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    isSampled: (span.traceFlags & TraceFlags.SAMPLED) !== 0,
  }
}

/**
 * The context in which a span made later becomes a child of `ref`. It starts from the root: what is active
 * when an event is told belongs to whoever released, and its baggage is not the waiter's.
 */
export function contextOf(ref: TraceRef): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContextOf(ref))
}

/** The span that `ref` names. */
export function spanContextOf(ref: TraceRef): SpanContext {
  return {
    traceId: ref.traceId,
    spanId: ref.spanId,
    traceFlags: ref.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  }
}
