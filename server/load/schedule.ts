import type { Timer } from '../pool/clock.ts'
import type { LoadClock } from './clock.ts'

/**
 * When requests start.
 *
 * Without a rate the loop is closed: whoever has its answer starts the next one. With a rate it is open:
 * starts are fixed beforehand, evenly spaced, and a request that starts late because the server is slow
 * keeps its intended start. Measuring from there is what keeps a stalled server from hiding the stall
 * (coordinated omission: the requests that it kept from being sent would be missing from the numbers).
 */
export class Schedule {
  readonly startedAtMs: number
  readonly #clock: LoadClock
  readonly #durationMs: number
  readonly #endsAtMs: number
  readonly #intervalMs: number | null
  readonly #sleepers = new Map<() => void, Timer>()
  #nextIndex = 0
  #startedCount = 0
  #stoppedAtMs: number | null = null

  constructor(options: {
    readonly clock: LoadClock
    readonly durationMs: number
    readonly requestsPerSecond: number | null
  }) {
    this.#clock = options.clock
    this.startedAtMs = options.clock.nowMs()
    this.#durationMs = options.durationMs
    this.#endsAtMs = this.startedAtMs + options.durationMs
    this.#intervalMs = options.requestsPerSecond === null ? null : 1000 / options.requestsPerSecond
  }

  get isOver(): boolean {
    return this.#stoppedAtMs !== null || this.#clock.nowMs() >= this.#endsAtMs
  }

  /** For how long requests were started: until now, or until it was over. */
  get elapsedMs(): number {
    const untilMs = this.#stoppedAtMs ?? this.#clock.nowMs()
    return Math.min(untilMs - this.startedAtMs, this.#durationMs)
  }

  /** Requests that were due and never started; always 0 in a closed loop. */
  get unsentCount(): number {
    if (this.#intervalMs === null) return 0
    const dueCount = Math.ceil(this.elapsedMs / this.#intervalMs)
    return Math.max(0, dueCount - this.#startedCount)
  }

  /** Waits for the next start and resolves to when it was intended; `null` when it is over. */
  async next(): Promise<number | null> {
    if (this.isOver) return null
    if (this.#intervalMs === null) return this.#clock.nowMs()
    const intendedAtMs = this.startedAtMs + this.#nextIndex * this.#intervalMs
    this.#nextIndex += 1
    if (intendedAtMs >= this.#endsAtMs) return null
    // A timer may fire a little early.
    while (this.#clock.nowMs() < intendedAtMs && !this.isOver) {
      await this.sleep(intendedAtMs - this.#clock.nowMs())
    }
    if (this.isOver) return null
    this.#startedCount += 1
    return intendedAtMs
  }

  /** Resolves after `delayMs`, or as soon as it is over. */
  sleep(delayMs: number): Promise<void> {
    if (this.isOver) return Promise.resolve()
    const leftMs = this.#endsAtMs - this.#clock.nowMs()
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(wake)
        resolve()
      }
      const timer = this.#clock.setTimer(wake, Math.ceil(Math.min(delayMs, leftMs)))
      this.#sleepers.set(wake, timer)
    })
  }

  /** Ends it before its time; nobody sleeps on. */
  stop(): void {
    this.#stoppedAtMs ??= this.#clock.nowMs()
    for (const [wake, timer] of this.#sleepers) {
      this.#clock.clearTimer(timer)
      wake()
    }
  }
}
