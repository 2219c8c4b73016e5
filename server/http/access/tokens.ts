import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

export type Role = 'viewer' | 'admin'

/** What a presented token is worth now. A `used` one was the printed link's, and is worth nothing more. */
export type TokenVerdict = Role | 'used' | 'unknown'

interface Entry {
  readonly hash: Buffer
  readonly role: Role
  readonly isOneTime: boolean
  isUsed: boolean
}

/**
 * The secrets that open this server, kept as SHA-256 hashes.
 *
 * Tokens given by the operator stay valid. Without an admin token one is made, in memory only, for the
 * printed link: it is exchanged once for a session, and after that is refused as a bearer token too, so
 * that a link found later in a terminal or a history opens nothing.
 */
export class Tokens {
  readonly #entries: readonly Entry[]
  /** The made token, for the link that is printed at start; `null` when the operator gave one. */
  readonly linkToken: string | null

  constructor(given: { readonly adminToken: string | null; readonly viewerToken: string | null }) {
    this.linkToken = given.adminToken === null ? randomBytes(32).toString('base64url') : null
    const entries = [toEntry('admin', given.adminToken ?? this.linkToken!, this.linkToken !== null)]
    if (given.viewerToken !== null) entries.push(toEntry('viewer', given.viewerToken, false))
    this.#entries = entries
  }

  /** Judges a bearer token; changes nothing. */
  check(token: string): TokenVerdict {
    const entry = this.#find(token)
    return entry === undefined ? 'unknown' : entry.isUsed ? 'used' : entry.role
  }

  /** Judges a token that asks for a session, and uses it up if it may be exchanged only once. */
  exchange(token: string): TokenVerdict {
    const verdict = this.check(token)
    const entry = this.#find(token)
    if (entry?.isOneTime === true) entry.isUsed = true
    return verdict
  }

  /** Compares with every entry, and each in constant time, so that the time taken tells nothing. */
  #find(token: string): Entry | undefined {
    const hash = sha256(token)
    let found: Entry | undefined
    for (const entry of this.#entries) if (timingSafeEqual(entry.hash, hash)) found = entry
    return found
  }
}

const toEntry = (role: Role, token: string, isOneTime: boolean): Entry => ({
  hash: sha256(token),
  role,
  isOneTime,
  isUsed: false,
})

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()
