import type { PoolEvent } from '../../telemetry/protocol.ts'

/** The latest events, at most `capacity`, oldest first. */
export class EventRing {
  readonly #capacity: number
  readonly #events: PoolEvent[] = []
  /** Where the oldest is, once the ring is full. */
  #start = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#events.length
  }

  add(event: PoolEvent): void {
    if (this.#events.length < this.#capacity) {
      this.#events.push(event)
      return
    }
    this.#events[this.#start] = event
    this.#start = (this.#start + 1) % this.#capacity
  }

  /** Those from `fromMs` to `toMs`, both included. */
  between(fromMs: number, toMs: number): PoolEvent[] {
    const inOrder = [...this.#events.slice(this.#start), ...this.#events.slice(0, this.#start)]
    return inOrder.filter((event) => event.atMs >= fromMs && event.atMs <= toMs)
  }
}
