import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 10
/** One late window is an accident: a start, a collection of garbage, a debugger. */
const LATE_WINDOWS = 2

/** Whether the event loop has been late for a while: two windows in a row, by the mean of each. */
export class LoopWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  readonly #timer: NodeJS.Timeout
  readonly #maxDelayMs: number
  #lateWindows = 0

  constructor(options: { readonly maxDelayMs: number; readonly windowMs: number }) {
    this.#maxDelayMs = options.maxDelayMs
    this.#delay.enable()
    this.#timer = setInterval(() => this.#look(), options.windowMs).unref()
  }

  get isLate(): boolean {
    return this.#lateWindows >= LATE_WINDOWS
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#delay.disable()
  }

  /** What one window was like. `NaN`, no sample at all, is a loop that did not turn once in it. */
  note(meanDelayMs: number): void {
    this.#lateWindows = meanDelayMs <= this.#maxDelayMs ? 0 : this.#lateWindows + 1
  }

  #look(): void {
    this.note(this.#delay.mean / 1e6 - RESOLUTION_MS)
    this.#delay.reset()
  }
}
