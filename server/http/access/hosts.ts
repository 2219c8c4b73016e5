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
    const isDefaultPort = port === (this.#isTls ? 443 : 80)
    return ['localhost', '127.0.0.1', '[::1]'].some(
      (own) => name === `${own}:${String(port)}` || (isDefaultPort && name === own),
    )
  }
}

const withoutPort = (host: string): string => host.replace(/:\d+$/, '')
