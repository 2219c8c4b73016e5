import { statSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { HolderRef, PoolEventBody, StarvationEvent } from '../../../telemetry/events.ts'
import { PoolStats } from '../../../telemetry/stats.ts'
import type { Role } from '../../../telemetry/stats.ts'
import { systemClock } from '../../pool/clock.ts'
import type { Clock } from '../../pool/clock.ts'
import type { PoolError } from '../../pool/errors.ts'
import type { OpenSnapshot } from '../../pool/log-side.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import type { WALOptions } from '../options.ts'
import { CheckpointThread } from '../thread/client.ts'
import { WALManager } from '../wal-manager.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

export interface RigOptions {
  readonly wal?: WALOptions
  readonly clock?: Clock
  /** Replaces the whole gate. */
  readonly gate?: WALRig['gate']
  readonly journalMode?: string
  readonly onStarvation?: (event: StarvationEvent) => void
}

/** Nothing is checkpointed but by hand. */
export const manual = { checkpointer: 'sqlite' } as const
/** Probes often, and nothing becomes due by itself. */
export const watching = {
  probeIntervalMs: 20,
  checkpointFrames: 1_000_000,
  checkpointAgeMs: 0,
} as const

/** A real database with a writer of its own, a real manager on it, and a gate that can be looked at. */
export class WALRig {
  readonly path: string
  readonly writer: Database.Database
  readonly stats: PoolStats
  readonly events: PoolEventBody[] = []
  readonly manager: WALManager
  /** What the pool would say about its leases. */
  readonly leases: { reader: HolderRef[]; writer: HolderRef[] } = { reader: [], writer: [] }
  /** What is held back now, and leases that were taken away. */
  readonly holds: ('reads' | 'writes')[] = []
  readonly revoked: number[] = []
  refusal: (() => PoolError) | null = null
  thread!: CheckpointThread
  gateCount = 0
  #lane: Promise<unknown> = Promise.resolve()
  #listeners = new Set<(event: PoolEventBody) => void>()
  readonly #opened: Database.Database[] = []

  constructor(t: Cleanup, options: RigOptions = {}) {
    this.path = tempDatabase(t)
    this.writer = new Database(this.path, { timeout: 0 })
    this.#opened.push(this.writer)
    this.writer.pragma(`journal_mode = ${options.journalMode ?? 'wal'}`)
    this.writer.pragma('synchronous = NORMAL')
    this.writer.pragma('wal_autocheckpoint = 0')
    this.writer.exec('CREATE TABLE entries (id INTEGER PRIMARY KEY, body BLOB)')
    this.stats = new PoolStats({
      name: 'rig',
      namespace: 'database.sqlite',
      maxWaiters: 8,
      readers: { min: 0, max: 4 },
    })
    this.manager = new WALManager({
      path: this.path,
      stats: this.stats,
      observer: { emit: (event) => this.#hear(event), isObserved: true, captureTrace: () => null },
      clock: options.clock ?? systemClock,
      pool: {
        snapshots: () => this.snapshots(),
        gate: options.gate ?? this.gate,
        holdReads: () => {
          this.holds.push('reads')
          return () => void this.holds.splice(this.holds.indexOf('reads'), 1)
        },
        holdWrites: (reason) => {
          this.holds.push('writes')
          return {
            refuse: () => (this.refusal = reason),
            end: () => {
              this.refusal = null
              this.holds.splice(this.holds.indexOf('writes'), 1)
            },
          }
        },
        revoke: (leaseId) => {
          this.revoked.push(leaseId)
          return true
        },
      },
      onStarvation: options.onStarvation,
      holders: (role: Role) => this.leases[role],
      options: options.wal ?? {},
      createThread: (path, clock) => (this.thread = new CheckpointThread(path, clock)),
    })
    t.after(async () => {
      this.closeConnections()
      await this.manager.close()
    })
  }

  /** One lane, as the pool's writer lease is: `write` and the gate exclude each other. */
  readonly gate = async <T>(fn: () => Promise<T>): Promise<T> => {
    this.gateCount += 1
    return this.#inLane(fn)
  }

  /** The readers' leases, as snapshots that began as long ago as they say. */
  snapshots(): OpenSnapshot[] {
    const nowMs = systemClock.timeOriginMs + systemClock.nowMs()
    return this.leases.reader.map((lease) => ({
      role: 'reader',
      holder: { ...lease, stack: null },
      sinceMs: nowMs - lease.heldMs,
      isIterator: false,
    }))
  }

  /** Commits once, when the lane is free. */
  async write(): Promise<void> {
    await this.#inLane(async () => this.commit(1))
  }

  /** Commits at once, one row of about a page each. */
  commit(count: number): void {
    const insert = this.writer.prepare('INSERT INTO entries (body) VALUES (randomblob(3000))')
    for (let i = 0; i < count; i += 1) insert.run()
  }

  /** A reader whose snapshot is what is committed now, and the lease that the pool would show for it. */
  pin(lease: Partial<HolderRef> = {}): { release(): void; readonly holder: HolderRef } {
    const reader = new Database(this.path, { readonly: true })
    this.#opened.push(reader)
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM entries').get()
    const holder: HolderRef = {
      connectionId: 2,
      leaseId: 7,
      heldMs: 60_000,
      label: 'a long report',
      sql: 'SELECT count(*) FROM entries',
      trace: null,
      ...lease,
    }
    this.leases.reader.push(holder)
    return {
      holder,
      release: () => {
        reader.exec('ROLLBACK')
        this.leases.reader = this.leases.reader.filter((other) => other !== holder)
      },
    }
  }

  /** The next event, or one already heard, that satisfies `matches`. */
  async event<T extends PoolEventBody['type']>(
    type: T,
    matches: (event: Extract<PoolEventBody, { type: T }>) => boolean = () => true,
  ): Promise<Extract<PoolEventBody, { type: T }>> {
    type Wanted = Extract<PoolEventBody, { type: T }>
    const isWanted = (event: PoolEventBody): event is Wanted =>
      event.type === type && matches(event as Wanted)
    const heard = this.events.find(isWanted)
    if (heard !== undefined) return heard
    return new Promise((resolve) => {
      const listener = (event: PoolEventBody): void => {
        if (!isWanted(event)) return
        this.#listeners.delete(listener)
        resolve(event)
      }
      this.#listeners.add(listener)
    })
  }

  eventsOf<T extends PoolEventBody['type']>(type: T): Extract<PoolEventBody, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<
      PoolEventBody,
      { type: T }
    >[]
  }

  sizeOf(suffix: '' | '-wal' | '-shm'): number | null {
    return statSync(this.path + suffix, { throwIfNoEntry: false })?.size ?? null
  }

  /** Everything but the manager's own connections. */
  closeConnections(): void {
    for (const database of this.#opened.splice(0)) database.close()
  }

  async #inLane<T>(fn: () => Promise<T>): Promise<T> {
    const run = this.#lane.then(fn)
    this.#lane = run.catch(() => undefined)
    return run
  }

  #hear(event: PoolEventBody): void {
    this.events.push(event)
    for (const listener of this.#listeners) listener(event)
  }
}

/** Real time, but `factor` times as fast. */
export function fastClock(factor: number): Clock {
  return {
    timeOriginMs: systemClock.timeOriginMs,
    nowMs: () => systemClock.nowMs() * factor,
    setTimer: (callback, delayMs) => systemClock.setTimer(callback, delayMs / factor),
    clearTimer: (timer) => systemClock.clearTimer(timer),
    atEndOfTurn: (callback) => systemClock.atEndOfTurn(callback),
  }
}

/** Waits until the manager has looked `count` times. */
export async function probes(rig: WALRig, count: number): Promise<void> {
  const seen = new Set<number | null>()
  while (seen.size <= count) {
    seen.add(rig.stats.wal.probedAtMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
}
