import type { Worker } from 'node:worker_threads'
import { StatementStopped, type Cancellation } from '../../pool/cancellation.ts'
import { nextIds, WINDOW, type CallBoard } from './call-board.ts'
import { decodeError } from './wire-error.ts'
import type { Answer, Request, RequestBatch } from './wire.ts'

/** An interrupt that meets the statement just before its start is lost, so it is repeated until the answer. */
const FIRST_REPEAT_MS = 1
const LAST_REPEAT_MS = 64

const UNSENT = 0

interface Pending {
  readonly request: Request
  readonly transfer: ReadonlySet<ArrayBuffer>
  readonly cancellation: Cancellation | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
  id: number
  isSettled: boolean
  repeat: NodeJS.Timeout | undefined
}

export interface RequestParts {
  /** The memory of its blobs. */
  readonly transfer?: ReadonlySet<ArrayBuffer>
  readonly cancellation?: Cancellation | undefined
}

const NO_BLOBS: ReadonlySet<ArrayBuffer> = new Set()

/**
 * The requests to one thread: gathered until the end of the tick, sent as one message, answered in
 * order. The thread keeps the process alive exactly while an answer is outstanding.
 *
 * At most `WINDOW` of them are with the thread; so each has a place of its own for its cancellation.
 */
export class RequestQueue {
  readonly #worker: Worker
  readonly #board: CallBoard
  readonly #interruptSlot: (slot: number) => void
  /** Oldest first. One that was cancelled stays here, settled, until its turn. */
  #unsent: Pending[] = []
  /** Oldest first. */
  #sent: Pending[] = []
  #outstandingCount = 0
  #lastId = 0

  constructor(worker: Worker, board: CallBoard, interruptSlot: (slot: number) => void) {
    this.#worker = worker
    this.#board = board
    this.#interruptSlot = interruptSlot
  }

  push(
    request: Request,
    { transfer = NO_BLOBS, cancellation }: RequestParts = {},
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const state = { id: UNSENT, isSettled: false, repeat: undefined }
      const pending: Pending = { request, transfer, cancellation, resolve, reject, ...state }
      if (this.#outstandingCount === 0) this.#worker.ref()
      this.#outstandingCount += 1
      if (this.#unsent.push(pending) === 1) queueMicrotask(() => this.#send())
      cancellation?.onCancel(() => this.#cancel(pending))
    })
  }

  answer(answers: readonly Answer[]): void {
    const answered = this.#sent.splice(0, answers.length)
    for (const pending of answered) this.#settle(pending)
    for (const [i, answer] of answers.entries()) {
      if (answer[0]) answered[i]!.resolve(answer[1])
      else answered[i]!.reject(decodeError(answer[1]))
    }
    if (this.#unsent.length > 0) this.#send()
  }

  /** Rejects everything outstanding; nothing is asked of this thread any more. */
  fail(error: Error): void {
    const outstanding = [...this.#sent, ...this.#unsent].filter((pending) => !pending.isSettled)
    this.#sent = []
    this.#unsent = []
    for (const pending of outstanding) {
      this.#settle(pending)
      pending.reject(error)
    }
  }

  #send(): void {
    const batch: Pending[] = []
    let takenCount = 0
    for (const pending of this.#unsent) {
      if (this.#sent.length + batch.length === WINDOW) break
      takenCount += 1
      if (!pending.isSettled) batch.push(pending)
    }
    this.#unsent = this.#unsent.slice(takenCount)
    if (batch.length === 0) return
    const firstId = nextIds(this.#lastId, batch.length)
    const requests = batch.map(({ request }) => request)
    const transfer: ArrayBuffer[] = []
    for (const pending of batch) if (pending.transfer.size > 0) transfer.push(...pending.transfer)
    try {
      this.#worker.postMessage([firstId, requests] satisfies RequestBatch, transfer)
    } catch (error) {
      // Not sent at all: no memory for the copy.
      for (const pending of batch) {
        this.#settle(pending)
        pending.reject(error as Error)
      }
      return
    }
    for (const [i, pending] of batch.entries()) pending.id = firstId + i
    this.#lastId = firstId + batch.length - 1
    this.#sent.push(...batch)
  }

  #settle(pending: Pending): void {
    pending.isSettled = true
    clearTimeout(pending.repeat)
    pending.cancellation?.settled()
    if (pending.cancellation !== undefined) this.#board.forget(pending.id)
    this.#outstandingCount -= 1
    if (this.#outstandingCount === 0) this.#worker.unref()
  }

  #cancel(pending: Pending): void {
    if (pending.isSettled) return
    if (pending.id === UNSENT) {
      this.#settle(pending)
      pending.reject(new StatementStopped('not_started'))
      return
    }
    this.#board.cancel(pending.id)
    this.#interrupt(pending, FIRST_REPEAT_MS)
  }

  /** When it is not running, it has ended, or sees the cancellation before it starts. */
  #interrupt(pending: Pending, delayMs: number): void {
    if (!this.#board.interrupt(pending.id, this.#interruptSlot)) return
    const again = (): void => this.#interrupt(pending, Math.min(delayMs * 2, LAST_REPEAT_MS))
    pending.repeat = setTimeout(again, delayMs).unref()
  }
}
