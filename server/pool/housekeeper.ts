import type { PoolObserver } from '../../telemetry/events.ts'
import { framesOf } from './call-site.ts'
import type { CapacityWatch } from './capacity-watch.ts'
import type { Clock, Timer } from './clock.ts'
import { InvariantError, PoolError } from './errors.ts'
import type { Hold } from './hold.ts'
import type { Lane } from './lane.ts'

/** How often it looks. Idle timeouts and leak thresholds are met within this. */
export const LOOK_INTERVAL_MS = 1000

interface Limits {
  readonly idleTimeoutMs: number
  readonly leakThresholdMs: number
  readonly leakReclaimMs: number
  readonly maxLifetimeMs: number
}

/**
 * Once a second: closes what was idle for too long or is too old, and reports leases that are out for too long,
 * once each, and once more when such a lease is back. Only with `leakReclaimMs` it takes them away; and those
 * that nobody can release any more, because they were collected as garbage.
 */
export class Housekeeper {
  readonly #lanes: readonly Lane[]
  readonly #capacity: CapacityWatch
  readonly #observer: PoolObserver
  readonly #clock: Clock
  readonly #limits: Limits
  /** Since when each is held. */
  readonly #suspects = new Map<Hold, number>()
  #hasDisagreed = false
  #timer: Timer | undefined

  constructor(
    parts: {
      readonly lanes: readonly Lane[]
      readonly capacity: CapacityWatch
      readonly observer: PoolObserver
      readonly clock: Clock
    },
    limits: Limits,
  ) {
    this.#lanes = parts.lanes
    this.#capacity = parts.capacity
    this.#observer = parts.observer
    this.#clock = parts.clock
    this.#limits = limits
  }

  start(): void {
    this.#timer = this.#clock.setTimer(() => {
      // Set again first: whoever hears of a leak may close the pool, and that stops the timer.
      this.start()
      this.look()
    }, LOOK_INTERVAL_MS)
  }

  stop(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
  }

  isLeakSuspect(hold: Hold): boolean {
    return this.#suspects.has(hold)
  }

  /** One round. */
  look(): void {
    const nowMs = this.#clock.nowMs()
    const { idleTimeoutMs, maxLifetimeMs } = this.#limits
    if (maxLifetimeMs > 0) for (const lane of this.#lanes) lane.evictRetired()
    if (idleTimeoutMs > 0) for (const lane of this.#lanes) lane.evictIdle(nowMs - idleTimeoutMs)
    this.#lookForLeaks(nowMs)
    this.#capacity.look()
    this.#checkAccounts()
  }

  /** A pool that has lost count goes on, and says so, once. */
  #checkAccounts(): void {
    if (this.#hasDisagreed) return
    for (const { disagreement } of this.#lanes) {
      if (disagreement === null) continue
      this.#hasDisagreed = true
      process.emitWarning(new InvariantError(disagreement))
    }
  }

  /** The caller's lease was collected as garbage. */
  forgotten(hold: Hold): void {
    if (hold.isReleased) return
    const nowMs = this.#clock.nowMs()
    this.#suspect(hold, nowMs)
    this.#reclaim(hold, nowMs, 'the lease was dropped without a release')
  }

  #lookForLeaks(nowMs: number): void {
    const { leakThresholdMs, leakReclaimMs } = this.#limits
    if (leakThresholdMs === 0 && leakReclaimMs === 0) return
    for (const hold of this.#suspects.keys()) {
      if (!hold.isReleased) continue
      this.#tell(hold, { nowMs, isRecovered: true, isReclaimed: hold.revocation !== undefined })
      this.#suspects.delete(hold)
    }
    for (const hold of this.#lanes.flatMap((lane) => lane.holds())) {
      if (hold.isReleased) continue
      const heldMs = hold.slot.ageMs(nowMs)
      if (leakThresholdMs > 0 && heldMs >= leakThresholdMs) this.#suspect(hold, nowMs)
      if (leakReclaimMs > 0 && heldMs >= leakReclaimMs) {
        this.#reclaim(hold, nowMs, `the lease was out for ${Math.round(heldMs)} ms`)
      }
    }
  }

  #suspect(hold: Hold, nowMs: number): void {
    if (this.#suspects.has(hold)) return
    this.#suspects.set(hold, nowMs - hold.slot.ageMs(nowMs))
    hold.host.stats.leakSuspected += 1
    this.#tell(hold, { nowMs, isRecovered: false, isReclaimed: false })
  }

  #reclaim(hold: Hold, nowMs: number, why: string): void {
    hold.host.revoke(
      hold,
      new PoolError('LEASE_REVOKED', `${why}, and was taken back`, {
        hint: 'release every lease, or use withConnection, which does',
        holders: [hold.toHolder(nowMs)],
        // What it wrote outside of a transaction stays.
        outcome:
          hold.slot.role === 'reader' || hold.transaction !== null ? 'rolled_back' : 'unknown',
      }),
    )
  }

  #tell(
    hold: Hold,
    moment: {
      readonly nowMs: number
      readonly isRecovered: boolean
      readonly isReclaimed: boolean
    },
  ): void {
    this.#observer.emit({
      type: 'leak',
      isRecovered: moment.isRecovered,
      isReclaimed: moment.isReclaimed,
      holder: { ...hold.toRef(moment.nowMs), heldMs: moment.nowMs - this.#suspects.get(hold)! },
      stack: framesOf(hold.request.site),
    })
  }
}
