import assert from 'node:assert/strict'
import type { Role } from '../../telemetry/stats.ts'
import type { AcquireMode, CallOptions } from '../pool/acquire-request.ts'
import type { PoolError } from '../pool/errors.ts'
import type { Lease } from '../pool/lease.ts'
import { isComparable, rankMs, type HistoryCaller } from './history-caller.ts'
import type { PoolRig } from './pool-rig.ts'
import type { ScopeEnd, Step } from './random-history.ts'
import type { ScriptedConnection } from './scripted-connection.ts'

/** A statement that SQLite runs until the test answers it. */
interface Running {
  readonly connectionId: number
  readonly answer: PromiseWithResolvers<unknown>
}

const MINE = new Error('mine')

/** A random history on a pool, with everything that it has asked for and what came of it. */
export class HistoryRun {
  readonly rig: PoolRig
  readonly asked: HistoryCaller[] = []
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

  get out(): HistoryCaller[] {
    return this.asked.filter((one) => one.lease !== undefined && !one.lease.isReleased)
  }

  get waiting(): HistoryCaller[] {
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
    readonly one: HistoryCaller
    readonly options: CallOptions
  } {
    const { rig } = this
    const nowMs = rig.clock.nowMs()
    const one: HistoryCaller = {
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

  #granted(one: HistoryCaller): void {
    // Whoever came before has left the queue by now, by whatever way.
    for (const { label } of this.rig.pool.waiters()) {
      const other = this.asked[Number(label)]!
      if (other.role !== one.role || !isComparable(other, one)) continue
      assert.ok(other.number > one.number, `${one.number} was served before ${other.number}`)
    }
  }

  #refused(one: HistoryCaller, error: unknown): void {
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

  #release(one: HistoryCaller | undefined): void {
    one?.lease!.release().catch(() => undefined)
  }

  #releaseDirty(one: HistoryCaller | undefined): void {
    const connection = this.#connectionOf(one)
    if (connection === undefined) return this.#release(one)
    connection.inTransaction = true
    this.resets.push({ settle: held(connection, 'reset') })
    this.#release(one)
  }

  /** Begins a statement that takes until it is answered. */
  #run(one: HistoryCaller | undefined, signal?: AbortSignal): void {
    const connection = this.#connectionOf(one)
    if (connection === undefined) return
    const answer = held(connection, 'slow')
    this.running.push({ connectionId: connection.id, answer })
    const options = signal === undefined ? {} : { signal }
    one!.lease!.all('slow', [], options).catch(() => undefined)
  }

  /** A reader is a zombie from now on, the writer after the time that it has to say what happened. */
  #cancelAndRelease(one: HistoryCaller | undefined): void {
    const controller = new AbortController()
    this.#run(one, controller.signal)
    controller.abort()
    this.#release(one)
  }

  #connectionOf(one: HistoryCaller | undefined): ScriptedConnection | undefined {
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

function choose<T>(among: readonly T[], pick: number): T | undefined {
  return among[pick % among.length]
}
