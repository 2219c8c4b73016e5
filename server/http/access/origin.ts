import type { FastifyRequest } from 'fastify'
import { HttpError } from '../http-error.ts'
import { credentialOf } from './credential.ts'
import { isUpgrade } from './upgrade.ts'

/** Methods that change nothing, and so need no page to vouch for them. */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses what another site's page does in the name of its visitor.
 *
 * - An `Origin` must be exactly the one under which this server was reached, port included.
 * - A cookie counts for a change or a websocket only together with such an `Origin`; clients that are no
 *   browser use a bearer token and need none. Under our own `Referrer-Policy: no-referrer` Chromium leaves
 *   it out of a page's requests to its own server, and says `Sec-Fetch-Site: same-origin`, which no page can
 *   forge: for a change that will do.
 * - What the browser itself calls cross-site (`Sec-Fetch-Site`) is refused even without an `Origin`.
 *
 * Reading is free: without CORS headers no other site can see the answer.
 *
 * @throws {FORBIDDEN}
 */
export function checkOrigin(request: FastifyRequest): void {
  const upgrade = isUpgrade(request)
  if (!upgrade && safeMethods.has(request.method)) return
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    throw new HttpError('FORBIDDEN', 'This request comes from a page of another site.')
  }
  const { origin } = request.headers
  if (origin === undefined) {
    if (site === 'same-origin' && !upgrade) return
    if (credentialOf(request)?.kind !== 'cookie') return
    throw new HttpError(
      'FORBIDDEN',
      'A session cookie needs an Origin header here. Programs send Authorization: Bearer instead.',
    )
  }
  if (origin !== ownOrigin(request)) throw new HttpError('FORBIDDEN', foreignOrigin(request))
}

/** The origin under which the client has reached this server, as a browser would write it. */
function ownOrigin(request: FastifyRequest): string | null {
  const url = `${request.protocol}://${request.host}`
  return URL.canParse(url) ? new URL(url).origin : null
}

const foreignOrigin = (request: FastifyRequest): string =>
  `The Origin of this request is not ${ownOrigin(request) ?? 'this server'}. ` +
  'Behind a reverse proxy that ends TLS, set TRUST_PROXY.'
