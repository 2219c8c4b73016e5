import { NO_SLOT } from '../interrupt/extension.ts'

/** Requests that may be with the thread at once: as many as there are places for their cancellations. */
export const WINDOW = 256
/** Ids start anew before they leave 32 bits, at the same place of the window. */
const LAST_ID = 0x7fff_ff00

const RUNNING = 0
const INTERRUPTED = 1
const SLOT = 2
const CANCELLED = 3

const NOTHING = 0

/**
 * What a connection's thread and its caller must know of each other while a statement runs, when no message
 * is read: shared memory. Ids are positive, given to requests in the order of sending.
 *
 * `RUNNING` makes an interrupt exact:
 *
 *     thread                          caller
 *     0 → id   begins                 id → −id  holds the call: it cannot end now
 *     id → 0   ends; waits while −id  interrupts the handle
 *                                     −id → id  lets go
 */
export class CallBoard {
  readonly memory: SharedArrayBuffer
  readonly #cells: Int32Array

  /** The caller creates it; the thread makes its own from the `memory` of that one. */
  constructor(memory = new SharedArrayBuffer((CANCELLED + WINDOW) * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory
    this.#cells = new Int32Array(memory)
  }

  /** Under which the thread's handle can be interrupted now; `NO_SLOT` when it cannot. */
  get slot(): number {
    return Atomics.load(this.#cells, SLOT)
  }

  set slot(slot: number) {
    Atomics.store(this.#cells, SLOT, slot)
  }

  isCancelled(id: number): boolean {
    return Atomics.load(this.#cells, cellOf(id)) === id
  }

  /** By the caller. */
  cancel(id: number): void {
    Atomics.store(this.#cells, cellOf(id), id)
  }

  /** By the caller, when the request is answered: the id may come again. */
  forget(id: number): void {
    Atomics.compareExchange(this.#cells, cellOf(id), id, NOTHING)
  }

  /** By the caller: whether `id` ran and was interrupted. It may need another time: one that comes a moment too early has no effect. */
  interrupt(id: number, interruptSlot: (slot: number) => void): boolean {
    const cells = this.#cells
    const { slot } = this
    if (slot === NO_SLOT) return false
    if (Atomics.compareExchange(cells, RUNNING, id, -id) !== id) return false
    try {
      Atomics.store(cells, INTERRUPTED, id)
      interruptSlot(slot)
    } finally {
      Atomics.store(cells, RUNNING, id)
      Atomics.notify(cells, RUNNING)
    }
    return true
  }

  /** By the thread. Ask `isCancelled` after it, not before: so a cancellation in between is seen by one side or the other. */
  begin(id: number): void {
    Atomics.store(this.#cells, INTERRUPTED, NOTHING)
    Atomics.store(this.#cells, RUNNING, id)
  }

  /** By the thread: nothing interrupts the call after it. Whether something did. */
  end(id: number): boolean {
    const cells = this.#cells
    while (Atomics.compareExchange(cells, RUNNING, id, NOTHING) !== id) {
      Atomics.wait(cells, RUNNING, -id)
    }
    return Atomics.load(cells, INTERRUPTED) === id
  }
}

/** The first of `count` ids that follow `id` without a gap in the window. */
export function nextIds(id: number, count: number): number {
  return id + count >= LAST_ID ? ((id + 1) % WINDOW) + WINDOW : id + 1
}

function cellOf(id: number): number {
  return CANCELLED + (id % WINDOW)
}
