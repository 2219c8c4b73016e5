import type { ErrorCode } from './error-table.ts'

const WINDOW_MS = 10_000

/** Refusals that are the server's defence and no fault of its parts. */
const refusals = new Set<ErrorCode>([
  'POOL_ACQUIRE_TIMEOUT',
  'POOL_QUEUE_FULL',
  'POOL_OVERLOADED',
  'POOL_DRAINING',
  'POOL_CLOSED',
  'NOT_READY',
  'OVERLOADED',
])

export const isRefusal = (code: ErrorCode): boolean => refusals.has(code)

/**
 * Decides which refusals are worth a line: the first of a code, then one every ten seconds with how many
 * there were. Whoever is flooded with requests must not be flooded with lines as well.
 */
export class RefusalLog {
  readonly #seen = new Map<ErrorCode, { loggedAtMonoMs: number; count: number }>()
  readonly #nowMonoMs: () => number

  constructor(nowMonoMs: () => number = () => performance.now()) {
    this.#nowMonoMs = nowMonoMs
  }

  /** How many refusals the line stands for, this one included; `null`: no line. */
  count(code: ErrorCode): number | null {
    const nowMs = this.#nowMonoMs()
    const seen = this.#seen.get(code) ?? { loggedAtMonoMs: -Infinity, count: 0 }
    this.#seen.set(code, seen)
    seen.count += 1
    if (nowMs - seen.loggedAtMonoMs < WINDOW_MS) return null
    const { count } = seen
    seen.loggedAtMonoMs = nowMs
    seen.count = 0
    return count
  }
}
