import { basename } from 'node:path'
import { EventBus } from '../telemetry/event-bus.ts'
import type { EventSink, TraceRef } from '../telemetry/events.ts'
import type { PoolView } from '../telemetry/pool-view.ts'
import { PoolStats } from '../telemetry/stats.ts'
import { FileGuard } from './file-guard.ts'
import { claimFile } from './open-files.ts'
import { systemClock, type Clock } from './pool/clock.ts'
import type { Connection } from './pool/connection.ts'
import { PoolError } from './pool/errors.ts'
import {
  MEMORY,
  resolvePoolOptions,
  type PoolOptions,
  type ResolvedPoolOptions,
} from './pool/options.ts'
import { Pool } from './pool/pool.ts'
import { snapshotPool, type PoolSnapshot } from './pool-snapshot.ts'
import { openInlineConnection } from './sqlite/inline.ts'
import type { SqliteOptions } from './sqlite/options.ts'
import { openThreadConnection } from './sqlite/thread/client.ts'
import { assertLocalFilesystem, inspectFilesystem } from './wal/filesystem.ts'
import { readLitestream } from './wal/litestream/view.ts'
import { LitestreamWatch } from './wal/litestream/watch.ts'
import { WALManager } from './wal/wal-manager.ts'

const MIN_CACHE_BYTES = 4 * 1024 * 1024
/** SQLite's own default. */
const AUTOCHECKPOINT_FRAMES = 1000

/** What the pool is put together with beside its options; `createPool` has the defaults. */
export interface ConnectionPoolParts {
  readonly clock?: Clock
  /** The trace that is active in the caller's async context. */
  readonly captureTrace?: () => TraceRef | null
}

/**
 * A pool of SQLite connections on one file, with its write-ahead log: `Pool` decides who gets which
 * connection, `wal` keeps the log short, and `PoolStats` and the events tell both stories.
 *
 * One pool has a file in a process, and it refuses everything once that file was deleted or replaced.
 *
 * Made by `createPool`. Closing goes in this order: the leases, the readers, a last checkpoint on its own
 * thread, the writer, that thread. So no `-wal` file is left, and the caller's thread pays for none of it. Of a
 * database whose files were replaced the log is left to whoever opens it next.
 */
export class ConnectionPool extends Pool {
  readonly wal: WALManager
  /** For telemetry and dashboards. */
  readonly view: PoolView
  readonly #stats: PoolStats
  readonly #bus: EventBus
  readonly #guard: FileGuard
  /** A database in memory has no file, no log, and one connection. */
  readonly #isFile: boolean
  readonly #litestream: LitestreamWatch | null
  #hasLocalPlace = false
  #giveUpFile: (() => void) | undefined

  /** Opens nothing yet. @throws {POOL_INVALID_OPTION} */
  constructor(given: PoolOptions, parts: ConnectionPoolParts = {}) {
    const options = resolvePoolOptions(given)
    const clock = parts.clock ?? systemClock
    const stats = new PoolStats({
      name: options.name,
      namespace: basename(options.path),
      maxWaiters: options.maxWaiters,
      readers: { min: options.minReaders, max: options.size - 1 },
    })
    const bus = new EventBus(
      parts.captureTrace === undefined ? {} : { captureTrace: parts.captureTrace },
    )
    const open = opener(options)
    super({
      options,
      stats,
      observer: bus,
      clock,
      open: async (role) => {
        await this.#assertPlace(options)
        return open(role)
      },
      hooks: {
        writerOpened: () => this.#begin(),
        draining: () => this.wal.draining(),
        readersClosed: () => this.#finish(),
        closed: () => this.#end(),
      },
    })
    this.#stats = stats
    this.#bus = bus
    this.#guard = new FileGuard({
      path: options.path,
      clock,
      onReplaced: (reason) => {
        this.wal.abandon()
        this.fail(reason)
      },
    })
    const { path, litestreamMetricsUrl: url } = options
    this.#litestream = url === undefined ? null : new LitestreamWatch({ url, path, clock })
    this.#isFile = options.path !== MEMORY
    this.wal = this.#createWal(options, clock)
    this.view = this.#createView(options, clock)
  }

  /** Hears every event from now on; the result ends it. A listener that throws costs the pool nothing. */
  onEvent(sink: EventSink): () => void {
    return this.#bus.addSink(sink)
  }

  /** Of a database in memory, which has one connection for everything, the size stays 1. */
  override resize(size: number): void {
    if (!this.#isFile && size !== 1) throw inMemory('resized')
    super.resize(size)
  }

  /** Not of a database in memory, which would be lost with its connection. */
  override evictAll(): void {
    if (!this.#isFile) throw inMemory('evicted')
    super.evictAll()
  }

  /** The numbers of this moment. */
  stats(): PoolSnapshot {
    return snapshotPool(this.#stats, this.state)
  }

  /** The same as `stats()`. */
  getStats(): PoolSnapshot {
    return this.stats()
  }

  /** Before a connection is opened, and above all before the first one makes the file. */
  async #assertPlace({ path, filesystem }: ResolvedPoolOptions): Promise<void> {
    await this.#guard.assertSame()
    if (this.#hasLocalPlace || !this.#isFile || filesystem === 'any') return
    assertLocalFilesystem(await inspectFilesystem(path))
    this.#hasLocalPlace = true
  }

  /** The writer is open, so the file is there. */
  async #begin(): Promise<void> {
    if (this.#isFile) {
      const identity = await this.#guard.start()
      this.#giveUpFile = claimFile(identity, this.#stats.name)
    }
    await this.wal.start()
    this.#litestream?.start()
  }

  async #finish(): Promise<void> {
    // The guard looks twice a second, and one deleted index is enough to truncate what others have committed. What it
    // finds it reports, and no checkpoint is made then.
    await this.#guard.assertSame().catch(() => undefined)
    await this.wal.finalCheckpoint()
  }

  async #end(): Promise<void> {
    this.#guard.stop()
    this.#litestream?.close()
    await this.wal.close(await this.#guard.ending())
    this.#giveUpFile?.()
  }

  #createWal(options: ResolvedPoolOptions, clock: Clock): WALManager {
    return new WALManager({
      path: options.path,
      stats: this.#stats,
      observer: this.#bus,
      clock,
      pool: this.logSide,
      holders: (role) => this.holders(role),
      options: {
        checkpointer: options.checkpointer,
        checkpointIntervalMs: options.checkpointIntervalMs,
        limitBytes: options.maxWalBytes,
        starvationReclaimMs: options.starvationReclaimMs,
      },
      onStarvation: options.onStarvation,
    })
  }

  #createView(options: ResolvedPoolOptions, clock: Clock): PoolView {
    const stats = this.#stats
    const state = (): PoolView['state'] => this.state
    const { wal } = this
    return {
      stats,
      get state() {
        return state()
      },
      startedAtMs: clock.timeOriginMs + clock.nowMs(),
      acquireTimeoutMs: options.acquireTimeoutMs,
      checkpointFrames: options.checkpointer === 'pool' ? wal.checkpointFrames : 0,
      connections: () => this.connections(),
      waiters: () => this.waiters(),
      lastCheckpoint: () => wal.lastCheckpoint,
      checkpointer: options.checkpointer,
      walLimitBytes: wal.limitBytes,
      litestream: () => readLitestream(this.#litestream?.latest ?? null),
    }
  }
}

function inMemory(what: string): PoolError {
  return new PoolError('POOL_INVALID_OPTION', `a database in memory cannot be ${what}`, {
    hint: 'it is its one connection: use a file',
  })
}

function opener(options: ResolvedPoolOptions): (role: Connection['role']) => Promise<Connection> {
  const open = options.execution === 'thread' ? openThreadConnection : openInlineConnection
  const share = Math.floor(options.cacheSizeBytes / options.size)
  const sqlite: SqliteOptions = {
    path: options.path,
    durability: options.durability,
    busyTimeoutMs: options.busyTimeoutMs,
    statementCacheSize: options.statementCacheSize,
    cacheSizeBytes: Math.max(share, MIN_CACHE_BYTES),
    autocheckpointFrames: options.checkpointer === 'sqlite' ? AUTOCHECKPOINT_FRAMES : 0,
  }
  return (role) => open(role, sqlite)
}
