import { trace, TraceFlags } from '@opentelemetry/api'
import type {
  Attributes,
  Context,
  Span,
  SpanContext,
  SpanOptions,
  Tracer,
} from '@opentelemetry/api'

/** A span as it was asked for. */
export interface RecordedSpan {
  readonly name: string
  readonly options: SpanOptions
  /** Of the parent; `undefined` for a root. */
  readonly parent: SpanContext | undefined
  readonly context: SpanContext
  readonly attributes: Attributes
  readonly events: {
    readonly name: string
    readonly attributes: Attributes
    readonly time: unknown
  }[]
  /** `undefined` while it is open. */
  endTime: unknown
}

/** A tracer that sends nothing and remembers everything. `isSampled: false`: as a sampler that wants none of it. */
export class RecordedTracer {
  readonly spans: RecordedSpan[] = []
  readonly tracer: Tracer

  constructor({ isSampled = true }: { readonly isSampled?: boolean } = {}) {
    const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
    const startSpan: Tracer['startSpan'] = (name, options = {}, within?: Context) => {
      const parent = within === undefined ? undefined : trace.getSpanContext(within)
      const spanId = (this.spans.length + 1).toString(16).padStart(16, '0')
      const traceId = parent?.traceId ?? 'f'.repeat(32)
      const recorded: RecordedSpan = {
        name,
        options,
        parent,
        context: { traceId, spanId, traceFlags },
        attributes: { ...options.attributes },
        events: [],
        endTime: undefined,
      }
      this.spans.push(recorded)
      return spanOf(recorded)
    }
    this.tracer = { startSpan } as Tracer
  }

  /** The only span of that name. Throws when there is not exactly one. */
  only(name: string): RecordedSpan {
    const found = this.spans.filter((span) => span.name === name)
    if (found.length !== 1) throw new Error(`there are ${found.length} spans ${name}`)
    return found[0]!
  }
}

function spanOf(recorded: RecordedSpan): Span {
  const span: Pick<Span, 'spanContext' | 'setAttributes' | 'setStatus' | 'addEvent' | 'end'> = {
    spanContext: () => recorded.context,
    setAttributes(attributes) {
      Object.assign(recorded.attributes, attributes)
      return span as Span
    },
    setStatus: () => span as Span,
    addEvent(name, attributes, time) {
      if (recorded.endTime !== undefined) throw new Error(`${recorded.name} has ended`)
      recorded.events.push({ name, attributes: attributes as Attributes, time })
      return span as Span
    },
    end(time) {
      if (recorded.endTime !== undefined) throw new Error(`${recorded.name} has ended before`)
      recorded.endTime = time
    },
  }
  return span as Span
}
