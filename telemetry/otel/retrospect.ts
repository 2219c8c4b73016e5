import { SpanStatusCode } from '@opentelemetry/api'
import type {
  Attributes,
  Context,
  Link,
  Span,
  SpanKind,
  SpanOptions,
  Tracer,
} from '@opentelemetry/api'
import { ATTRIBUTE } from './attributes.ts'
import { clockOffsetMs } from './clock-offset.ts'

/** What a span is made from, when the thing is over. */
export interface SpanRecord {
  readonly name: string
  readonly kind: SpanKind
  /** Epoch ms, by the monotonic clock. */
  readonly startedAtMs: number
  readonly durationMs: number
  readonly attributes: Attributes
  readonly links?: Link[]
  readonly errorType: string | null
}

/** Makes a span of what is over. Everything is given at the start, where samplers see it. */
export function writeSpan(tracer: Tracer, parent: Context, record: SpanRecord): Span {
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
  const span = tracer.startSpan(record.name, options, parent)
  if (record.errorType !== null) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(startTime + record.durationMs)
  return span
}
