import { stat } from 'node:fs/promises'
import Database from 'better-sqlite3'
import type { WalStats } from '../../telemetry/stats.ts'
import { hasNoop } from './guard.ts'

/**
 * Looks at the log without touching it: `wal_checkpoint(NOOP)` on a readonly connection of its own,
 * which takes no lock and copies nothing (about 4 µs), and `stat` of the two files.
 *
 * The connection is never leased and never inside a transaction, so that it can neither pin the log
 * nor be refused. The files are never opened: closing a descriptor of the database or its `-shm` would
 * drop every lock that SQLite holds in this process.
 */
export class WALProbe {
  readonly #path: string
  readonly #stats: WalStats
  #database: Database.Database | null = null
  #noop: Database.Statement | null = null
  #startedCount = 0
  #statCount = 0

  constructor(path: string, stats: WalStats) {
    this.#path = path
    this.#stats = stats
  }

  /**
   * Opens the connection. The database must exist and be in order: someone with a longer busy timeout
   * has opened it before, so that a recovery never blocks this thread.
   */
  open(): void {
    const database = new Database(this.#path, { readonly: true, fileMustExist: true, timeout: 0 })
    this.#database = database
    this.#stats.pageSizeBytes = Number(database.pragma('main.page_size', { simple: true }))
    this.#stats.journalMode = String(database.pragma('main.journal_mode', { simple: true }))
    const version = String(database.prepare('SELECT sqlite_version()').pluck().get())
    // To an older SQLite the word NOOP means PASSIVE: there we only stat.
    if (hasNoop(version)) this.#noop = database.prepare('PRAGMA main.wal_checkpoint(NOOP)').raw()
  }

  /** Brings `WalStats` up to date: the frames at once, the file sizes when this resolves. */
  async sample(nowEpochMs: number): Promise<void> {
    this.#countFrames(nowEpochMs)
    const order = (this.#startedCount += 1)
    const [databaseSizeBytes, sizeBytes] = await Promise.all([
      sizeOf(this.#path),
      sizeOf(`${this.#path}-wal`),
    ])
    if (order < this.#statCount) return
    this.#statCount = order
    this.#stats.databaseSizeBytes = databaseSizeBytes
    this.#stats.sizeBytes = sizeBytes
  }

  close(): void {
    this.#noop = null
    this.#database?.close()
    this.#database = null
  }

  #countFrames(nowEpochMs: number): void {
    if (this.#noop === null) return
    const row = this.#ask(this.#noop)
    if (row === null || row[1] < 0) {
      // A writer was just publishing its header: what we know is still the best there is.
      this.#stats.unknownProbes += 1
      return
    }
    this.#stats.frames = row[1]
    this.#stats.backfilledFrames = row[2]
    this.#stats.probedAtMs = nowEpochMs
  }

  #ask(
    noop: Database.Statement,
  ): readonly [busy: number, log: number, checkpointed: number] | null {
    try {
      return noop.get() as [number, number, number]
    } catch {
      return null
    }
  }
}

/** Length in bytes, 0 when there is no such file, `null` when it cannot be told. */
async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 0 : null
  }
}
