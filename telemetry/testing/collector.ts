import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import {
  decodeMetrics,
  decodeSpans,
  decompress,
  type DecodedMetric,
  type DecodedPoint,
  type DecodedSpan,
} from './decode.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

/** How it answers: as it should, never, 503 with a long Retry-After, or by closing the connection. */
export type CollectorBehaviour = 'accept' | 'hang' | 'unavailable' | 'close'

export interface ReceivedRequest {
  /** `/v1/traces`, `/v1/metrics` or `/v1/logs`. */
  readonly path: string
  readonly contentType: string | undefined
  readonly contentEncoding: string | undefined
}

/** An OTLP/HTTP receiver, protobuf, gzipped or not, on a port of its own. */
export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string
  readonly requests: readonly ReceivedRequest[]
  /** All spans so far, in order of arrival. */
  readonly spans: readonly DecodedSpan[]
  /** Every export so far; the same metric is in each, with its total when the export is cumulative. */
  readonly metrics: readonly DecodedMetric[]
  /** The latest export of a metric, or `undefined`. */
  metric(name: string): DecodedMetric | undefined
  /** The point of the latest export that has all these attributes. Throws when there is not exactly one. */
  point(name: string, attributes?: Readonly<Record<string, unknown>>): DecodedPoint
  /** Resolves as soon as `condition` holds, looking after every request. */
  until(condition: () => boolean): Promise<void>
  close(): Promise<void>
}

/** Starts a collector that is closed when the test is over. */
export async function startCollector(
  t: Cleanup,
  { behaviour = 'accept' }: { readonly behaviour?: CollectorBehaviour } = {},
): Promise<Collector> {
  const requests: ReceivedRequest[] = []
  const spans: DecodedSpan[] = []
  const metrics: DecodedMetric[] = []
  let look = (): void => undefined

  const receive = async (request: IncomingMessage): Promise<void> => {
    const body = decompress(await buffer(request), request.headers['content-encoding'])
    const path = request.url ?? ''
    if (path === '/v1/traces') spans.push(...decodeSpans(body))
    if (path === '/v1/metrics') metrics.push(...decodeMetrics(body))
    requests.push({
      path,
      contentType: request.headers['content-type'],
      contentEncoding: request.headers['content-encoding'],
    })
    look()
  }
  const server = createServer((request, response) => {
    receive(request).then(
      () => answer(behaviour, request, response),
      (error: unknown) => response.writeHead(400).end(String(error)),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  t.after(close)

  const metric = (name: string): DecodedMetric | undefined =>
    metrics.findLast((candidate) => candidate.name === name)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans,
    metrics,
    metric,
    point(name, attributes = {}) {
      const wanted = Object.entries(attributes)
      const found = (metric(name)?.points ?? []).filter((point) =>
        wanted.every(([key, value]) => point.attributes[key] === value),
      )
      if (found.length !== 1) {
        throw new Error(`${name} has ${found.length} points with ${JSON.stringify(attributes)}`)
      }
      return found[0]!
    },
    until: (condition) =>
      new Promise((resolve) => {
        look = () => {
          if (condition()) resolve()
        }
        look()
      }),
    close,
  }
}

function answer(
  behaviour: CollectorBehaviour,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (behaviour === 'hang') return
  if (behaviour === 'close') {
    request.socket.destroy()
    return
  }
  if (behaviour === 'unavailable') {
    response.writeHead(503, { 'retry-after': '30' }).end()
    return
  }
  // An empty message: everything was taken.
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
}
