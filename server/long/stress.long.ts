import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import type { ConnectionPool } from '../connection-pool.ts'
import { createPool } from '../create-pool.ts'
import type { PoolOptions } from '../pool/options.ts'
import { Random } from '../random.ts'
import { tempDir } from '../testing/temp-db.ts'
import { until } from '../testing/until.ts'
import { client, type Stage } from './client.ts'
import { Ledger } from './ledger.ts'

/**
 * Real threads on real files, under clients who do everything at once and a hand that takes threads, connections and
 * time away from them. Not a part of the usual tests: `STRESS_SECONDS` (default 60) is how long, `STRESS_SEED` repeats
 * what was asked for, though not in which order threads answer.
 */
const SECONDS = Number(process.env['STRESS_SECONDS'] ?? 60)
const seed = Number(process.env['STRESS_SEED'] ?? Date.now() & 0x7fff_ffff)

const CLIENTS = 24
/** Files, each with one pool after the other. */
const FILES = 2

/** Threads of connections and checkpointers that run. */
const threads = new Map<Worker, string>()

const worker = (thread: Worker): void => {
  threads.set(thread, String(thread.threadName))
  thread.once('exit', () => threads.delete(thread))
}

interface Figures {
  readonly outcomes: Map<string, number>
  poolCount: number
  killCount: number
  sampleCount: number
  closeTimeoutCount: number
}

/** The numbers of a pool agree with each other, at any moment. */
function assertAccounts(pool: ConnectionPool, hasBarrier: boolean): void {
  const { readers, writer, state } = pool.stats()
  const rows = pool.connections()
  for (const [lane, role] of [
    [readers, 'reader'],
    [writer, 'writer'],
  ] as const) {
    const { idle, inUse, opening, resetting, zombie, max, waiting } = lane
    const size = idle + inUse + opening + resetting + zombie
    assert.equal(rows.filter((row) => row.role === role).length, size, `${role}s counted`)
    assert.ok(size <= max || idle === 0, `${role}: ${size} connections of ${max}`)
    const isHeldBack = state === 'suspended' || hasBarrier
    assert.ok(waiting === 0 || idle === 0 || isHeldBack, `${role}: ${waiting} wait, ${idle} idle`)
    assert.ok(lane.released <= lane.acquired)
  }
}

/** Takes things away until the stage is over. */
async function chaos(stage: Stage, figures: Figures): Promise<void> {
  const { pool, random } = stage
  let barrierCount = 0
  const barrier = (): void => {
    barrierCount += 1
    pool
      .barrier((db) => db.exec('VACUUM'), { timeoutMs: 200 })
      .catch(() => undefined)
      .finally(() => (barrierCount -= 1))
  }
  const kill = (): void => {
    const thread = random.pick([...threads.keys(), undefined])
    if (thread === undefined) return
    figures.killCount += 1
    void thread.terminate()
  }
  const suspend = async (): Promise<void> => {
    pool.suspend()
    await sleep(random.below(30))
    pool.resume()
  }
  const hands: (() => unknown)[] = [
    kill,
    () => pool.resize(random.between(1, 6)),
    () => pool.resize(random.between(1, 6)),
    () => pool.evictAll(),
    suspend,
    barrier,
  ]
  while (!stage.isOver) {
    assertAccounts(pool, barrierCount > 0)
    figures.sampleCount += 1
    if (random.below(30) === 0) await random.pick(hands)()
    await sleep(random.between(1, 20))
  }
}

/** Its first threads may be taken away like any others; then there is no pool, and nothing of it. */
async function opened(options: PoolOptions): Promise<ConnectionPool | null> {
  return await createPool(options).catch((error: unknown) => {
    const { code } = error as { code?: unknown }
    assert.ok(code === 'POOL_OPEN_FAILED' || code === 'DB_WORKER_LOST', String(error))
    return null
  })
}

/** One pool from its opening to its closing. */
async function play(path: string, ledger: Ledger, random: Random, figures: Figures): Promise<void> {
  const pool = await opened({
    path,
    size: random.between(1, 6),
    minReaders: 0,
    maxWaiters: random.pick([8, 100, 1000]),
    acquireTimeoutMs: random.pick([50, 1000]),
    idleTimeoutMs: 1000,
    leakThresholdMs: random.pick([0, 1000]),
    leakReclaimMs: random.pick([0, 2000]),
    maxLifetimeMs: random.pick([0, 1500]),
    shedTargetMs: random.pick([0, 20]),
    statementTimeoutMs: random.pick([0, 100]),
    transactionTimeoutMs: random.pick([0, 500]),
  })
  if (pool === null) return
  figures.poolCount += 1
  const { outcomes } = figures
  const open = new Map<number, string>()
  const stage: Stage = { pool, ledger, random, outcomes, open, isOver: false }
  const clients = Array.from({ length: CLIENTS }, () => client(stage))
  const hand = chaos(stage, figures)
  // Whoever finds something wrong ends the play at once.
  const played = Promise.all([...clients, hand])
  await Promise.race([sleep(random.between(1000, 4000)), played])
  stage.isOver = true
  await hand
  const options = {
    timeoutMs: random.pick([0, 20, 5000]),
    drainWaiters: random.below(2) === 0,
  }
  const isClosed = await pool.close(options).then(
    () => true,
    (error: unknown) => {
      assert.equal((error as { code?: unknown }).code, 'POOL_CLOSE_TIMEOUT')
      figures.closeTimeoutCount += 1
      return false
    },
  )
  // After it every promise of the pool is settled, or will be when the statement that hung ends.
  if (isClosed) await new Promise((resolve) => setImmediate(resolve))
  await played
  assert.equal(open.size, 0)
  const { waiting, total, acquired, released, inUse } = pool.stats()
  assert.deepEqual({ waiting, inUse, held: acquired - released }, { waiting: 0, inUse: 0, held: 0 })
  await until(() => pool.connections().length === 0)
  assert.ok(total >= 0)
}

void describe('a pool under everything at once', () => {
  void it(`keeps its promises for ${SECONDS} s (seed ${seed})`, async (t) => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('worker', worker)
    process.on('warning', onWarning)
    t.after(() => process.off('worker', worker).off('warning', onWarning))
    const resources = process.getActiveResourcesInfo().toSorted()
    const random = new Random(seed)
    const directory = tempDir(t)
    const figures: Figures = {
      outcomes: new Map(),
      poolCount: 0,
      killCount: 0,
      sampleCount: 0,
      closeTimeoutCount: 0,
    }
    const endMs = performance.now() + SECONDS * 1000
    const ledgers = await Promise.all(
      Array.from({ length: FILES }, async (_, number) => {
        const path = join(directory, `${number}.sqlite`)
        const ledger = new Ledger()
        ledger.create(path)
        const own = new Random(random.below(2 ** 31))
        while (performance.now() < endMs) {
          const { killCount } = figures
          await play(path, ledger, own, figures)
          // A thread that was taken away cannot put its file in order; the next pool does.
          if (killCount === figures.killCount) await until(() => !existsSync(`${path}-wal`))
          assert.deepEqual(ledger.disagreements(path), [])
        }
        return ledger
      }),
    )
    for (const number of ledgers.keys()) {
      const path = join(directory, `${number}.sqlite`)
      await (await createPool({ path })).close()
      assert.deepEqual([existsSync(`${path}-wal`), existsSync(`${path}-shm`)], [false, false])
    }
    await until(() => threads.size === 0)
    await until(() => {
      const now = process.getActiveResourcesInfo().toSorted()
      return now.filter((name) => name !== 'Timeout').join() === resources.join()
    })
    const isOurs = ({ name }: Error): boolean => name === 'InvariantError'
    assert.deepEqual(warnings.filter(isOurs), [])
    report(t, figures, ledgers)
  })
})

function report(
  t: { diagnostic(message: string): void },
  figures: Figures,
  ledgers: readonly Ledger[],
): void {
  const sum = (of: (ledger: Ledger) => number): number =>
    ledgers.reduce((total, ledger) => total + of(ledger), 0)
  const { poolCount, killCount, sampleCount, closeTimeoutCount, outcomes } = figures
  t.diagnostic(
    `seed ${seed}: ${poolCount} pools, ${killCount} threads killed, ${sampleCount} samples, ${closeTimeoutCount} slow closings`,
  )
  t.diagnostic(
    `writes: ${sum(({ present }) => present.size)} acknowledged and there, ${sum(({ absent }) => absent.size)} undone and not there, ${sum(({ unknownCount }) => unknownCount)} unknown`,
  )
  const sorted = [...outcomes].toSorted(([, a], [, b]) => b - a)
  t.diagnostic(`calls: ${sorted.map(([name, count]) => `${name} ${count}`).join(', ')}`)
}
