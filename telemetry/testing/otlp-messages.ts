// Upstream's own definitions, generated from opentelemetry-proto: none of this decoding is ours. Its types
// say nothing, so the parts that are read are described here.
import root from 'otlp-decoder/build/src/generated/root.js'

type Maybe<T> = T | null | undefined
/** 64 bits: a number or a `Long`, by whether that package is there. */
type Long = Maybe<number | { toString(): string }>

export interface AnyValueMessage {
  readonly stringValue?: Maybe<string>
  readonly boolValue?: Maybe<boolean>
  readonly intValue?: Long
  readonly doubleValue?: Maybe<number>
  readonly arrayValue?: Maybe<{ readonly values: readonly AnyValueMessage[] }>
}

export interface KeyValueMessage {
  readonly key: string
  readonly value?: Maybe<AnyValueMessage>
}

export interface ScopeMessage {
  readonly scope?: Maybe<{ readonly name: string; readonly version: string }>
  readonly schemaUrl: string
}

interface ResourceMessage {
  readonly resource?: Maybe<{ readonly attributes: readonly KeyValueMessage[] }>
}

export interface SpanMessage {
  readonly name: string
  readonly kind: number
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly parentSpanId: Uint8Array | null
  readonly startTimeUnixNano: Long
  readonly endTimeUnixNano: Long
  readonly attributes: readonly KeyValueMessage[]
  readonly links: readonly {
    readonly traceId: Uint8Array
    readonly spanId: Uint8Array
    readonly attributes: readonly KeyValueMessage[]
  }[]
  readonly events: readonly {
    readonly name: string
    readonly timeUnixNano: Long
    readonly attributes: readonly KeyValueMessage[]
  }[]
  readonly status?: Maybe<{ readonly code: number }>
}

export interface NumberPointMessage {
  readonly attributes: readonly KeyValueMessage[]
  readonly asInt?: Long
  readonly asDouble?: Maybe<number>
}

export interface HistogramPointMessage {
  readonly attributes: readonly KeyValueMessage[]
  readonly count: Long
  readonly sum?: Maybe<number>
  readonly explicitBounds: readonly number[]
  readonly bucketCounts: readonly Long[]
}

export interface MetricMessage {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly sum?: Maybe<{
    readonly isMonotonic: boolean
    readonly aggregationTemporality: number
    readonly dataPoints: readonly NumberPointMessage[]
  }>
  readonly gauge?: Maybe<{ readonly dataPoints: readonly NumberPointMessage[] }>
  readonly histogram?: Maybe<{
    readonly aggregationTemporality: number
    readonly dataPoints: readonly HistogramPointMessage[]
  }>
}

interface TracesMessage {
  readonly resourceSpans: readonly (ResourceMessage & {
    readonly scopeSpans: readonly (ScopeMessage & { readonly spans: readonly SpanMessage[] })[]
  })[]
}

interface MetricsMessage {
  readonly resourceMetrics: readonly (ResourceMessage & {
    readonly scopeMetrics: readonly (ScopeMessage & {
      readonly metrics: readonly MetricMessage[]
    })[]
  })[]
}

interface Decoder<T> {
  decode(body: Uint8Array): T
}

const { trace, metrics } = (
  root as unknown as {
    readonly opentelemetry: {
      readonly proto: {
        readonly collector: {
          readonly trace: {
            readonly v1: { readonly ExportTraceServiceRequest: Decoder<TracesMessage> }
          }
          readonly metrics: {
            readonly v1: { readonly ExportMetricsServiceRequest: Decoder<MetricsMessage> }
          }
        }
      }
    }
  }
).opentelemetry.proto.collector

export const TracesRequest: Decoder<TracesMessage> = trace.v1.ExportTraceServiceRequest
export const MetricsRequest: Decoder<MetricsMessage> = metrics.v1.ExportMetricsServiceRequest
