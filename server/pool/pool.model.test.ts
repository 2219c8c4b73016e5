import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { PoolRig } from '../testing/pool-rig.ts'
import type { Role } from '../../telemetry/stats.ts'
import type { LaneStats } from '../../telemetry/stats.ts'
import type { ScriptedConnection } from '../testing/scripted-connection.ts'
import type { AcquireMode, CallOptions } from './acquire-request.ts'
import type { PoolError } from './errors.ts'
import type { Lease } from './lease.ts'
import { PRIORITY_STEP_MS } from './waiter-queue.ts'

/**
 * Random histories against the invariants, checked after every step, not only when promises have settled.
 * Numbers pick among what is there at that moment, so that every history is possible.
 */
type Step =
  | {
      readonly do: 'acquire' | 'transaction' | 'barrier'
      readonly mode: AcquireMode
      readonly timeoutMs: number
      readonly priority: number
      readonly end: ScopeEnd
    }
  | { readonly do: 'tryAcquire'; readonly mode: AcquireMode }
  | { readonly do: 'release' | 'releaseDirty' | 'destroy' | 'releaseTwice'; readonly pick: number }
  | { readonly do: 'releaseAndAbort' | 'abortAndRelease'; readonly pick: number }
  | { readonly do: 'run' | 'cancelAndRelease' | 'answer' | 'endScope'; readonly pick: number }
  | {
      readonly do: 'abort' | 'lose' | 'open' | 'failToOpen' | 'reset' | 'failToReset'
      readonly pick: number
    }
  | { readonly do: 'resize'; readonly size: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'settle' | 'evictAll' | 'suspend' | 'resume' }
  | { readonly do: 'close'; readonly timeoutMs: number; readonly drainWaiters: boolean }

/** What the function of a scope does once it goes on. */
type ScopeEnd = 'commit' | 'throw' | 'nested commit' | 'nested throw' | 'nested throw, caught'

interface Asked {
  readonly number: number
  /** Whose line it waits in; a lane without connections has none. */
  role: Role
  readonly priority: number
  readonly cameMs: number
  readonly controller: AbortController
  readonly deadlineMs: number
  /** Taken from one line to another because the readers were taken away. */
  isMoved: boolean
  settledCount: number
  outcome: string
  /** Of a scope `undefined`: it releases by itself. */
  lease: Lease | undefined
}

/** A statement that SQLite runs until the test answers it. */
interface Running {
  readonly connectionId: number
  readonly answer: PromiseWithResolvers<unknown>
}

const MINE = new Error('mine')

const pick = fc.nat({ max: 1000 })
const picking = <K extends string>(...names: K[]): fc.Arbitrary<{ do: K; pick: number }> =>
  fc.record({ do: fc.constantFrom(...names), pick })

const timeoutMs = fc.constantFrom(0, 1, 10, 100, 100, 1000, Number.POSITIVE_INFINITY)
const priority = fc.constantFrom(0, 0, 0, 0, 0, -10, -1, 1, 10)
const end = fc.constantFrom<ScopeEnd>(
  'commit',
  'throw',
  'nested commit',
  'nested throw',
  'nested throw, caught',
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constant('acquire' as const),
      mode: fc.constantFrom<AcquireMode>('read', 'read', 'read', 'write'),
      timeoutMs,
      priority,
      end,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('transaction' as const, 'transaction' as const, 'barrier' as const),
      mode: fc.constant<AcquireMode>('write'),
      timeoutMs,
      priority,
      end,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('tryAcquire' as const),
      mode: fc.constantFrom<AcquireMode>('read', 'write'),
    }),
  },
  { weight: 12, arbitrary: picking('release', 'releaseDirty', 'destroy', 'releaseTwice') },
  { weight: 6, arbitrary: picking('releaseAndAbort', 'abortAndRelease', 'abort') },
  { weight: 8, arbitrary: picking('open', 'open', 'failToOpen', 'reset', 'reset', 'failToReset') },
  { weight: 6, arbitrary: picking('run', 'cancelAndRelease', 'answer', 'answer') },
  { weight: 4, arbitrary: picking('endScope') },
  { weight: 2, arbitrary: picking('lose') },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('resize' as const),
      size: fc.constantFrom(1, 1, 2, 3, 5),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('evictAll' as const, 'suspend' as const, 'resume' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.constantFrom(0, 1, 10, 50, 99, 1000),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
)

/** Two seconds in which everyone waits: chance alone does not make a line slow. */
const slowLine: Step[] = [
  ...Array.from({ length: 5 }, (): Step => ({
    do: 'acquire',
    mode: 'write',
    timeoutMs: Number.POSITIVE_INFINITY,
    priority: 0,
    end: 'commit',
  })),
  ...[0, 1, 2].flatMap((): Step[] => [
    { do: 'advance', ms: 1000 },
    { do: 'release', pick: 0 },
    { do: 'settle' },
  ]),
]

/** Mostly never closed, at times in the middle. */
const history = fc.record({
  options: fc.record({
    readers: fc.constantFrom(
      { min: 0, max: 0 },
      { min: 0, max: 1 },
      { min: 1, max: 2 },
      { min: 2, max: 3 },
    ),
    maxWaiters: fc.constantFrom(0, 3, 1000),
    leakReclaimMs: fc.constantFrom(0, 0, 1500),
    maxLifetimeMs: fc.constantFrom(0, 0, 2000),
    shedTargetMs: fc.constantFrom(0, 0, 5),
  }),
  beginning: fc.constantFrom<Step[]>([], [], [], [], [], [], [], [], [], slowLine),
  before: fc.array(step, { minLength: 10, maxLength: 60 }),
  close: fc.option(
    fc.record({
      do: fc.constant('close' as const),
      timeoutMs: fc.constantFrom(0, 50, 1000),
      drainWaiters: fc.boolean(),
    }),
    { nil: undefined },
  ),
  after: fc.array(step, { maxLength: 15 }),
})

class Run {
  readonly rig: PoolRig
  readonly asked: Asked[] = []
  readonly resets: { readonly settle: PromiseWithResolvers<unknown> }[] = []
  readonly running: Running[] = []
  /** Functions of scopes that wait to go on. */
  readonly gates: PromiseWithResolvers<void>[] = []
  barrierCount = 0
  /** The labels of those who asked for one. */
  readonly barriers = new Set<string | null>()
  closing: Promise<void> | undefined
  stepCount = 0

  constructor(rig: PoolRig) {
    this.rig = rig
    rig.database.opening = 'by hand'
  }

  get out(): Asked[] {
    return this.asked.filter((one) => one.lease !== undefined && !one.lease.isReleased)
  }

  get waiting(): Asked[] {
    return this.asked.filter((one) => one.settledCount === 0)
  }

  async take(step: Step): Promise<void> {
    this.stepCount += 1
    this.#act(step)
    // In the middle of the tick, before any promise has settled …
    this.check()
    if (step.do === 'advance') await this.rig.clock.advanceInSteps(step.ms)
    if (step.do === 'settle') await this.rig.settle()
    // … and after those that this step has settled.
    this.check()
  }

  check(): void {
    const { rig } = this
    rig.isHeldBack = rig.pool.state === 'suspended' || this.barrierCount > 0
    rig.assertInvariants()
    const { reader, writer } = rig.stats
    for (const { role, acquired, released } of [reader, writer]) {
      // Whoever raised a barrier is among those who hold the readers, and has none.
      const leases = rig.pool
        .holders(role)
        .filter(({ label }) => role === 'writer' || !this.barriers.has(label))
      assert.equal(leases.length, acquired - released, 'leases out')
    }
    const { length } = rig.pool.connections()
    assert.equal(length, reader.size + writer.size, 'connections counted')
    assert.ok(reader.waiting + writer.waiting <= rig.stats.maxWaiters + 10, 'the queue is bounded')
    for (const one of this.asked) {
      assert.ok(one.settledCount <= 1, `acquire ${one.number} settled twice`)
    }
    for (const role of ['reader', 'writer'] as const) this.#checkOrder(role)
    const connectionIds = this.out.map((one) => one.lease!.connectionId)
    assert.equal(new Set(connectionIds).size, connectionIds.length, 'no connection is held twice')
  }

  #checkOrder(role: Role): void {
    const rows = this.rig.pool.waiters().filter((row) => row.role === role)
    const waiting = rows.map(({ label }) => this.asked[Number(label)]!)
    for (const [i, one] of waiting.entries()) {
      const before = waiting[i - 1]
      if (before === undefined) continue
      assert.ok(rankMs(before) <= rankMs(one), `${before.number} is in front of ${one.number}`)
    }
    for (const [i, one] of waiting.entries()) {
      for (const later of waiting.slice(i + 1)) {
        if (!isComparable(one, later)) continue
        assert.ok(one.number < later.number, `${role}s wait in the order of coming`)
      }
    }
  }

  #act(step: Step): void {
    switch (step.do) {
      case 'acquire':
        return this.#acquire(step)
      case 'transaction':
      case 'barrier':
        return this.#scope(step)
      case 'tryAcquire':
        return this.#tryAcquire(step.mode)
      case 'release':
        return this.#release(choose(this.out, step.pick))
      case 'releaseDirty':
        return this.#releaseDirty(choose(this.out, step.pick))
      case 'destroy':
        return void choose(this.out, step.pick)?.lease!.destroy()
      case 'releaseTwice': {
        const one = choose(this.out, step.pick)
        this.#release(one)
        return void one?.lease!.release().catch(() => undefined)
      }
      case 'releaseAndAbort':
        this.#release(choose(this.out, step.pick))
        return choose(this.waiting, step.pick)?.controller.abort()
      case 'abortAndRelease':
        choose(this.waiting, step.pick)?.controller.abort()
        return this.#release(choose(this.out, step.pick))
      case 'run':
        return this.#run(choose(this.out, step.pick))
      case 'cancelAndRelease':
        return this.#cancelAndRelease(choose(this.out, step.pick))
      case 'answer':
        return this.running.shift()?.answer.resolve(undefined)
      case 'endScope':
        return this.gates.shift()?.resolve()
      case 'abort':
        return choose(this.asked, step.pick)?.controller.abort()
      case 'lose':
        return this.#lose(step.pick)
      case 'open':
        return void choose(this.rig.database.pending, step.pick)?.succeed()
      case 'failToOpen':
        return choose(this.rig.database.pending, step.pick)?.fail(new Error('cannot open'))
      case 'reset':
        return this.resets.shift()?.settle.resolve(undefined)
      case 'failToReset':
        return this.resets.shift()?.settle.reject(new Error('cannot reset'))
      case 'resize':
        return this.#resize(step.size)
      case 'evictAll':
      case 'suspend':
      case 'resume':
        return this.rig.pool[step.do]()
      case 'close':
        this.closing = this.rig.pool.close(step)
        return void this.closing.catch(() => undefined)
      case 'advance':
      case 'settle':
        return
    }
  }

  #ask(given: {
    readonly mode: AcquireMode
    readonly timeoutMs: number
    readonly priority: number
  }): {
    readonly one: Asked
    readonly options: CallOptions
  } {
    const { rig } = this
    const nowMs = rig.clock.nowMs()
    const one: Asked = {
      number: this.asked.length,
      role: given.mode === 'read' && rig.stats.reader.max > 0 ? 'reader' : 'writer',
      priority: given.priority,
      cameMs: nowMs,
      controller: new AbortController(),
      deadlineMs: nowMs + given.timeoutMs,
      isMoved: false,
      settledCount: 0,
      outcome: 'pending',
      lease: undefined,
    }
    this.asked.push(one)
    const { signal } = one.controller
    return { one, options: { ...given, label: String(one.number), signal } }
  }

  #acquire({
    mode,
    timeoutMs,
    priority,
  }: Extract<Step, { do: 'acquire' | 'barrier' | 'transaction' }>): void {
    const { one, options } = this.#ask({ mode, timeoutMs, priority })
    const lane = this.rig.stats[one.role]
    const { waiting, idle } = lane
    const acquired = this.rig.pool.acquire(options)
    if (waiting > 0) assert.equal(lane.idle, idle, 'nobody barges in')
    acquired.then(
      (lease) => {
        this.#granted(one)
        one.settledCount += 1
        one.outcome = 'granted'
        one.lease = lease
      },
      (error: unknown) => this.#refused(one, error),
    )
  }

  #tryAcquire(mode: AcquireMode): void {
    const { rig } = this
    const role = mode === 'read' && rig.stats.reader.max > 0 ? 'reader' : 'writer'
    const { waiting } = rig.stats[role]
    const lease = rig.pool.tryAcquire({ mode })
    if (lease === null) return
    assert.equal(waiting, 0, 'nobody barges in')
    const { one } = this.#ask({ mode, timeoutMs: 0, priority: 0 })
    Object.assign(one, { settledCount: 1, outcome: 'granted at once', lease })
  }

  #scope({
    do: kind,
    mode,
    timeoutMs,
    priority,
    end,
  }: Extract<Step, { do: 'acquire' | 'barrier' | 'transaction' }>): void {
    const { one, options } = this.#ask({ mode, timeoutMs, priority })
    const run = async (db: Lease): Promise<void> => {
      this.#granted(one)
      await db.run('INSERT')
      const gate = Promise.withResolvers<void>()
      this.gates.push(gate)
      await gate.promise
      await endScope(db, end)
    }
    if (kind === 'barrier') {
      this.barrierCount += 1
      this.barriers.add(String(one.number))
    }
    const { pool } = this.rig
    const scope = kind === 'barrier' ? pool.barrier(run, options) : pool.transaction(run, options)
    scope
      .finally(() => {
        if (kind === 'barrier') this.barrierCount -= 1
      })
      .then(
        () => {
          one.settledCount += 1
          one.outcome = kind === 'barrier' ? 'barrier passed' : 'committed'
        },
        (error: unknown) => this.#refused(one, error),
      )
  }

  #granted(one: Asked): void {
    // Whoever came before has left the queue by now, by whatever way.
    for (const { label } of this.rig.pool.waiters()) {
      const other = this.asked[Number(label)]!
      if (other.role !== one.role || !isComparable(other, one)) continue
      assert.ok(other.number > one.number, `${one.number} was served before ${other.number}`)
    }
  }

  #refused(one: Asked, error: unknown): void {
    one.settledCount += 1
    const { code } = error as PoolError
    one.outcome =
      error === MINE
        ? 'thrown'
        : one.controller.signal.reason === error
          ? 'aborted'
          : (code ?? 'lost')
    if (one.outcome === 'POOL_ACQUIRE_TIMEOUT') {
      assert.ok(this.rig.clock.nowMs() >= one.deadlineMs, 'nobody times out early')
    }
  }

  #release(one: Asked | undefined): void {
    one?.lease!.release().catch(() => undefined)
  }

  #releaseDirty(one: Asked | undefined): void {
    const connection = this.#connectionOf(one)
    if (connection === undefined) return this.#release(one)
    connection.inTransaction = true
    this.resets.push({ settle: held(connection, 'reset') })
    this.#release(one)
  }

  /** Begins a statement that takes until it is answered. */
  #run(one: Asked | undefined, signal?: AbortSignal): void {
    const connection = this.#connectionOf(one)
    if (connection === undefined) return
    const answer = held(connection, 'slow')
    this.running.push({ connectionId: connection.id, answer })
    const options = signal === undefined ? {} : { signal }
    one!.lease!.all('slow', [], options).catch(() => undefined)
  }

  /** A reader is a zombie from now on, the writer after the time that it has to say what happened. */
  #cancelAndRelease(one: Asked | undefined): void {
    const controller = new AbortController()
    this.#run(one, controller.signal)
    controller.abort()
    this.#release(one)
  }

  #connectionOf(one: Asked | undefined): ScriptedConnection | undefined {
    const id = one?.lease?.connectionId
    return this.rig.database.alive.find((connection) => connection.id === id)
  }

  #resize(size: number): void {
    this.rig.pool.resize(size)
    if (size > 1) return
    for (const one of this.waiting) {
      one.role = 'writer'
      one.isMoved = true
    }
  }

  #lose(pick: number): void {
    const connection = choose(this.rig.database.alive, pick)
    if (connection === undefined) return
    connection.lose()
    // A thread that has ended answers nothing any more.
    for (const { connectionId, answer } of this.running) {
      if (connectionId === connection.id) answer.reject(new Error('the thread ended'))
    }
  }
}

/** A call that waits for the test; it may never be made, and then nobody hears of its failure. */
function held(connection: ScriptedConnection, call: string): PromiseWithResolvers<unknown> {
  const answer = connection.hold(call)
  answer.promise.catch(() => undefined)
  return answer
}

async function endScope(db: Lease, end: ScopeEnd): Promise<void> {
  const inner = (): Promise<void> =>
    db.transaction(async () => {
      await db.run('UPDATE')
      if (end !== 'nested commit') throw MINE
    })
  if (end === 'throw') throw MINE
  if (end === 'nested commit' || end === 'nested throw') await inner()
  if (end === 'nested throw, caught') await inner().catch(() => undefined)
}

/** The place in the line: when it came, moved by its priority. */
function rankMs({ cameMs, priority }: Asked): number {
  return cameMs - priority * PRIORITY_STEP_MS
}

/** First come, first served, is said of those of one priority, and not across two lines that became one. */
function isComparable(one: Asked, other: Asked): boolean {
  return one.priority === other.priority && !one.isMoved && !other.isMoved
}

function choose<T>(among: readonly T[], pick: number): T | undefined {
  return among[pick % among.length]
}

/** Lets everything end: what opens opens, what runs is answered, what is reset is clean, what is held is released. */
async function quieten(run: Run): Promise<void> {
  const { rig } = run
  rig.pool.resume()
  for (let round = 0; round < 200; round += 1) {
    rig.database.opening = 'at once'
    while (rig.database.pending.length > 0) rig.database.pending[0]!.succeed()
    for (const { settle } of run.resets.splice(0)) settle.resolve(undefined)
    for (const { answer } of run.running.splice(0)) answer.resolve(undefined)
    for (const gate of run.gates.splice(0)) gate.resolve()
    await rig.settle()
    for (const one of run.out) {
      await Promise.race([one.lease!.release().catch(() => undefined), rig.settle()])
    }
    await rig.clock.advanceInSteps(100)
    run.check()
    const isQuiet = run.waiting.length === 0 && run.out.length === 0 && run.gates.length === 0
    if (isQuiet && run.resets.length === 0 && run.running.length === 0) return
  }
  assert.fail(`not quiet: ${JSON.stringify(rig.pool.connections())}`)
}

function assertAllIsWell(run: Run): void {
  const { rig } = run
  for (const one of run.asked) {
    assert.equal(one.settledCount, 1, `acquire ${one.number} was settled`)
  }
  const { reader, writer } = rig.stats
  const failed = [reader, writer].flatMap((lane) => Object.values(lane.failed))
  const failedCount = failed.reduce((sum, count) => sum + count, 0)
  assert.equal(reader.acquired + writer.acquired + failedCount, run.asked.length)
  for (const lane of [reader, writer]) {
    assert.equal(lane.acquired, lane.released)
    const { inUse, waiting, opening, resetting, zombie } = lane
    assert.deepEqual([inUse, waiting, opening, resetting, zombie], [0, 0, 0, 0, 0])
    assert.equal(lane.idle, lane.size)
    assert.ok(lane.size <= lane.max, 'nothing is above a lower maximum any more')
  }
  assert.equal(rig.clock.vitalTimerCount, 0)
}

async function assertClosesWhole(run: Run): Promise<void> {
  const { rig } = run
  run.closing ??= rig.pool.close({ timeoutMs: 0 })
  await rig.clock.advanceInSteps(5000)
  // What hung for longer than closing may take is closed all the same when it goes on.
  await run.closing.catch((error: PoolError) => assert.equal(error.code, 'POOL_CLOSE_TIMEOUT'))
  assert.deepEqual(rig.database.alive, [])
  assert.equal(rig.clock.timerCount, 0)
  for (const lane of [rig.stats.reader, rig.stats.writer]) {
    const closed = Object.values(lane.closed).reduce((sum, count) => sum + count, 0)
    assert.deepEqual([lane.size, closed], [0, lane.opened])
  }
}

const NUM_RUNS = Number(process.env['MODEL_RUNS'] ?? 1500)
/** Anew each time; a failure prints it, and `MODEL_SEED` repeats it. */
const seed = Number(process.env['MODEL_SEED'] ?? Date.now() & 0x7fffffff)

/** Every way in which a call can end; a model that does not come to all of them proves nothing. */
const OUTCOMES = [
  'POOL_ACQUIRE_TIMEOUT',
  'POOL_CLOSED',
  'POOL_OPEN_FAILED',
  'POOL_OVERLOADED',
  'POOL_QUEUE_FULL',
  'aborted',
  'barrier passed',
  'committed',
  'granted',
  'granted at once',
  'thrown',
]

/** What a history must have come by, in one or another. */
const PLACES = ['zombie', 'revoked', 'evicted', 'lifetime', 'suspended', 'moved', 'dirty', 'lost']

function placesOf({ rig, asked }: Run): string[] {
  const lanes = [rig.stats.reader, rig.stats.writer]
  const has = (isThere: (lane: LaneStats) => boolean): boolean => lanes.some(isThere)
  return [
    ...(has(({ zombie }) => zombie > 0) ? ['zombie'] : []),
    ...(has(({ revoked }) => revoked > 0) ? ['revoked'] : []),
    ...(has(({ closed }) => closed.evicted > 0) ? ['evicted'] : []),
    ...(has(({ closed }) => closed.lifetime > 0) ? ['lifetime'] : []),
    ...(has(({ closed }) => closed.lost > 0) ? ['lost'] : []),
    ...(has(({ dirtyReleased }) => dirtyReleased > 0) ? ['dirty'] : []),
    ...(rig.pool.state === 'suspended' ? ['suspended'] : []),
    ...(asked.some(({ isMoved, outcome }) => isMoved && outcome === 'granted') ? ['moved'] : []),
  ]
}

describe('a pool under random histories', () => {
  it(`keeps its invariants after every step (seed ${seed})`, async (t) => {
    let stepCount = 0
    const outcomes = new Set<string>()
    const places = new Set<string>()
    const note = (run: Run): void => {
      for (const place of placesOf(run)) places.add(place)
    }
    await fc.assert(
      fc.asyncProperty(history, async ({ options, beginning, before, close, after }) => {
        const rig = await PoolRig.open(options)
        const run = new Run(rig)
        for (const one of [...beginning, ...before]) {
          await run.take(one)
          note(run)
        }
        if (close !== undefined) {
          await run.take(close)
          for (const one of after) await run.take(one)
        }
        await quieten(run)
        note(run)
        assertAllIsWell(run)
        await assertClosesWhole(run)
        stepCount += run.stepCount
        for (const one of run.asked) outcomes.add(one.outcome)
      }),
      { numRuns: NUM_RUNS, seed },
    )
    t.diagnostic(`seed ${seed}: ${stepCount} operations in ${NUM_RUNS} histories`)
    t.diagnostic(`outcomes: ${[...outcomes].sort().join(', ')}`)
    assert.ok(stepCount >= 10_000)
    assert.deepEqual([...outcomes].filter((one) => OUTCOMES.includes(one)).sort(), OUTCOMES)
    assert.deepEqual([...places].sort(), PLACES.toSorted())
  })
})
