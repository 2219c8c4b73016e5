import type { HolderRef } from '../../telemetry/events.ts'
import type { AcquireRequest } from './acquire-request.ts'
import type { Lease } from './lease.ts'
import type { Scope } from './scope.ts'
import { UNSTAMPED } from './slot.ts'

/** A step of priority counts as so much waiting: higher ones go first, and nobody waits for ever. */
export const PRIORITY_STEP_MS = 1000

const NOBODY: readonly HolderRef[] = []
const NOT_QUEUED = -1
/** From how many empty places on a row is moved together. */
const EMPTY_PLACES = 1024

/** One caller queued in acquire. It is settled exactly once, by whoever takes it out of the queue. */
export class Waiter {
  readonly request: AcquireRequest
  /** Monotonic, or `UNSTAMPED` as long as the clock has not been read since. Such waiters are the last of the queue. */
  startedMs: number
  /** The scope that it asks from; what is held there is not free before it is served. */
  readonly scope: Scope | undefined
  readonly resolve: (lease: Lease) => void
  readonly reject: (error: unknown) => void
  /** Callers that were queued before it when it came. */
  readonly queueDepth: number
  /** Who held connections then, oldest first. */
  holders: readonly HolderRef[] = NOBODY
  /** Stops listening to the caller's signal. */
  stopListening: (() => void) | undefined = undefined
  /** Where it waits; one may be moved to another line while somebody is about to refuse it. By the queue. */
  queue: WaiterQueue | null = null
  /** Its number in the row of its priority; `NOT_QUEUED` outside. By the queue. */
  place = NOT_QUEUED

  constructor(
    request: AcquireRequest,
    moment: {
      readonly startedMs: number
      readonly queueDepth: number
      readonly scope: Scope | undefined
    },
    resolve: (lease: Lease) => void,
    reject: (error: unknown) => void,
  ) {
    this.request = request
    this.startedMs = moment.startedMs
    this.queueDepth = moment.queueDepth
    this.scope = moment.scope
    this.resolve = resolve
    this.reject = reject
  }

  /** Monotonic, fixed by the call: nothing that happens in between moves it. */
  get deadlineMs(): number {
    return this.startedMs + this.request.timeoutMs
  }

  /** Its place in the line: when it came, moved by its priority. */
  get rankMs(): number {
    return this.startedMs - this.request.priority * PRIORITY_STEP_MS
  }

  waitedMs(nowMs: number): number {
    return this.startedMs === UNSTAMPED ? 0 : nowMs - this.startedMs
  }
}

/**
 * Those of one priority, in the order in which they came. Whoever leaves makes its place empty at once, and the row
 * is moved together now and then. An array and not a linked list: the garbage collector follows a list one by one,
 * which with ten thousand waiters costs more than everything else.
 */
class Row {
  readonly priority: number
  #places: (Waiter | null)[] = []
  /** Number of the first place. */
  #base = 0
  /** Index of the oldest waiter. */
  #first = 0
  size = 0

  constructor(priority: number) {
    this.priority = priority
  }

  get oldest(): Waiter | null {
    return this.#places[this.#first] ?? null
  }

  push(waiter: Waiter): void {
    waiter.place = this.#base + this.#places.length
    this.#places.push(waiter)
    this.size += 1
  }

  remove(waiter: Waiter): void {
    this.#places[waiter.place - this.#base] = null
    waiter.place = NOT_QUEUED
    this.size -= 1
    while (this.#first < this.#places.length && this.#places[this.#first] === null) this.#first += 1
    if (this.#first >= EMPTY_PLACES && this.#first >= this.size) this.#dropServed()
    const gapCount = this.#places.length - this.#first - this.size
    if (gapCount >= EMPTY_PLACES && gapCount >= this.size) this.#closeGaps()
  }

  *[Symbol.iterator](): Generator<Waiter> {
    // Of now: the reader may take waiters out.
    for (const waiter of this.#places.slice(this.#first)) {
      if (waiter !== null && waiter.place !== NOT_QUEUED) yield waiter
    }
  }

  /** The newest first, as long as `isWanted`. */
  forNewest(isWanted: (waiter: Waiter) => boolean): void {
    for (let index = this.#places.length - 1; index >= this.#first; index -= 1) {
      const waiter = this.#places[index] ?? null
      if (waiter !== null && !isWanted(waiter)) return
    }
  }

  /** Looks at none of the others: with thousands that would cost more than serving them. */
  #dropServed(): void {
    this.#places.splice(0, this.#first)
    this.#base += this.#first
    this.#first = 0
  }

  #closeGaps(): void {
    const waiters = this.#places.filter((waiter) => waiter !== null)
    this.#base += this.#places.length
    this.#places = []
    this.#first = 0
    this.size = 0
    for (const waiter of waiters) this.push(waiter)
  }
}

/** First come, first served, among those of one priority; and among several whoever has the lower rank. */
export class WaiterQueue {
  /** Mostly the only one. */
  readonly #plain = new Row(0)
  /** Of the other priorities that were asked for. */
  readonly #others: Row[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  get head(): Waiter | null {
    let head = this.#plain.oldest
    for (const { oldest } of this.#others) {
      if (oldest !== null && (head === null || oldest.rankMs < head.rankMs)) head = oldest
    }
    return head
  }

  push(waiter: Waiter): void {
    this.#rowOf(waiter).push(waiter)
    waiter.queue = this
    this.#size += 1
  }

  /** Takes a waiter out; `false` when someone else already has. */
  remove(waiter: Waiter): boolean {
    if (waiter.queue !== this) return false
    waiter.queue = null
    this.#rowOf(waiter).remove(waiter)
    this.#size -= 1
    return true
  }

  /** Those without a moment get this one. */
  stamp(nowMs: number, onStamped: (waiter: Waiter) => void): void {
    // They have no priority, and came last.
    this.#plain.forNewest((waiter) => {
      if (waiter.startedMs !== UNSTAMPED) return false
      waiter.startedMs = nowMs
      onStamped(waiter)
      return true
    })
  }

  /** In the order in which they will be served. */
  [Symbol.iterator](): Iterator<Waiter> {
    // Those without a moment have no rank, and are there only when nobody has a priority.
    if (this.#others.every(({ size }) => size === 0)) return this.#plain[Symbol.iterator]()
    const waiters = [this.#plain, ...this.#others].flatMap((row) => [...row])
    return waiters.sort((a, b) => a.rankMs - b.rankMs)[Symbol.iterator]()
  }

  #rowOf({ request: { priority } }: Waiter): Row {
    if (priority === 0) return this.#plain
    const known = this.#others.find((row) => row.priority === priority)
    if (known !== undefined) return known
    const row = new Row(priority)
    this.#others.push(row)
    return row
  }
}
