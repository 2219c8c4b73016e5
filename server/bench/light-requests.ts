const EVERY_MS = 5

/**
 * A light request every 5 ms finds what the event loop leaves to everybody else. It is sampled by the clock:
 * `monitorEventLoopDelay` takes no sample at all while the loop is blocked. For the same reason each request
 * that came due during one long block counts as late, and not only the first of them; and what still waits at
 * the end has waited until then at least.
 */
export class LightRequests {
  /** How late each came to run. */
  readonly latenessMs: number[] = []
  /** From there through one turn of the event loop. */
  readonly turnMs: number[] = []
  #dueMs = performance.now() + EVERY_MS
  #timer = setTimeout(() => this.#run(), EVERY_MS)
  #turnSinceMs: number | null = null

  /** Of what comes later nothing counts. */
  stop(nowMs: number): void {
    clearTimeout(this.#timer)
    this.#countDue(nowMs)
    this.#endTurn(nowMs)
  }

  #run(): void {
    const nowMs = performance.now()
    this.#countDue(nowMs)
    this.#turnSinceMs = nowMs
    setImmediate(() => this.#endTurn(performance.now()))
    // A timer of Node.js is set in whole milliseconds.
    this.#timer = setTimeout(() => this.#run(), Math.max(1, Math.ceil(this.#dueMs - nowMs)))
  }

  #countDue(nowMs: number): void {
    for (; this.#dueMs <= nowMs; this.#dueMs += EVERY_MS) {
      this.latenessMs.push(nowMs - this.#dueMs)
    }
  }

  /** Timers run once a turn, so there is one at most. */
  #endTurn(nowMs: number): void {
    if (this.#turnSinceMs !== null) this.turnMs.push(nowMs - this.#turnSinceMs)
    this.#turnSinceMs = null
  }
}
