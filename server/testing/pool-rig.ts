import assert from 'node:assert/strict'
import type { LogSide } from '../pool/log-side.ts'
import { Pool, type PoolHooks } from '../pool/pool.ts'
import type { PoolEventBody, TraceRef } from '../../telemetry/events.ts'
import { PoolStats, type LaneStats } from '../../telemetry/stats.ts'
import { HandClock, settled } from './hand-clock.ts'
import { ScriptedDatabase, type ScriptedConnection } from './scripted-connection.ts'

export interface RigOptions {
  /** *Default*: none kept open, two at most. A maximum of 0 is a pool of size 1. */
  readonly readers?: { readonly min: number; readonly max: number }
  readonly maxWaiters?: number
  readonly acquireTimeoutMs?: number
  readonly idleTimeoutMs?: number
  readonly leakThresholdMs?: number
  readonly leakReclaimMs?: number
  readonly maxLifetimeMs?: number
  readonly shedTargetMs?: number
  readonly statementTimeoutMs?: number
  readonly transactionTimeoutMs?: number
  readonly idleInTransactionTimeoutMs?: number
  readonly maxRows?: number
  readonly maxBytes?: number
  readonly hooks?: PoolHooks
}

/** A pool whose side for the write-ahead log can be looked at. */
class RigPool extends Pool {
  get side(): LogSide {
    return this.logSide
  }
}

/** A pool on scripted connections and a clock turned by hand, with everything that it told. */
export class PoolRig {
  readonly clock = new HandClock()
  readonly database = new ScriptedDatabase()
  readonly stats: PoolStats
  readonly events: PoolEventBody[] = []
  readonly pool: RigPool
  /** Callers may wait while connections idle: the pool is suspended, or behind a barrier. */
  isHeldBack = false
  /** The trace that callers are in. */
  trace: TraceRef | null = null
  /** Hears every event while it is told: what a listener could do in the middle of a step. */
  onEvent: ((event: PoolEventBody) => void) | undefined

  constructor(options: RigOptions = {}) {
    this.stats = new PoolStats({
      name: 'rig',
      namespace: 'rig.sqlite',
      maxWaiters: options.maxWaiters ?? 1000,
      readers: options.readers ?? { min: 0, max: 2 },
    })
    this.pool = new RigPool({
      options: {
        acquireTimeoutMs: options.acquireTimeoutMs ?? 5000,
        idleTimeoutMs: options.idleTimeoutMs ?? 60_000,
        leakThresholdMs: options.leakThresholdMs ?? 0,
        leakReclaimMs: options.leakReclaimMs ?? 0,
        maxLifetimeMs: options.maxLifetimeMs ?? 0,
        shedTargetMs: options.shedTargetMs ?? 0,
        statementTimeoutMs: options.statementTimeoutMs ?? 0,
        transactionTimeoutMs: options.transactionTimeoutMs ?? 0,
        idleInTransactionTimeoutMs: options.idleInTransactionTimeoutMs ?? 0,
        maxRows: options.maxRows ?? 0,
        maxBytes: options.maxBytes ?? 0,
        minReaders: options.readers?.min ?? 0,
      },
      stats: this.stats,
      observer: {
        isObserved: true,
        emit: (event) => {
          this.events.push(event)
          this.onEvent?.(event)
        },
        captureTrace: () => this.trace,
      },
      clock: this.clock,
      open: this.database.open,
      ...(options.hooks !== undefined && { hooks: options.hooks }),
    })
  }

  static async open(options: RigOptions = {}): Promise<PoolRig> {
    const rig = new PoolRig(options)
    await rig.pool.open()
    rig.assertInvariants()
    return rig
  }

  get writer(): ScriptedConnection {
    return this.database.of('writer')[0]!
  }

  eventsOf<T extends PoolEventBody['type']>(type: T): Extract<PoolEventBody, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<
      PoolEventBody,
      { type: T }
    >[]
  }

  /** Lets every promise settle that can, and checks the invariants. */
  async settle(): Promise<void> {
    await settled()
    this.clock.endTurn()
    this.assertInvariants()
  }

  /** Turns the clock on, with every promise settled in between. */
  async advance(ms: number): Promise<void> {
    await this.clock.advanceInSteps(ms)
    await this.settle()
  }

  assertInvariants(): void {
    for (const lane of [this.stats.reader, this.stats.writer]) this.#assertLane(lane)
    const rows = this.pool.connections()
    for (const [state, count] of [
      ['idle', this.stats.reader.idle + this.stats.writer.idle],
      ['in_use', this.stats.reader.inUse + this.stats.writer.inUse],
      ['opening', this.stats.reader.opening + this.stats.writer.opening],
      ['resetting', this.stats.reader.resetting + this.stats.writer.resetting],
      ['zombie', this.stats.reader.zombie + this.stats.writer.zombie],
    ] as const) {
      const shown = rows.filter((row) => row.state === state).length
      assert.equal(shown, count, `connections that are ${state}`)
    }
  }

  #assertLane(lane: LaneStats): void {
    const { idle, inUse, opening, resetting, zombie, waiting, max, size } = lane
    for (const count of [idle, inUse, opening, resetting, zombie, waiting]) assert.ok(count >= 0)
    assert.equal(idle + inUse + opening + resetting + zombie, size)
    // Above a maximum that was lowered only as long as nobody gives back what is too many.
    assert.ok(
      size <= max || idle === 0,
      `${lane.role}: ${size} connections and a maximum of ${max}`,
    )
    assert.ok(
      waiting === 0 || idle === 0 || this.isHeldBack,
      `${lane.role}: ${waiting} wait while ${idle} idle`,
    )
    const failed = Object.values(lane.failed).reduce((sum, count) => sum + count, 0)
    assert.equal(lane.waitMs.count, lane.acquired + failed, 'every acquire has one wait')
    assert.equal(lane.useMs.count, lane.released, 'every release has one use')
  }
}
