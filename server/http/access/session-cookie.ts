import type { FastifyReply, FastifyRequest } from 'fastify'
import { LIFETIME_MS } from './sessions.ts'

/** Over TLS the prefix makes browsers refuse the cookie from anyone but this very host. */
export const sessionCookieName = (request: FastifyRequest): string =>
  isTls(request) ? '__Host-sid' : 'sid'

export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  session: string,
): void {
  reply.setCookie(sessionCookieName(request), session, {
    ...attributesFor(request),
    maxAge: LIFETIME_MS / 1000,
  })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.clearCookie(sessionCookieName(request), attributesFor(request))
}

const attributesFor = (request: FastifyRequest) =>
  ({ path: '/', httpOnly: true, sameSite: 'strict', secure: isTls(request) }) as const

const isTls = (request: FastifyRequest): boolean => request.protocol === 'https'
