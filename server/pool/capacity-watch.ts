import type { PoolObserver } from '../../telemetry/events.ts'
import type { PoolStats } from '../../telemetry/stats.ts'
import type { Clock } from './clock.ts'

/** Share of the connections in use from which a pool is near its capacity. */
export const NEAR_CAPACITY_RATIO = 0.8
/** An episode ends when the share has stayed below for this long; else a busy pool would report thousands a second. */
export const CALM_MS = 5000

/** Says once when a pool comes near its capacity, and once when it is calm again. */
export class CapacityWatch {
  readonly #stats: PoolStats
  readonly #observer: PoolObserver
  readonly #clock: Clock
  #isNear = false
  #lastNearMs = 0

  constructor(parts: {
    readonly stats: PoolStats
    readonly observer: PoolObserver
    readonly clock: Clock
  }) {
    this.#stats = parts.stats
    this.#observer = parts.observer
    this.#clock = parts.clock
  }

  get isNear(): boolean {
    return this.#isNear
  }

  /** After every grant: two additions and a comparison when nothing is near. */
  granted(): void {
    if (!this.#isAbove) return
    this.#lastNearMs = this.#clock.nowMs()
    if (this.#isNear) return
    this.#isNear = true
    this.#tell()
  }

  /** Now and then. */
  look(): void {
    if (!this.#isNear) return
    if (this.#isAbove) this.#lastNearMs = this.#clock.nowMs()
    if (this.#clock.nowMs() - this.#lastNearMs < CALM_MS) return
    this.#isNear = false
    this.#tell()
  }

  get #isAbove(): boolean {
    return this.#inUse >= this.#max * NEAR_CAPACITY_RATIO
  }

  get #inUse(): number {
    return this.#stats.reader.inUse + this.#stats.writer.inUse
  }

  get #max(): number {
    return this.#stats.reader.max + this.#stats.writer.max
  }

  #tell(): void {
    this.#observer.emit({
      type: 'capacity',
      isNear: this.#isNear,
      inUse: this.#inUse,
      max: this.#max,
      waiting: this.#stats.reader.waiting + this.#stats.writer.waiting,
    })
  }
}
