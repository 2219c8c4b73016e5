import genericPool from 'generic-pool'
import { Pool as TarnPool } from 'tarn'
import { EventBus } from '../../../../telemetry/event-bus.ts'
import { PoolStats } from '../../../../telemetry/stats.ts'
import { PoolRig } from '../../../testing/pool-rig.ts'
import { ScriptedDatabase, type ScriptedConnection } from '../../../testing/scripted-connection.ts'
import { systemClock, type Clock } from '../../clock.ts'
import type { Lease } from '../../lease.ts'
import { resolvePoolOptions } from '../../options.ts'
import { Pool } from '../../pool.ts'
import type { TestTime } from './test-time.ts'

/** Ours, and two pools that many use: the same test on each shows that it can fail. */
export const POOL_NAMES = ['glasspool', 'tarn', 'generic-pool'] as const
export type PoolName = (typeof POOL_NAMES)[number]

/** What is wrong with a connection that is given back; the pool has to find out. */
export type Defect = 'broken' | 'hung' | 'raises'

/** A connection in somebody's hands, as each pool knows it. */
export interface TestLease {
  readonly connection: ScriptedConnection
  /** Asks the connection something, through the pool's guard if it has one. */
  use(): Promise<unknown>
  release(): Promise<unknown>
  /** Gives it back in a state in which nobody may have it, or of which nobody learns it. */
  releaseAs(defect: Defect): Promise<unknown>
}

export interface Counts {
  readonly idle: number
  readonly used: number
  readonly waiting: number
  /** Everything that takes a place. */
  readonly size: number
}

/** A pool on scripted connections, whose time passes when the test says so. */
export interface TestPool {
  readonly name: PoolName
  readonly database: ScriptedDatabase
  readonly acquire: (signal?: AbortSignal) => Promise<TestLease>
  /** The pool's own scope around a function; absent from a pool that has none. */
  readonly withLease?: (fn: (lease: TestLease) => unknown) => Promise<unknown>
  /** Closes it, within `CLOSE_LIMIT_MS` where it knows a limit. */
  readonly close: () => Promise<unknown>
  readonly counts: () => Counts
  readonly time: TestTime
  /** Checks what must hold in the middle of a tick too; a peer only promises it between ticks. */
  readonly assertStep: () => void
}

export interface TestPoolOptions {
  readonly size: number
  /** How long an acquire may wait. *Default*: 1,000 ms. */
  readonly timeoutMs?: number
  /** *Default*: an hour, so that nothing idles out unasked. */
  readonly idleTimeoutMs?: number
  /** A connection is looked at before each grant, where that is an option. *Default*: `false`, as theirs. */
  readonly isChecked?: boolean
}

export const CLOSE_LIMIT_MS = 500
const HOUR_MS = 3_600_000

/** For a promise whose rejection is nobody's business: of a release that is refused, for instance. */
export function quietly(promise: Promise<unknown>): void {
  promise.catch(() => undefined)
}

/** Ours on the clock of its rig; see `openOnTime` for the others. */
export function openOnRig(options: TestPoolOptions): TestPool {
  const rig = new PoolRig({
    readers: { min: 0, max: options.size },
    maxWaiters: 100_000,
    acquireTimeoutMs: options.timeoutMs ?? 1000,
    idleTimeoutMs: options.idleTimeoutMs ?? HOUR_MS,
  })
  const assertStep = (): void => rig.assertInvariants()
  const { clock, pool, database, stats } = rig
  const time: TestTime = {
    fire: (ms) => clock.advance(ms),
    advance: async (ms) => {
      await clock.advanceInSteps(ms)
      await rig.settle()
    },
    jumpDate: () => undefined,
  }
  return glasspool({ pool, database, stats, time, assertStep })
}

/** Any of them, on the timers of the process. */
export function openOnTime(name: PoolName, options: TestPoolOptions, time: TestTime): TestPool {
  if (name === 'tarn') return openTarn(options, time)
  if (name === 'generic-pool') return openGenericPool(options, time)
  return openOnClock(options, systemClock, time)
}

/** Ours, without anybody who looks on. */
export function openOnClock(options: TestPoolOptions, clock: Clock, time: TestTime): TestPool {
  const database = new ScriptedDatabase()
  const stats = new PoolStats({
    name: 'test',
    namespace: 'test.sqlite',
    maxWaiters: 100_000,
    readers: { min: 0, max: options.size },
  })
  const pool = new Pool({
    options: resolvePoolOptions({
      path: 'test.sqlite',
      size: options.size + 1,
      minReaders: 0,
      acquireTimeoutMs: options.timeoutMs ?? 1000,
      idleTimeoutMs: options.idleTimeoutMs ?? HOUR_MS,
      leakThresholdMs: 0,
    }),
    stats,
    observer: new EventBus(),
    clock,
    open: database.open,
  })
  return glasspool({ pool, database, stats, time, assertStep: () => undefined })
}

function glasspool(
  parts: Pick<TestPool, 'database' | 'time' | 'assertStep'> & {
    readonly pool: Pool
    readonly stats: PoolStats
  },
): TestPool {
  const { pool, database, stats, time, assertStep } = parts
  // Its writer opens in the same microtasks in which a test acquires its first reader.
  quietly(pool.open())
  const wrap = (lease: Lease): TestLease => {
    const connection = database.connections.find(({ id }) => id === lease.connectionId)!
    return {
      connection,
      use: () => lease.get('SELECT 1'),
      release: () => lease.release(),
      releaseAs: (defect) => {
        const hung = new Promise(() => undefined)
        connection.inTransaction = true
        connection.next('reset', defect === 'hung' ? hung : new Error('the reset failed'))
        return lease.release()
      },
    }
  }
  return {
    name: 'glasspool',
    database,
    acquire: async (signal) => wrap(await pool.acquire(signal === undefined ? {} : { signal })),
    withLease: (fn) => pool.withConnection((lease) => fn(wrap(lease))),
    close: () => pool.close({ timeoutMs: CLOSE_LIMIT_MS }),
    counts: () => {
      const { idle, inUse, waiting, size } = stats.reader
      return { idle, used: inUse, waiting, size }
    },
    time,
    assertStep,
  }
}

/** The lease of a pool that hands out the resource itself, which everyone who ever had it may give back. */
function bareLease(
  connection: ScriptedConnection,
  defects: Map<ScriptedConnection, Defect>,
  release: () => Promise<unknown>,
): TestLease {
  return {
    connection,
    use: () => connection.get('SELECT 1', []),
    release,
    releaseAs: (defect) => {
      defects.set(connection, defect)
      return release()
    },
  }
}

/** Both ask it before they hand a connection out. */
function validator(
  defects: ReadonlyMap<ScriptedConnection, Defect>,
): (connection: ScriptedConnection) => Promise<boolean> {
  return (connection) => {
    const defect = defects.get(connection)
    if (defect === 'hung') return new Promise(() => undefined)
    if (defect === 'raises') return Promise.reject(new Error('the check failed'))
    return Promise.resolve(defect === undefined)
  }
}

function openTarn(options: TestPoolOptions, time: TestTime): TestPool {
  const database = new ScriptedDatabase()
  const defects = new Map<ScriptedConnection, Defect>()
  const pool = new TarnPool<ScriptedConnection>({
    create: () => database.open('reader') as Promise<unknown> as Promise<ScriptedConnection>,
    destroy: (connection) => connection.close(),
    // Its types know no promise; its documentation does.
    validate: validator(defects) as unknown as () => boolean,
    min: 0,
    max: options.size,
    acquireTimeoutMillis: options.timeoutMs ?? 1000,
    idleTimeoutMillis: options.idleTimeoutMs ?? HOUR_MS,
  })
  return {
    time,
    assertStep: () => undefined,
    name: 'tarn',
    database,
    acquire: async (signal) => {
      const pending = pool.acquire()
      signal?.addEventListener('abort', () => pending.abort(), { once: true })
      const connection = await pending.promise
      return bareLease(connection, defects, () => Promise.resolve(pool.release(connection)))
    },
    close: () => pool.destroy(),
    counts: () => ({
      idle: pool.numFree(),
      used: pool.numUsed(),
      waiting: pool.numPendingAcquires(),
      size: pool.numFree() + pool.numUsed() + pool.numPendingCreates(),
    }),
  }
}

function openGenericPool(options: TestPoolOptions, time: TestTime): TestPool {
  const database = new ScriptedDatabase()
  const defects = new Map<ScriptedConnection, Defect>()
  const pool = genericPool.createPool<ScriptedConnection>(
    {
      create: () => database.open('reader') as Promise<unknown> as Promise<ScriptedConnection>,
      destroy: (connection) => connection.close(),
      validate: validator(defects),
    },
    {
      max: options.size,
      testOnBorrow: options.isChecked ?? false,
      acquireTimeoutMillis: options.timeoutMs ?? 1000,
      idleTimeoutMillis: options.idleTimeoutMs ?? HOUR_MS,
      evictionRunIntervalMillis: 1000,
    },
  )
  const wrap = (connection: ScriptedConnection): TestLease =>
    bareLease(connection, defects, () => pool.release(connection))
  return {
    time,
    assertStep: () => undefined,
    name: 'generic-pool',
    database,
    // It knows no way to end a wait.
    acquire: async () => wrap(await pool.acquire()),
    withLease: (fn) => pool.use((connection) => fn(wrap(connection))),
    close: () => pool.drain().then(() => pool.clear()),
    counts: () => ({
      idle: pool.available,
      used: pool.borrowed,
      waiting: pool.pending,
      size: pool.size,
    }),
  }
}
