import type { Clock, Timer } from '../../pool/clock.ts'
import type { LitestreamFailure, LitestreamNumbers, ReadLitestreamOptions } from './metrics.ts'
import { readLitestreamMetrics } from './metrics.ts'

export interface LitestreamWatchParts {
  /** Where Litestream serves its metrics. */
  readonly url: string
  /** Path of the database. */
  readonly path: string
  readonly clock: Clock
  /** From the end of one answer to the next question, in ms. *Default*: 5000. */
  readonly intervalMs?: number
  /** For one answer, in ms. *Default*: 2000. */
  readonly timeoutMs?: number
  readonly fetch?: NonNullable<ReadLitestreamOptions['fetch']>
}

/** The newest numbers that there are, and why there are no newer ones. */
export interface LitestreamReading {
  /** Epoch ms of the answer with these numbers; without any, of the last question. */
  readonly readAtMs: number
  readonly numbers: LitestreamNumbers | null
  readonly error: LitestreamFailure | null
}

const INTERVAL_MS = 5000

/** Asks a Litestream for its metrics now and then, one question at a time. Keeps no process alive. */
export class LitestreamWatch {
  readonly #parts: LitestreamWatchParts
  readonly #ending = new AbortController()
  #timer: Timer | undefined = undefined
  #isStarted = false
  #latest: LitestreamReading | null = null

  constructor(parts: LitestreamWatchParts) {
    this.#parts = parts
  }

  /** `null` before the first answer. An answer that fails keeps the numbers of the one before. */
  get latest(): LitestreamReading | null {
    return this.#latest
  }

  /** Asks at once, and then at intervals. Idempotent. */
  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    void this.#ask()
  }

  /** Gives up the question in hand, and asks no more. Idempotent. */
  close(): void {
    this.#ending.abort()
    if (this.#timer !== undefined) this.#parts.clock.clearTimer(this.#timer)
  }

  async #ask(): Promise<void> {
    const { url, path, clock, timeoutMs, fetch, intervalMs = INTERVAL_MS } = this.#parts
    const { signal } = this.#ending
    if (signal.aborted) return
    const { numbers, error } = await readLitestreamMetrics(url, {
      path,
      signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(fetch !== undefined && { fetch }),
    })
    if (this.#ending.signal.aborted) return
    const askedAtMs = clock.timeOriginMs + clock.nowMs()
    const before = this.#latest
    this.#latest =
      error === null || before?.numbers == null
        ? { readAtMs: askedAtMs, numbers, error }
        : { ...before, error }
    this.#timer = clock.setTimer(() => void this.#ask(), intervalMs)
  }
}
