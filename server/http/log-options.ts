import type { FastifyRequest, FastifyServerOptions } from 'fastify'
import type { Config } from '../config.ts'

/** Where a credential could turn up if somebody logs a request, its headers, or a body. */
const secrets = [
  '*.headers.authorization',
  '*.headers.cookie',
  'headers.authorization',
  'headers.cookie',
  '*.token',
  'token',
]

/** Of a request only what is nobody's secret: no query string, no header, no body. */
export function logOptions(
  level: Config['logLevel'],
): Exclude<FastifyServerOptions['logger'], boolean | undefined> {
  return {
    level,
    redact: secrets,
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        path: request.url.split('?', 1)[0],
        remoteAddress: request.ip,
      }),
      res: ({ statusCode }) => ({ statusCode }),
    },
  }
}
