import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { HandClock, settled } from '../../testing/hand-clock.ts'
import { watch, type Watched } from '../../testing/watched.ts'
import { Random } from '../../random.ts'
import { onEveryPool, onEveryPoolAnew } from './testing/every-pool.ts'
import { openOnClock, quietly, type TestLease, type TestPool } from './testing/pools.ts'

const TIMEOUT_MS = 100
const ORDERS = [
  ['timeout', 'release', 'abort'],
  ['timeout', 'abort', 'release'],
  ['release', 'timeout', 'abort'],
  ['release', 'abort', 'timeout'],
  ['abort', 'timeout', 'release'],
  ['abort', 'release', 'timeout'],
] as const

/** Between ticks: every connection is counted once, and nobody waits beside one that is idle. */
function assertSettled(pool: TestPool, size: number): void {
  const counts = pool.counts()
  assert.ok(counts.size <= size, `${counts.size} connections and a maximum of ${size}`)
  const { idle, waiting } = counts
  assert.ok(waiting === 0 || idle === 0, `${waiting} wait while ${idle} idle`)
}

onEveryPoolAnew('a connection granted at the moment of a timeout is not lost', async (open) => {
  for (const order of ORDERS) {
    const pool = open({ size: 1, timeoutMs: TIMEOUT_MS })
    const holder = await pool.acquire()
    const expiring = watch(pool.acquire())
    await pool.time.advance(TIMEOUT_MS / 2)
    const controller = new AbortController()
    const leaving = watch(pool.acquire(controller.signal))
    const live = watch(pool.acquire())
    await pool.time.advance(TIMEOUT_MS / 2 - 1)
    for (const step of order) {
      if (step === 'timeout') pool.time.fire(1)
      else if (step === 'release') quietly(holder.release())
      else controller.abort()
      pool.assertStep()
    }
    await settled()
    assertSettled(pool, 1)
    const isServed = [expiring, leaving, live].filter(({ state }) => state === 'fulfilled')
    assert.equal(isServed.length, 1, `${order.join(', ')}: one of them has the connection`)
    for (const one of [expiring, leaving, live]) {
      if (one.state === 'pending') await settled()
      if (one.state === 'fulfilled') await one.value.release()
    }
    await pool.time.advance(TIMEOUT_MS)
    const { idle, used, waiting, size } = pool.counts()
    assert.deepEqual({ idle, used, waiting }, { idle: size, used: 0, waiting: 0 })
  }
})

interface Asked {
  readonly lease: Watched<TestLease>
  readonly controller: AbortController
  readonly deadlineMs: number
  isReleased: boolean
}

/** A pool whose callers do several things in each tick, in any order. */
class Race {
  readonly #pool: TestPool
  readonly #size: number
  readonly #random: Random
  readonly #asked: Asked[] = []
  #nowMs = 0

  constructor(pool: TestPool, size: number, random: Random) {
    this.#pool = pool
    this.#size = size
    this.#random = random
  }

  async run(): Promise<void> {
    for (let tick = 0; tick < 15; tick += 1) {
      for (let count = this.#random.between(0, 3); count > 0; count -= 1) this.#acquire()
      await this.#wait(this.#random.between(0, 40))
      for (let count = this.#random.between(1, 5); count > 0; count -= 1) {
        this.#step()
        this.#pool.assertStep()
      }
      await settled()
      this.#assertSettled()
    }
    await this.#quieten()
  }

  get #pending(): Asked[] {
    return this.#asked.filter(({ lease }) => lease.state === 'pending')
  }

  get #held(): Asked[] {
    return this.#asked.filter((one) => one.lease.state === 'fulfilled' && !one.isReleased)
  }

  #step(): void {
    const { below, pick } = {
      below: (limit: number) => this.#random.below(limit),
      pick: (from: Asked[]) => (from.length === 0 ? undefined : this.#random.pick(from)),
    }
    const kind = below(4)
    if (kind === 0) this.#acquire()
    else if (kind === 1) this.#fireNextDeadline()
    else if (kind === 2) pick(this.#pending)?.controller.abort()
    else this.#release(pick(this.#held))
  }

  #acquire(): void {
    const controller = new AbortController()
    const lease = watch(this.#pool.acquire(controller.signal))
    const deadlineMs = this.#nowMs + TIMEOUT_MS
    this.#asked.push({ lease, controller, deadlineMs, isReleased: false })
  }

  #release(one: Asked | undefined): void {
    if (one === undefined) return
    one.isReleased = true
    quietly(one.lease.value.release())
  }

  #fireNextDeadline(): void {
    const dueMs = Math.min(...this.#pending.map(({ deadlineMs }) => deadlineMs))
    if (!Number.isFinite(dueMs) || dueMs <= this.#nowMs) return
    this.#pool.time.fire(dueMs - this.#nowMs)
    this.#nowMs = dueMs
  }

  async #wait(ms: number): Promise<void> {
    await this.#pool.time.advance(ms)
    this.#nowMs += ms
  }

  #assertSettled(): void {
    assertSettled(this.#pool, this.#size)
    const connections = this.#held.map(({ lease }) => lease.value.connection)
    assert.equal(new Set(connections).size, connections.length, 'no connection is held twice')
    const late = this.#pending.filter(({ deadlineMs }) => deadlineMs < this.#nowMs)
    assert.equal(late.length, 0, 'nobody waits beyond its deadline')
  }

  async #quieten(): Promise<void> {
    for (; this.#pending.length + this.#held.length > 0; await this.#wait(TIMEOUT_MS / 2)) {
      for (const one of this.#held) this.#release(one)
    }
    const { idle, used, waiting, size } = this.#pool.counts()
    const end = `${idle} idle, ${used} used and ${waiting} waiting of ${size} in the end`
    assert.deepEqual([idle, used, waiting], [size, 0, 0], end)
  }
}

/** Anew each time; a failure prints it, and `BUGS_SEED` repeats it. */
const seed = Number(process.env['BUGS_SEED'] ?? Date.now() & 0x7fff_ffff)
const ROUNDS = 300

onEveryPoolAnew('releases, timeouts and aborts of one tick lose nothing', async (open, t) => {
  t.diagnostic(`seed ${seed}`)
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = new Random(seed + round)
    const size = random.between(1, 3)
    await new Race(open({ size, timeoutMs: TIMEOUT_MS }), size, random).run()
  }
})

const MANY = 10_000

onEveryPool(
  'a release after many waiters have expired serves the one that is alive',
  { size: 1, timeoutMs: TIMEOUT_MS },
  async (pool) => {
    const holder = await pool.acquire()
    const expiring = Array.from({ length: MANY }, () => watch(pool.acquire()))
    await pool.time.advance(1)
    const live = watch(pool.acquire())
    await pool.time.advance(TIMEOUT_MS - 1)
    assert.ok(expiring.every(({ state }) => state === 'rejected'))
    assert.equal(pool.counts().waiting, 1, 'only the living are counted')
    quietly(holder.release())
    await settled()
    assert.equal(live.state, 'fulfilled')
    assert.equal(pool.counts().waiting, 0)
  },
)

onEveryPool(
  'a release in the tick in which others expire serves the one that is alive',
  { size: 1, timeoutMs: TIMEOUT_MS },
  async (pool) => {
    const holder = await pool.acquire()
    const expiring = Array.from({ length: 10 }, () => watch(pool.acquire()))
    await pool.time.advance(1)
    const live = watch(pool.acquire())
    await pool.time.advance(TIMEOUT_MS - 2)
    pool.time.fire(1)
    quietly(holder.release())
    await settled()
    assert.ok(expiring.every(({ state }) => state === 'rejected'))
    assert.equal(live.state, 'fulfilled', 'the living waiter is served')
  },
)

describe('a waiter of glasspool that has expired', () => {
  it('leaves nothing behind in memory', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const clock = new HandClock()
    const advance = (ms: number): Promise<void> => clock.advanceInSteps(ms)
    const time = { advance, fire: (ms: number) => clock.advance(ms), jumpDate: () => undefined }
    const pool = openOnClock({ size: 1, timeoutMs: 1 }, clock, time)
    await pool.acquire()
    const expire = async (count: number): Promise<number> => {
      for (let left = count; left > 0; left -= 1000) {
        for (let i = 0; i < 1000; i += 1) quietly(pool.acquire())
        await advance(1)
      }
      collect()
      return process.memoryUsage().heapUsed
    }
    const before = await expire(20_000)
    const after = await expire(100_000)
    // The smallest thing that each of them could leave behind has 12 bytes.
    assert.ok(after - before < 1_000_000, `${after - before} bytes more`)
  })
})
