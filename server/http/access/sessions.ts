import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Role } from './tokens.ts'

export const SESSION_LIMIT = 100
export const IDLE_LIMIT_MS = 30 * 60_000
export const LIFETIME_MS = 12 * 3_600_000

export interface Session {
  readonly role: Role
  /** Monotonic ms at which it ends, used or not. */
  readonly endsAtMonoMs: number
}

interface Entry extends Session {
  lastUsedAtMonoMs: number
}

/**
 * Who is logged in: opaque 256-bit ids in memory, at most `SESSION_LIMIT` (the least recently used goes).
 * A session ends `IDLE_LIMIT_MS` after its last use, and `LIFETIME_MS` after login in any case.
 *
 * With a `resumeKey` the cookie also carries a signature, and a session of an earlier run of the server
 * is taken up again, so that a restart does not log everyone out. One that ended in this run is not.
 */
export class Sessions {
  // Least recently used first.
  readonly #entries = new Map<string, Entry>()
  /** Those that ended in this run while their signature is still good, with the moment at which it is not. */
  readonly #ended = new Map<string, number>()
  readonly #nowMonoMs: () => number
  readonly #nowEpochMs: () => number
  readonly #startedAtMs: number
  readonly #resumeKey: Buffer | null

  constructor(
    options: {
      readonly resumeKey?: Buffer | null
      readonly nowMonoMs?: () => number
      readonly nowEpochMs?: () => number
    } = {},
  ) {
    this.#resumeKey = options.resumeKey ?? null
    this.#nowMonoMs = options.nowMonoMs ?? (() => performance.now())
    this.#nowEpochMs = options.nowEpochMs ?? (() => Date.now())
    this.#startedAtMs = this.#nowEpochMs()
  }

  get size(): number {
    return this.#entries.size
  }

  /** Starts a session; the result is the value of the cookie. */
  start(role: Role): string {
    const id = randomBytes(32).toString('base64url')
    this.#add(id, { role, endsAtMonoMs: this.#nowMonoMs() + LIFETIME_MS })
    if (this.#resumeKey === null) return id
    const body = `${id}.${role}.${Math.trunc(this.#nowEpochMs())}`
    return `${body}.${sign(this.#resumeKey, body)}`
  }

  /** The session of a cookie, or `undefined`. Counts as use. */
  use(cookie: string): Session | undefined {
    const id = idOf(cookie)
    const entry = this.#entries.get(id) ?? this.#resume(cookie)
    if (entry === undefined) return undefined
    if (!this.#isAlive(entry)) {
      this.#drop(id, entry)
      return undefined
    }
    entry.lastUsedAtMonoMs = this.#nowMonoMs()
    this.#entries.delete(id)
    this.#entries.set(id, entry)
    return entry
  }

  /** Whether the session of a cookie still stands. Does not count as use: a page left open must end. */
  isAlive(cookie: string): boolean {
    const entry = this.#entries.get(idOf(cookie))
    return entry !== undefined && this.#isAlive(entry)
  }

  end(cookie: string): void {
    const id = idOf(cookie)
    const entry = this.#entries.get(id) ?? this.#resume(cookie)
    if (entry !== undefined) this.#drop(id, entry)
  }

  #isAlive(entry: Entry): boolean {
    const nowMs = this.#nowMonoMs()
    return nowMs < entry.endsAtMonoMs && nowMs - entry.lastUsedAtMonoMs < IDLE_LIMIT_MS
  }

  #add(id: string, session: Session): Entry {
    if (this.#entries.size >= SESSION_LIMIT) {
      const [oldest] = this.#entries
      this.#drop(...oldest!)
    }
    const entry = { ...session, lastUsedAtMonoMs: this.#nowMonoMs() }
    this.#entries.set(id, entry)
    return entry
  }

  /** Ends a session for good: it is not resumed either. */
  #drop(id: string, entry: Entry): void {
    this.#entries.delete(id)
    if (this.#resumeKey === null) return
    const nowMs = this.#nowMonoMs()
    for (const [ended, endsAtMonoMs] of this.#ended) {
      if (endsAtMonoMs <= nowMs) this.#ended.delete(ended)
    }
    this.#ended.set(id, entry.endsAtMonoMs)
  }

  #resume(cookie: string): Entry | undefined {
    const [id, role, issued, signature] = cookie.split('.')
    if (this.#resumeKey === null || signature === undefined || this.#ended.has(id!))
      return undefined
    if (role !== 'admin' && role !== 'viewer') return undefined
    if (!isEqual(signature, sign(this.#resumeKey, `${id}.${role}.${issued}`))) return undefined
    const issuedAtMs = Number(issued)
    const ageMs = this.#nowEpochMs() - issuedAtMs
    // Only an earlier run's: whatever this run has issued and no longer knows has ended.
    if (issuedAtMs >= this.#startedAtMs || ageMs >= LIFETIME_MS) return undefined
    return this.#add(id!, { role, endsAtMonoMs: this.#nowMonoMs() + LIFETIME_MS - ageMs })
  }
}

const idOf = (cookie: string): string => cookie.split('.', 1)[0]!

const sign = (key: Buffer, body: string): string =>
  createHmac('sha256', key).update(body).digest('base64url')

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
