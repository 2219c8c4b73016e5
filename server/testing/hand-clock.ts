import { type Clock, LONGEST_TIMER_MS, type Timer } from '../pool/clock.ts'

interface HandTimer {
  readonly id: number
  readonly dueMs: number
  readonly isVital: boolean
  readonly callback: () => void
}

/** A clock that stands still until it is turned. Nothing in it depends on real time. */
export class HandClock implements Clock {
  readonly timeOriginMs: number
  readonly #timers = new Map<number, HandTimer>()
  #atEndOfTurn: (() => void)[] = []
  #nowMs = 0
  #lastId = 0

  constructor(timeOriginMs = 1_700_000_000_000) {
    this.timeOriginMs = timeOriginMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  setTimer(
    callback: () => void,
    delayMs: number,
    options: { readonly isVital?: boolean } = {},
  ): Timer {
    if (!(delayMs >= 0 && delayMs <= LONGEST_TIMER_MS)) {
      throw new RangeError(`a timer of ${delayMs} ms would fire at once`)
    }
    this.#lastId += 1
    const { isVital = false } = options
    const dueMs = this.#nowMs + delayMs
    this.#timers.set(this.#lastId, { id: this.#lastId, dueMs, isVital, callback })
    return this.#lastId
  }

  clearTimer(timer: Timer): void {
    this.#timers.delete(timer as number)
  }

  atEndOfTurn(callback: () => void): void {
    this.#atEndOfTurn.push(callback)
  }

  /** Ends the turn: time does not go on before. */
  endTurn(): void {
    for (const callback of this.#atEndOfTurn.splice(0)) callback()
  }

  /** Timers that are set. */
  get timerCount(): number {
    return this.#timers.size
  }

  /** Of these, how many would keep the process alive. */
  get vitalTimerCount(): number {
    return [...this.#timers.values()].filter((timer) => timer.isVital).length
  }

  /** When the next timer is due; `Infinity` when none is set. */
  get nextDueMs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...[...this.#timers.values()].map((t) => t.dueMs))
  }

  /**
   * Turns the clock on and fires what falls due, in order of time and then of setting; also what those
   * callbacks set in turn. Promises settle only after it has returned: see `advanceInSteps`.
   */
  advance(ms: number): void {
    this.endTurn()
    const endMs = this.#nowMs + ms
    for (let timer = this.#dueBy(endMs); timer !== undefined; timer = this.#dueBy(endMs)) {
      this.#fire(timer)
    }
    this.#nowMs = endMs
  }

  /** As `advance`, and lets every promise settle before and after each callback, as real time would. */
  async advanceInSteps(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settled()
    this.endTurn()
    for (let timer = this.#dueBy(endMs); timer !== undefined; timer = this.#dueBy(endMs)) {
      this.#fire(timer)
      await settled()
      this.endTurn()
    }
    this.#nowMs = endMs
  }

  #fire(timer: HandTimer): void {
    this.endTurn()
    this.#timers.delete(timer.id)
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs)
    timer.callback()
  }

  #dueBy(endMs: number): HandTimer | undefined {
    let first: HandTimer | undefined
    for (const timer of this.#timers.values()) {
      if (timer.dueMs <= endMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer
    }
    return first
  }
}

/** Resolves when every promise that can settle by itself has settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
