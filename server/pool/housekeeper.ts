import type { PoolObserver } from '../../telemetry/events.ts'
import type { CallSite } from './acquire-request.ts'
import type { CapacityWatch } from './capacity-watch.ts'
import type { Clock, Timer } from './clock.ts'
import type { Lane } from './lane.ts'
import type { Lease } from './lease.ts'
import { holderRef } from './slot.ts'

/** How often it looks. Idle timeouts and leak thresholds are met within this. */
export const LOOK_INTERVAL_MS = 1000

interface Limits {
  readonly idleTimeoutMs: number
  readonly leakThresholdMs: number
}

/**
 * Once a second: closes readers that were idle for too long, and reports leases that are out for too long,
 * once each, and once more when such a lease is released after all. It takes nothing away from anyone.
 */
export class Housekeeper {
  readonly #lanes: readonly Lane[]
  readonly #capacity: CapacityWatch
  readonly #observer: PoolObserver
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #suspects = new Set<Lease>()
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

  isLeakSuspect(lease: Lease): boolean {
    return this.#suspects.has(lease)
  }

  /** One round. */
  look(): void {
    const nowMs = this.#clock.nowMs()
    const { idleTimeoutMs, leakThresholdMs } = this.#limits
    if (idleTimeoutMs > 0) for (const lane of this.#lanes) lane.evictIdle(nowMs - idleTimeoutMs)
    if (leakThresholdMs > 0) this.#lookForLeaks(nowMs, leakThresholdMs)
    this.#capacity.look()
  }

  #lookForLeaks(nowMs: number, thresholdMs: number): void {
    for (const lease of this.#suspects) {
      if (!lease.isReleased) continue
      this.#suspects.delete(lease)
      this.#tell(lease, { nowMs, isRecovered: true })
    }
    for (const lane of this.#lanes) {
      for (const { lease } of lane.slots) {
        if (lease === null || lease.isReleased || this.#suspects.has(lease)) continue
        if (nowMs - lease.grantedMs < thresholdMs) continue
        this.#suspects.add(lease)
        lane.stats.leakSuspected += 1
        this.#tell(lease, { nowMs, isRecovered: false })
      }
    }
  }

  #tell(
    lease: Lease,
    { nowMs, isRecovered }: { readonly nowMs: number; readonly isRecovered: boolean },
  ): void {
    this.#observer.emit({
      type: 'leak',
      isRecovered,
      holder: holderRef(lease, nowMs),
      stack: callersOf(lease.site),
    })
  }
}

/** The frames of a stack below its first line. */
function callersOf(site: CallSite | null): string | null {
  return site?.stack?.split('\n').slice(1).join('\n') ?? null
}
