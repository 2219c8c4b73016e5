import type { PoolEvent } from '../../telemetry/protocol.ts'

const CAPACITY = 200

type StarvationTold = PoolEvent & { readonly type: 'starvation' }

/** A stretch of server time in which it is known that nothing could be copied back. */
interface Stretch {
  readonly fromMs: number
  readonly toMs: number
}

/**
 * When the log was starved. Events may come in any order and more than once, as they do from the history and the
 * stream together: each tells of a stretch that ends with it, and the newest also of what comes after.
 */
export class StarvationLog {
  /** By the number of the event: told twice is known once. */
  readonly #stretches = new Map<number, Stretch>()
  #newest: StarvationTold | null = null

  learn(event: PoolEvent): void {
    if (event.type !== 'starvation') return
    this.#stretches.set(event.seq, { fromMs: event.atMs - event.durationMs, toMs: event.atMs })
    if (this.#stretches.size > CAPACITY) this.#stretches.delete(Math.min(...this.#stretches.keys()))
    if (this.#newest === null || event.seq > this.#newest.seq) this.#newest = event
  }

  isStarvedAt(ms: number): boolean {
    const newest = this.#newest
    if (newest !== null && newest.isStarved && ms >= newest.atMs) return true
    return [...this.#stretches.values()].some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs)
  }
}
