import type { FastifyRequest } from 'fastify'

/**
 * Whether a request asks for another protocol and Node has handed its socket over. `upgrade` of the raw
 * request says so exactly; a simulated request has only its header.
 */
export function isUpgrade(request: FastifyRequest): boolean {
  const { upgrade, headers } = request.raw as {
    readonly upgrade?: boolean
    readonly headers: FastifyRequest['headers']
  }
  return upgrade ?? headers.upgrade !== undefined
}
