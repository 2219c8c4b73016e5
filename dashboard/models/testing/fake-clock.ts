import type { LinkClock } from '../live-link.ts'

interface FakeTimer {
  readonly atMs: number
  readonly fn: () => void
}

/** A clock that stands until it is turned; timers run in order on the way. */
export class FakeClock implements LinkClock {
  #nowMs = 1_000_000
  #timers: FakeTimer[] = []

  nowMs(): number {
    return this.#nowMs
  }

  setTimer(fn: () => void, delayMs: number): unknown {
    const timer: FakeTimer = { atMs: this.#nowMs + delayMs, fn }
    this.#timers.push(timer)
    return timer
  }

  clearTimer(timer: unknown): void {
    this.#timers = this.#timers.filter((other) => other !== timer)
  }

  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)
      const next = due[0]
      if (next === undefined) break
      this.clearTimer(next)
      this.#nowMs = next.atMs
      next.fn()
    }
    this.#nowMs = endMs
  }
}
