import type { Waiter } from './waiter-queue.ts'

/** How long the line must be slow without a break before anyone is turned away. */
export const SHED_INTERVAL_MS = 2000

/**
 * Whom to turn away when the line does not get shorter (CoDel, as in Elixir's db_connection): when everyone
 * served during an interval waited longer than the target, those who have waited twice as long are refused
 * when their turn comes, so that the others are served in time, until somebody is.
 */
export class Shedder {
  readonly #targetMs: number
  #intervalEndMs = 0
  #shortestMs = Number.POSITIVE_INFINITY
  #isShedding = false

  /** With a target of 0 nobody is ever turned away. */
  constructor(targetMs: number) {
    this.#targetMs = targetMs
  }

  get isShedding(): boolean {
    return this.#isShedding
  }

  /** Whether a caller whose turn has come is refused instead. */
  refuses(waiter: Waiter, nowMs: number): boolean {
    if (this.#targetMs === 0) return false
    const waitMs = waiter.waitedMs(nowMs)
    if (nowMs >= this.#intervalEndMs) this.#startInterval(nowMs)
    this.#shortestMs = Math.min(this.#shortestMs, waitMs)
    return this.#isShedding && waitMs > this.#targetMs * 2
  }

  /** Somebody was served at once. */
  idle(): void {
    if (this.#targetMs === 0) return
    this.#shortestMs = 0
    this.#isShedding = false
  }

  #startInterval(nowMs: number): void {
    const wasSlow = this.#shortestMs > this.#targetMs && this.#shortestMs < Number.POSITIVE_INFINITY
    this.#isShedding = wasSlow
    this.#shortestMs = Number.POSITIVE_INFINITY
    this.#intervalEndMs = nowMs + SHED_INTERVAL_MS
  }
}
