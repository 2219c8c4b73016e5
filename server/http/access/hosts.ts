import type { FastifyRequest } from 'fastify'
import { HttpError } from '../http-error.ts'

/**
 * The names under which this server may be reached. Everything else is refused before any other check:
 * a page of an attacker that rebinds its own name to our address must not get an answer.
 */
export class Hosts {
  readonly #names: readonly string[]
  readonly #isLoopback: boolean
  readonly #isTls: boolean

  /** `names` are lower case; one without a port stands for every port. */
  constructor(options: {
    readonly names: readonly string[]
    readonly isLoopback: boolean
    readonly isTls: boolean
  }) {
    this.#names = options.names
    this.#isLoopback = options.isLoopback
    this.#isTls = options.isTls
  }

  /** Whether a request that came in on `port` may name this host. */
  allows(host: string | undefined, port: number | undefined): boolean {
    if (host === undefined) return false
    const name = host.toLowerCase()
    if (this.#isLoopback && this.#isOwn(name, port)) return true
    return this.#names.some((allowed) => name === allowed || withoutPort(name) === allowed)
  }

  #isOwn(name: string, port: number | undefined): boolean {
    // A simulated request came in on no port, and nobody's browser has sent it.
    if (port === undefined) return ownNames.includes(withoutPort(name))
    const isDefaultPort = port === (this.#isTls ? 443 : 80)
    return ownNames.some((own) => name === `${own}:${port}` || (isDefaultPort && name === own))
  }
}

const ownNames = ['localhost', '127.0.0.1', '[::1]']

const withoutPort = (host: string): string => host.replace(/:\d+$/, '')

/**
 * Refuses a request that names another host, or two: what stands behind us could believe the other one.
 * @throws {HOST_NOT_ALLOWED}
 */
export function checkHost(request: FastifyRequest, hosts: Hosts): void {
  // With a trusted proxy `host` is what the browser has asked for, and the port is the proxy's.
  if (hosts.allows(request.host, request.socket.localPort) && hasOneHost(request)) return
  throw new HttpError(
    'HOST_NOT_ALLOWED',
    'This server does not answer to this name. Names beside localhost go into ALLOWED_HOSTS.',
  )
}

function hasOneHost(request: FastifyRequest): boolean {
  const { rawHeaders } = request.raw
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count < 2
}
