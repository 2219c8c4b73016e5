import type { PoolObserver } from '../../telemetry/events.ts'
import type { LaneStats, PoolStats } from '../../telemetry/stats.ts'
import type { Clock } from './clock.ts'

/** Share of the connections in use from which a pool is near its capacity. */
export const NEAR_CAPACITY_RATIO = 0.8
/** An episode ends when the share has stayed below for this long; else a busy pool would report thousands a second. */
export const CALM_MS = 5000

/** Says once when a pool comes near its capacity, and once when it is calm again. */
export class CapacityWatch {
  readonly #reader: LaneStats
  readonly #writer: LaneStats
  readonly #observer: PoolObserver
  readonly #clock: Clock
  /** Connections in use from which on it is near. */
  #nearCount = 0
  #isNear = false
  /** Since the last look; a grant does not read the clock. */
  #hasBeenAbove = false
  #lastNearMs = 0

  constructor(parts: {
    readonly stats: PoolStats
    readonly observer: PoolObserver
    readonly clock: Clock
  }) {
    this.#reader = parts.stats.reader
    this.#writer = parts.stats.writer
    this.resized()
    this.#observer = parts.observer
    this.#clock = parts.clock
  }

  get isNear(): boolean {
    return this.#isNear
  }

  /** The maximum of a lane has changed. */
  resized(): void {
    this.#nearCount = Math.ceil(this.#max * NEAR_CAPACITY_RATIO)
  }

  /** After every grant: an addition and a comparison when nothing is near. */
  granted(): void {
    if (this.#reader.inUse + this.#writer.inUse < this.#nearCount) return
    this.#hasBeenAbove = true
    if (this.#isNear) return
    this.#isNear = true
    this.#tell()
  }

  /** Now and then. */
  look(): void {
    if (!this.#isNear) return
    const nowMs = this.#clock.nowMs()
    if (this.#isAbove || this.#hasBeenAbove) this.#lastNearMs = nowMs
    this.#hasBeenAbove = false
    if (nowMs - this.#lastNearMs < CALM_MS) return
    this.#isNear = false
    this.#tell()
  }

  get #isAbove(): boolean {
    return this.#inUse >= this.#nearCount
  }

  get #inUse(): number {
    return this.#reader.inUse + this.#writer.inUse
  }

  get #max(): number {
    return this.#reader.max + this.#writer.max
  }

  #tell(): void {
    this.#observer.emit({
      type: 'capacity',
      isNear: this.#isNear,
      inUse: this.#inUse,
      max: this.#max,
      waiting: this.#reader.waiting + this.#writer.waiting,
    })
  }
}
