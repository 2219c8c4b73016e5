import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

export interface HeaderOptions {
  /** We end TLS ourselves: then browsers may be told to come back with it only. */
  readonly isTls: boolean
}

/**
 * What a page of this server may do: load its own scripts, styles and pictures, and talk to this server
 * (`'self'` covers the websocket). No inline script, no frame around it, no form that leaves.
 */
const pagePolicy = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self'",
  'font-src': "'self'",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/** The policy of our pages as a header, with some directives changed. */
export const contentSecurityPolicy = (changes: Partial<typeof pagePolicy> = {}): string =>
  Object.entries({ ...pagePolicy, ...changes })
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; ')

const everywhere = {
  'cache-control': 'no-store',
  'content-security-policy': contentSecurityPolicy(),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

const overTls = { 'strict-transport-security': 'max-age=31536000' }

/**
 * Security headers on every answer, errors included; a route that may be cached says so itself.
 *
 * A constant, because it is one: a library that works them out for each request doubles what a small
 * answer costs.
 */
async function headers(app: FastifyInstance, { isTls }: HeaderOptions): Promise<void> {
  const constant = isTls ? { ...everywhere, ...overTls } : everywhere
  app.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(constant)
    done()
  })
}

export const headersPlugin = fp(headers, { name: 'headers' })
