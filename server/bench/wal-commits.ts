// Commits on a connection of their own, and who copies the log back meanwhile: SQLite inside of them, or our engine.
import Database from 'better-sqlite3'
import { systemClock } from '../index.ts'
import { WALManager } from '../wal/wal-manager.ts'
import { PoolStats } from '../../telemetry/stats.ts'
import { INSERT, UPDATE } from './wal-table.ts'

/** SQLite's own default, and of the engine none. */
const AUTOCHECKPOINT_FRAMES = { sqlite: 1000, pool: 0 } as const
/** A log that does not start over within this will not. */
const WARM_UP_MS = 20_000
const WARM_UP_COMMITS = 50

/**
 * A writer without the pool's thread: the message to it and back takes longer than the commit, and what that costs has
 * a bench of its own. The engine is the pool's, with a gate that holds this writer back as the pool's holds its own.
 */
export class Commits {
  readonly stats = new PoolStats({
    name: 'bench',
    namespace: 'bench',
    maxWaiters: 0,
    readers: { min: 0, max: 0 },
  })
  readonly wal: WALManager
  readonly #database: Database.Database
  readonly #run: (index: number) => void
  /** While it is there nobody commits. */
  #gate: Promise<unknown> | null = null
  #count = 0

  constructor(path: string, checkpointer: 'sqlite' | 'pool', rows: number) {
    const database = new Database(path)
    database.pragma(`wal_autocheckpoint = ${AUTOCHECKPOINT_FRAMES[checkpointer]}`)
    database.pragma('synchronous = NORMAL')
    this.#database = database
    const [insert, update] = [database.prepare(INSERT), database.prepare(UPDATE)]
    const commit = database.transaction((index: number) => {
      insert.run((index * 31) % 5000)
      update.run(1 + Math.floor(Math.random() * rows))
    })
    this.#run = (index) => commit.immediate(index)
    this.wal = new WALManager({
      path,
      stats: this.stats,
      observer: { isObserved: false, emit: () => undefined, captureTrace: () => null },
      clock: systemClock,
      pool: {
        snapshots: () => [],
        gate: (fn) => this.#behindGate(fn),
        holdReads: () => () => undefined,
        holdWrites: () => ({ refuse: () => undefined, end: () => undefined }),
        revoke: () => false,
      },
      holders: () => [],
      options: { checkpointer },
    })
  }

  /**
   * Commits as fast as it can until the log has started over once: from then on it is overwritten, which is how it is
   * in a service that has run for longer than a minute.
   */
  async warmUp(): Promise<void> {
    await this.wal.start()
    const endMs = performance.now() + WARM_UP_MS
    while (this.stats.wal.resets === 0 && performance.now() < endMs) {
      for (let i = 0; i < WARM_UP_COMMITS; i += 1) await this.commit()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async commit(): Promise<void> {
    while (this.#gate !== null) await this.#gate
    this.#run((this.#count += 1))
  }

  async close(): Promise<void> {
    await this.wal.finalCheckpoint()
    this.#database.close()
    await this.wal.close()
  }

  async #behindGate<T>(fn: () => Promise<T>): Promise<T> {
    const held = fn()
    const gate = held.catch(() => undefined)
    this.#gate = gate
    try {
      return await held
    } finally {
      this.#gate = null
    }
  }
}
