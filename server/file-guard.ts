import { stat } from 'node:fs/promises'
import type { Clock, Timer } from './pool/clock.ts'
import { PoolError } from './pool/errors.ts'
import { type FileIdentity, identifyFile, isSameFile } from './sqlite/identity.ts'
import { endingOf, type FileFate, type WALEnding } from './wal/ending.ts'

/** How often it looks: no write is acknowledged for longer after the file has gone. */
export const LOOK_INTERVAL_MS = 500

interface FileGuardParts {
  readonly path: string
  readonly clock: Clock
  /** Called once. */
  onReplaced(reason: PoolError): void
}

/**
 * What belongs to a database. The log and its index may come later than the file. Once there they stay the same
 * until the last connection closes: a TRUNCATE empties the log, and nobody else can delete what we have open.
 */
const SUFFIXES = ['', '-wal', '-shm'] as const

type Suffix = (typeof SUFFIXES)[number]

/**
 * Sees that the database, its log and the index of the log stay the files that were opened. SQLite does not: it
 * goes on with a file that was deleted or replaced, and answers that all is well. And says what closing may then do
 * to the log.
 *
 * - Without the database everything written is lost.
 * - Without the log other processes fail to read, and a crash loses what was not copied back.
 * - Without the index another process makes itself a new one. Neither sees the locks of the other, both write into
 *   the same log, and what one committed the other overwrites: measured.
 */
export class FileGuard {
  readonly #parts: FileGuardParts
  /** As first seen. */
  readonly #seen = new Map<Suffix, FileIdentity>()
  /** Somebody can have opened others meanwhile, so that they are not trusted again when they come back. */
  readonly #strayed = new Set<Suffix>()
  #timer: Timer | undefined
  #isStopped = false

  constructor(parts: FileGuardParts) {
    this.#parts = parts
  }

  /** Remembers the files of now. @throws {DB_REPLACED} there is no database any more */
  async start(): Promise<FileIdentity> {
    const identity = await identifyFile(this.#parts.path)
    if (identity === null) throw replaced(this.#parts.path)
    this.#seen.set('', identity)
    await this.#replacedPath()
    this.#lookSoon()
    return identity
  }

  /** Before another connection is opened. @throws {DB_REPLACED} */
  async assertSame(): Promise<void> {
    const path = this.#seen.size === 0 ? null : await this.#replacedPath()
    if (path === null) return
    const reason = replaced(path)
    this.#report(reason)
    throw reason
  }

  /** How the last connections must leave the log, by the files of now. */
  async ending(): Promise<WALEnding> {
    if (this.#seen.size === 0) return 'complete'
    const [database, log, index] = await Promise.all(SUFFIXES.map((suffix) => this.#fate(suffix)))
    return endingOf({ database: database!, log: log!, index: index! })
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
    const path = await this.#replacedPath()
    if (path === null) this.#lookSoon()
    else this.#report(replaced(path))
  }

  /** The first that is not what it was. */
  async #replacedPath(): Promise<string | null> {
    for (const suffix of SUFFIXES) {
      if ((await this.#fate(suffix)) !== 'same') return this.#parts.path + suffix
    }
    return null
  }

  /** Remembers a file that is new. */
  async #fate(suffix: Suffix): Promise<FileFate> {
    const path = this.#parts.path + suffix
    const seen = this.#seen.get(suffix)
    const now = await look(path)
    if (now === undefined) return 'same'
    if (seen === undefined) {
      if (now !== null) this.#seen.set(suffix, now)
      return 'same'
    }
    if (isSameFile(seen, now) && !this.#strayed.has(suffix)) return 'same'
    this.#strayed.add(suffix)
    if (now === null) return 'missing'
    return (await isEmpty(path)) ? 'empty' : 'other'
  }

  #report(reason: PoolError): void {
    if (this.#isStopped) return
    this.stop()
    this.#parts.onReplaced(reason)
  }
}

/** A file that cannot be looked at (no rights to its folder, a disk that fails) is not another one: `undefined`. */
async function look(path: string): Promise<FileIdentity | null | undefined> {
  try {
    return await identifyFile(path)
  } catch {
    return undefined
  }
}

async function isEmpty(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size === 0
  } catch {
    return false
  }
}

function replaced(path: string): PoolError {
  return new PoolError('DB_REPLACED', `a file of the database was deleted or replaced: ${path}`, {
    hint: 'put the file back, or restore it, and open a new pool; what was written since may be lost',
    outcome: 'unknown',
  })
}
