import type { PoolEventBody, TraceRef } from '../../telemetry/events.ts'
import { PoolStats } from '../../telemetry/stats.ts'
import type { AcquireRequest } from '../pool/acquire-request.ts'
import { Pool } from '../pool/pool.ts'
import { HandClock } from './hand-clock.ts'
import { ScriptedDatabase } from './scripted-connection.ts'

/** A clock that knows how often it was read, and that time can pass on within one turn. */
export class CountingClock extends HandClock {
  readCount = 0
  /** Time that has passed since the turn began. */
  withinTurnMs = 0

  override nowMs(): number {
    this.readCount += 1
    return super.nowMs() + this.withinTurnMs
  }
}

export interface BareOptions {
  readonly readers?: { readonly min: number; readonly max: number }
  /** *Default*: `false`. Telemetry reads the clock for its own sake. */
  readonly isObserved?: boolean
  /** The trace of every caller, until it is changed. *Default*: none. */
  readonly trace?: TraceRef
}

/** A pool on scripted connections to which nobody listens, unless the test says so. */
export class BarePool {
  readonly clock = new CountingClock()
  readonly database = new ScriptedDatabase()
  readonly events: PoolEventBody[] = []
  readonly stats: PoolStats
  readonly pool: Pool
  /** Of the callers from now on. */
  trace: TraceRef | null

  private constructor({ readers = { min: 1, max: 1 }, isObserved = false, trace }: BareOptions) {
    this.trace = trace ?? null
    this.stats = new PoolStats({ name: 'bare', namespace: 'bare', maxWaiters: 1000, readers })
    this.pool = new Pool({
      options: {
        acquireTimeoutMs: 5000,
        idleTimeoutMs: 0,
        leakThresholdMs: 0,
        leakReclaimMs: 0,
        maxLifetimeMs: 0,
        shedTargetMs: 0,
        statementTimeoutMs: 0,
        transactionTimeoutMs: 0,
        idleInTransactionTimeoutMs: 0,
        maxRows: 0,
        maxBytes: 0,
        minReaders: readers.min,
      },
      stats: this.stats,
      observer: {
        isObserved,
        emit: (event) => void this.events.push(event),
        captureTrace: () => this.trace,
      },
      clock: this.clock,
      open: this.database.open,
    })
  }

  static async open(options: BareOptions = {}): Promise<BarePool> {
    const bare = new BarePool(options)
    await bare.pool.open()
    bare.clock.endTurn()
    return bare
  }
}

/** What a caller asks for that asks for nothing special. */
export function plainRequest(given: Partial<AcquireRequest> = {}): AcquireRequest {
  return {
    label: null,
    signal: undefined,
    timeoutMs: 5000,
    priority: 0,
    trace: null,
    site: null,
    canBeForgotten: false,
    isExempt: false,
    ...given,
  }
}
