import { gunzipSync } from 'node:zlib'
import {
  MetricsRequest,
  TracesRequest,
  type AnyValueMessage,
  type HistogramPointMessage,
  type KeyValueMessage,
  type MetricMessage,
  type NumberPointMessage,
  type ScopeMessage,
} from './otlp-messages.ts'

export type AttributeValue = string | number | boolean | readonly AttributeValue[]
export type DecodedAttributes = Readonly<Record<string, AttributeValue>>

export interface DecodedScope {
  readonly name: string
  readonly version: string
  readonly schemaUrl: string
}

export interface DecodedLink {
  readonly traceId: string
  readonly spanId: string
  readonly attributes: DecodedAttributes
}

export interface DecodedEvent {
  readonly name: string
  /** Epoch ms, to the µs. */
  readonly atMs: number
  readonly attributes: DecodedAttributes
}

export interface DecodedSpan {
  readonly name: string
  /** As the protocol counts: 1 internal, 2 server, 3 client. */
  readonly kind: number
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root. */
  readonly parentSpanId: string
  /** Epoch ms, to the µs. */
  readonly startMs: number
  readonly endMs: number
  readonly attributes: DecodedAttributes
  readonly links: readonly DecodedLink[]
  readonly events: readonly DecodedEvent[]
  readonly isError: boolean
  readonly scope: DecodedScope
  readonly resource: DecodedAttributes
}

export interface DecodedPoint {
  readonly attributes: DecodedAttributes
  /** Of sums and gauges. */
  readonly value: number
  readonly isInteger: boolean
  /** Of histograms. */
  readonly count: number
  readonly sum: number
  readonly boundaries: readonly number[]
  readonly bucketCounts: readonly number[]
}

export interface DecodedMetric {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly kind: 'counter' | 'updowncounter' | 'gauge' | 'histogram'
  readonly isCumulative: boolean
  readonly points: readonly DecodedPoint[]
  readonly scope: DecodedScope
  readonly resource: DecodedAttributes
}

/** The spans of one `POST /v1/traces`. */
export function decodeSpans(body: Uint8Array): DecodedSpan[] {
  return TracesRequest.decode(body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((ofScope) =>
      ofScope.spans.map((span) => ({
        name: span.name,
        kind: span.kind,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        startMs: millis(span.startTimeUnixNano),
        endMs: millis(span.endTimeUnixNano),
        attributes: attributes(span.attributes),
        links: span.links.map((link) => ({
          traceId: hex(link.traceId),
          spanId: hex(link.spanId),
          attributes: attributes(link.attributes),
        })),
        events: span.events.map((event) => ({
          name: event.name,
          atMs: millis(event.timeUnixNano),
          attributes: attributes(event.attributes),
        })),
        isError: span.status?.code === 2,
        scope: scope(ofScope),
        resource: attributes(resource?.attributes ?? []),
      })),
    ),
  )
}

/** The metrics of one `POST /v1/metrics`. */
export function decodeMetrics(body: Uint8Array): DecodedMetric[] {
  return MetricsRequest.decode(body).resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap((ofScope) =>
      ofScope.metrics.map((metric) => ({
        name: metric.name,
        description: metric.description,
        unit: metric.unit,
        ...data(metric),
        scope: scope(ofScope),
        resource: attributes(resource?.attributes ?? []),
      })),
    ),
  )
}

/** Undoes `Content-Encoding`. */
export function decompress(body: Uint8Array, encoding: string | undefined): Uint8Array {
  return encoding === 'gzip' ? gunzipSync(body) : body
}

function data(metric: MetricMessage): Pick<DecodedMetric, 'kind' | 'isCumulative' | 'points'> {
  const { sum, gauge, histogram } = metric
  const temporality = sum?.aggregationTemporality ?? histogram?.aggregationTemporality
  const isCumulative = temporality === 2
  if (sum != null) {
    const kind = sum.isMonotonic ? 'counter' : 'updowncounter'
    return { kind, isCumulative, points: sum.dataPoints.map(numberPoint) }
  }
  if (gauge != null) {
    return { kind: 'gauge', isCumulative, points: gauge.dataPoints.map(numberPoint) }
  }
  if (histogram != null) {
    return { kind: 'histogram', isCumulative, points: histogram.dataPoints.map(histogramPoint) }
  }
  throw new TypeError(`${metric.name} is of a kind that nobody here reads`)
}

const emptyPoint = {
  value: 0,
  isInteger: false,
  count: 0,
  sum: 0,
  boundaries: [],
  bucketCounts: [],
}

function numberPoint(point: NumberPointMessage): DecodedPoint {
  const isInteger = point.asInt != null
  const value = isInteger ? Number(point.asInt) : (point.asDouble ?? 0)
  return { ...emptyPoint, attributes: attributes(point.attributes), value, isInteger }
}

function histogramPoint(point: HistogramPointMessage): DecodedPoint {
  return {
    ...emptyPoint,
    attributes: attributes(point.attributes),
    count: Number(point.count),
    sum: point.sum ?? 0,
    boundaries: point.explicitBounds,
    bucketCounts: point.bucketCounts.map(Number),
  }
}

function attributes(pairs: readonly KeyValueMessage[]): DecodedAttributes {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, plainValue(value ?? {})]))
}

function plainValue(value: AnyValueMessage): AttributeValue {
  if (value.arrayValue != null) return value.arrayValue.values.map(plainValue)
  if (value.intValue != null) return Number(value.intValue)
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? ''
}

const scope = (of: ScopeMessage): DecodedScope => ({
  name: of.scope?.name ?? '',
  version: of.scope?.version ?? '',
  schemaUrl: of.schemaUrl,
})

/** A root's parent is left out. */
const hex = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString('hex')

/** Epoch ns → ms, to the µs that a double can hold. */
const millis = (nanos: unknown): number => Number(BigInt(String(nanos)) / 1000n) / 1000
