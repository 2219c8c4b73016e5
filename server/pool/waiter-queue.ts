import type { HolderRef } from '../../telemetry/events.ts'
import type { AcquireRequest } from './acquire-request.ts'
import type { Lease } from './lease.ts'

/** One caller queued in acquire. It is settled exactly once, by whoever takes it out of the queue. */
export class Waiter {
  readonly request: AcquireRequest
  readonly startedMs: number
  /** Monotonic, fixed at the call: nothing that happens in between moves it. */
  readonly deadlineMs: number
  readonly resolve: (lease: Lease) => void
  readonly reject: (error: unknown) => void
  /** Callers that were queued before it when it came. */
  readonly queueDepth: number
  /** Who held connections then, oldest first. */
  readonly holders: readonly HolderRef[]
  /** Stops listening to the caller's signal. */
  stopListening: (() => void) | undefined
  previous: Waiter | null = null
  next: Waiter | null = null
  isQueued = false

  constructor(parts: {
    readonly request: AcquireRequest
    readonly startedMs: number
    readonly resolve: (lease: Lease) => void
    readonly reject: (error: unknown) => void
    readonly queueDepth: number
    readonly holders: readonly HolderRef[]
  }) {
    this.request = parts.request
    this.startedMs = parts.startedMs
    this.deadlineMs = parts.startedMs + parts.request.timeoutMs
    this.resolve = parts.resolve
    this.reject = parts.reject
    this.queueDepth = parts.queueDepth
    this.holders = parts.holders
  }
}

/**
 * First come, first served. A doubly linked list through the waiters themselves, so that one that gives
 * up in the middle leaves at once, whatever the length.
 */
export class WaiterQueue {
  #head: Waiter | null = null
  #tail: Waiter | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  get head(): Waiter | null {
    return this.#head
  }

  push(waiter: Waiter): void {
    waiter.isQueued = true
    waiter.previous = this.#tail
    if (this.#tail === null) this.#head = waiter
    else this.#tail.next = waiter
    this.#tail = waiter
    this.#size += 1
  }

  /** Takes a waiter out; `false` when someone else already has. */
  remove(waiter: Waiter): boolean {
    if (!waiter.isQueued) return false
    waiter.isQueued = false
    if (waiter.previous === null) this.#head = waiter.next
    else waiter.previous.next = waiter.next
    if (waiter.next === null) this.#tail = waiter.previous
    else waiter.next.previous = waiter.previous
    waiter.previous = null
    waiter.next = null
    this.#size -= 1
    return true
  }

  *[Symbol.iterator](): Generator<Waiter> {
    let waiter = this.#head
    while (waiter !== null) {
      // Read before the yield: the reader may take this one out.
      const next: Waiter | null = waiter.next
      yield waiter
      waiter = next
    }
  }
}
