const SAMPLES_KEPT = 5
/** From here on the page says that the clocks differ. */
const NOTABLE_MS = 2000

/**
 * The server's time as this browser knows it. All axes and ages are in server time: a laptop that is five
 * minutes off must not show five minutes of nothing.
 */
export class ServerClock {
  readonly #nowMs: () => number
  #samples: number[] = []

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Server − client, in ms: the median of the last five samples. */
  get offsetMs(): number {
    if (this.#samples.length === 0) return 0
    const sorted = this.#samples.toSorted((a, b) => a - b)
    return sorted[sorted.length >> 1]!
  }

  get isNotable(): boolean {
    return Math.abs(this.offsetMs) > NOTABLE_MS
  }

  /** Epoch ms on the server, now. */
  nowMs(): number {
    return this.#nowMs() + this.offsetMs
  }

  /** `serverAtMs` was read by the server between `sentAtMs` and now; without it, just before now. */
  learn(serverAtMs: number, sentAtMs: number = this.#nowMs()): void {
    const sample = serverAtMs - (sentAtMs + this.#nowMs()) / 2
    this.#samples = [...this.#samples, sample].slice(-SAMPLES_KEPT)
  }
}
