import type { Worker } from 'node:worker_threads'
import { decodeError } from './wire-error.ts'
import type { Answer, Request } from './wire.ts'

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * The requests to one thread: gathered until the end of the tick, sent as one message, answered in
 * order. The thread keeps the process alive exactly while an answer is outstanding.
 */
export class RequestQueue {
  readonly #worker: Worker
  #unsent: Request[] = []
  /** Sent or not, oldest first. */
  readonly #pending: Pending[] = []

  constructor(worker: Worker) {
    this.#worker = worker
  }

  push(request: Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#pending.length === 0) this.#worker.ref()
      this.#pending.push({ resolve, reject })
      if (this.#unsent.push(request) === 1) queueMicrotask(() => this.#send())
    })
  }

  settle(answers: readonly Answer[]): void {
    const settled = this.#pending.splice(0, answers.length)
    if (this.#pending.length === 0) this.#worker.unref()
    for (const [i, answer] of answers.entries()) {
      if (answer[0]) settled[i]!.resolve(answer[1])
      else settled[i]!.reject(decodeError(answer[1]))
    }
  }

  /** Rejects everything outstanding; nothing is asked of this thread any more. */
  fail(error: Error): void {
    this.#unsent = []
    for (const pending of this.#pending.splice(0)) pending.reject(error)
  }

  #send(): void {
    const requests = this.#unsent
    if (requests.length === 0) return
    this.#unsent = []
    try {
      this.#worker.postMessage(requests)
    } catch (error) {
      // Not sent at all (a detached buffer, no memory for the copy), so these are the last of the line.
      const refused = this.#pending.splice(-requests.length)
      if (this.#pending.length === 0) this.#worker.unref()
      for (const pending of refused) pending.reject(error as Error)
    }
  }
}
