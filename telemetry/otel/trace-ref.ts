import { context, trace, TraceFlags } from '@opentelemetry/api'
import type { Context, Link } from '@opentelemetry/api'
import type { TraceRef } from '../events.ts'

/** The span active in the caller's async context, or `null` when there is none. */
export function captureTrace(): TraceRef | null {
  const span = trace.getSpanContext(context.active())
  if (span === undefined || !/[1-9a-f]/.test(span.traceId)) return null
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    isSampled: (span.traceFlags & TraceFlags.SAMPLED) !== 0,
  }
}

/** The context in which a span made later becomes a child of `ref`. */
export function contextOf(ref: TraceRef): Context {
  return trace.setSpanContext(context.active(), spanContextOf(ref))
}

/** A link to `ref`, for `startSpan`. */
export function linkTo(ref: TraceRef, attributes: NonNullable<Link['attributes']>): Link {
  return { context: spanContextOf(ref), attributes }
}

function spanContextOf(ref: TraceRef): Link['context'] {
  return {
    traceId: ref.traceId,
    spanId: ref.spanId,
    traceFlags: ref.isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  }
}
