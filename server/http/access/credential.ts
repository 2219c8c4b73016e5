import type { FastifyRequest } from 'fastify'
import { sessionCookieName } from './session-cookie.ts'

/** What a request proves itself with. */
export interface Credential {
  readonly kind: 'bearer' | 'cookie'
  readonly value: string
}

/**
 * The bearer token of a request, or else its session cookie. An `Authorization` of another scheme is
 * somebody else's (a proxy's password, say) and is passed over.
 */
export function credentialOf(request: FastifyRequest): Credential | null {
  const bearer = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
  if (bearer !== undefined) return { kind: 'bearer', value: bearer }
  const cookie = request.cookies[sessionCookieName(request)]
  return cookie === undefined || cookie === '' ? null : { kind: 'cookie', value: cookie }
}
