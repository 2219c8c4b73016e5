import type { Clock, Timer } from './pool/clock.ts'
import { PoolError } from './pool/errors.ts'
import { type FileIdentity, identifyFile, isSameFile } from './sqlite/identity.ts'

/** How often it looks: no write is acknowledged for longer after the file has gone. */
export const LOOK_INTERVAL_MS = 500

interface FileGuardParts {
  readonly path: string
  readonly clock: Clock
  /** Called once. */
  onReplaced(reason: PoolError): void
}

/**
 * Sees that the database file stays the one that was opened. SQLite does not: it goes on writing to a file
 * that was deleted or replaced, answers that all is well, and everything written is lost.
 */
export class FileGuard {
  readonly #parts: FileGuardParts
  #identity: FileIdentity | null = null
  #timer: Timer | undefined
  #isStopped = false

  constructor(parts: FileGuardParts) {
    this.#parts = parts
  }

  /** Remembers the file of now. @throws {DB_REPLACED} there is none any more */
  async start(): Promise<FileIdentity> {
    const identity = await identifyFile(this.#parts.path)
    if (identity === null) throw replaced(this.#parts.path)
    this.#identity = identity
    this.#lookSoon()
    return identity
  }

  /** Before another connection is opened. @throws {DB_REPLACED} */
  async assertSame(): Promise<void> {
    if (this.#identity === null || (await this.#isSame())) return
    const reason = replaced(this.#parts.path)
    this.#report(reason)
    throw reason
  }

  stop(): void {
    this.#isStopped = true
    if (this.#timer !== undefined) this.#parts.clock.clearTimer(this.#timer)
  }

  #lookSoon(): void {
    if (this.#isStopped) return
    this.#timer = this.#parts.clock.setTimer(() => void this.#look(), LOOK_INTERVAL_MS)
  }

  async #look(): Promise<void> {
    if (await this.#isSame()) this.#lookSoon()
    else this.#report(replaced(this.#parts.path))
  }

  /** A file that cannot be looked at (no rights to its folder, a disk that fails) is not another one. */
  async #isSame(): Promise<boolean> {
    try {
      return isSameFile(this.#identity, await identifyFile(this.#parts.path))
    } catch {
      return true
    }
  }

  #report(reason: PoolError): void {
    if (this.#isStopped) return
    this.stop()
    this.#parts.onReplaced(reason)
  }
}

function replaced(path: string): PoolError {
  return new PoolError('DB_REPLACED', `the database file was deleted or replaced: ${path}`, {
    hint: 'put the file back, or restore it, and open a new pool; what was written since may be lost',
    outcome: 'unknown',
  })
}
