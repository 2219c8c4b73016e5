import type { RouteOptions } from 'fastify'
import type { Role } from './tokens.ts'

/** Who may call a route: anyone, whoever is logged in, or an administrator. Every route says it. */
export type RouteAccess = 'open' | Role

export const ROUTE_ACCESS: readonly RouteAccess[] = ['open', 'viewer', 'admin']

/** What a request's credential is worth. */
export type Access = 'none' | Role

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required: the server does not start with a route that does not say it. */
    access: RouteAccess
    /** Answers while the server drains or is overloaded: probes have to know. */
    isProbe?: boolean
    /** An upgrade at this route leads to a websocket. Set by the access plugin. */
    isWebsocket?: boolean
  }

  interface FastifyRequest {
    /** What the credential of this request was worth when it came in. */
    access: Access
    /** Whether it is still worth that: the session stands, the link was not used up. Not counted as use. */
    isAccessAlive(): boolean
  }
}

/** @throws when a route does not say who may call it. */
export function assertAccessDeclared(routes: readonly RouteOptions[]): void {
  const silent = routes.filter(
    ({ config }) => !ROUTE_ACCESS.some((known) => known === config?.access),
  )
  if (silent.length === 0) return
  const names = silent.map(({ method, url }) => `${String(method)} ${url}`)
  throw new Error(
    `each route declares config.access (${ROUTE_ACCESS.join(', ')}); these do not: ${names.join(', ')}`,
  )
}
