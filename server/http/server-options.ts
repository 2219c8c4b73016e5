import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { LogController, type FastifyHttpOptions } from 'fastify'
import type { Config } from '../config.ts'
import { handleClientError } from './client-error.ts'
import { logOptions } from './log-options.ts'
import { nextRequestId } from './request-id.ts'
import { sendError } from './send-error.ts'

const KIB = 1024
/** What is left for an answer after the longest wait for a connection. */
const AFTER_ACQUIRE_MS = 5000
const BEHIND_PROXY_KEEP_ALIVE_MS = 65_000

/**
 * Fastify with limits that suit a network: its own are made for a friendly one. A slow request is given
 * 5 s for its headers and 10 s in all, a handler 10 s (or the acquire timeout and 5 s more).
 *
 * With TLS the server is Node's `https` one, which has the same interface.
 */
export function serverOptions(
  config: Pick<Config, 'http' | 'pool' | 'logLevel'>,
  parts: { readonly logStream?: { write(line: string): void } } = {},
): FastifyHttpOptions<Server> {
  const { tls, trustedProxies } = config.http
  const isBehindProxy = trustedProxies.length > 0
  const handlerTimeoutMs = Math.max(10_000, config.pool.acquireTimeoutMs + AFTER_ACQUIRE_MS)
  const limits = {
    headersTimeout: 5000,
    requestTimeout: 10_000,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: 8 * KIB,
  }
  const isLoggingRequests = config.logLevel === 'debug' || config.logLevel === 'trace'
  return {
    ...(tls === null
      ? { http: limits }
      : { https: { ...limits, cert: readFileSync(tls.certPath), key: readFileSync(tls.keyPath) } }),
    requestTimeout: limits.requestTimeout,
    handlerTimeout: handlerTimeoutMs,
    // Nothing read and nothing written for this long: a peer that does not take its answer.
    connectionTimeout: handlerTimeoutMs + 5000,
    // A proxy that reuses connections must be the one that closes them first.
    keepAliveTimeout: isBehindProxy ? BEHIND_PROXY_KEEP_ALIVE_MS : 5000,
    maxRequestsPerSocket: 10_000,
    bodyLimit: 64 * KIB,
    routerOptions: { maxParamLength: 100 },
    trustProxy: isBehindProxy ? [...trustedProxies] : false,
    // `Drain` refuses late requests, with the envelope, and closes connections in its own order.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    genReqId: nextRequestId,
    logger: {
      ...logOptions(config.logLevel),
      ...(parts.logStream !== undefined && { stream: parts.logStream }),
    },
    logController: new LogController({ disableRequestLogging: !isLoggingRequests }),
    clientErrorHandler: handleClientError,
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
  }
}
