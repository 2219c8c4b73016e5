import { stat } from 'node:fs/promises'
import Database from 'better-sqlite3'
import type { WALIndex } from './anatomy/wal-index.ts'
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
  /** For an SQLite that has no NOOP. */
  readonly #readIndex: () => Pick<WALIndex, 'frames' | 'backfilledFrames'> | null
  #database: Database.Database | null = null
  #noop: Database.Statement | null = null
  #startedCount = 0
  #statCount = 0

  constructor(
    path: string,
    stats: WalStats,
    readIndex: () => Pick<WALIndex, 'frames' | 'backfilledFrames'> | null = () => null,
  ) {
    this.#path = path
    this.#readIndex = readIndex
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

  /** Whether the database has one of these tables. */
  hasTable(names: readonly string[]): boolean {
    const marks = names.map(() => '?').join()
    const sql = `SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name IN (${marks})`
    return this.#database?.prepare(sql).get(...names) !== undefined
  }

  close(): void {
    this.#noop = null
    this.#database?.close()
    this.#database = null
  }

  #countFrames(nowEpochMs: number): void {
    if (this.#database === null) return
    const position = this.#noop === null ? this.#readIndex() : this.#ask(this.#noop)
    if (position === null) {
      // A writer was just publishing its header: what we know is still the best there is.
      this.#stats.unknownProbes += 1
      return
    }
    this.#stats.frames = position.frames
    this.#stats.backfilledFrames = position.backfilledFrames
    this.#stats.probedAtMs = nowEpochMs
  }

  #ask(noop: Database.Statement): Pick<WALIndex, 'frames' | 'backfilledFrames'> | null {
    try {
      const [, frames, backfilledFrames] = noop.get() as [number, number, number]
      return frames < 0 ? null : { frames, backfilledFrames }
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
