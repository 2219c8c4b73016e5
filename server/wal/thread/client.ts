import { Worker } from 'node:worker_threads'
import type { CheckpointMode } from '../../../telemetry/stats.ts'
import type { Clock } from '../../pool/clock.ts'
import { BackOff } from '../back-off.ts'
import { WALError } from '../errors.ts'
import type { OpenReport, PassResult, ThreadReply, ThreadRequest, WorkerOptions } from './wire.ts'

/** An error that SQLite raised in the thread, with its extended code name. */
export class CheckpointFailure extends Error {
  override readonly name = 'CheckpointFailure'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

interface Pending {
  resolve(reply: ThreadReply): void
  reject(error: Error): void
}

/**
 * The main thread's end of the checkpoint thread.
 *
 * - One request is in flight at a time; the caller sees to it.
 * - When the thread dies, the request fails with `DB_WORKER_LOST`, and `revive()` starts another one,
 *   after 0.5 s, then 1 s … 30 s while they keep dying.
 * - It keeps the process alive only while a request is in flight.
 */
export class CheckpointThread {
  readonly #path: string
  readonly #clock: Clock
  readonly #backOff = new BackOff({ firstMs: 500, longestMs: 30_000 })
  #worker: Worker | null = null
  #pending: Pending | null = null
  #exited: Promise<void> = Promise.resolve()
  #revival: Promise<void> | null = null
  #isClosed = false

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  get isAlive(): boolean {
    return this.#worker !== null
  }

  /**
   * Starts the thread and opens its connection.
   *
   * @throws {DB_WORKER_LOST} the thread died
   * @throws {SQLITE_…} the database could not be opened
   */
  async open(): Promise<OpenReport> {
    const workerData: WorkerOptions = { path: this.#path }
    // No inherited flags: a `--import` that instruments the process has no business in this thread.
    const worker = new Worker(workerUrl(), {
      workerData,
      execArgv: [],
      name: 'glasspool-checkpointer',
    })
    this.#worker = worker
    worker.on('message', (reply: ThreadReply) => this.#settle(reply))
    worker.on('error', (error) => this.#lose(worker, error))
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#lose(worker, undefined)
        resolve()
      })
    })
    const reply = await this.#answer()
    if (reply.type !== 'opened')
      throw new WALError('DB_WORKER_LOST', 'the checkpoint thread spoke out of turn')
    return reply.report
  }

  /** Starts a new thread in place of a dead one, if it is time to. Never rejects. */
  async revive(): Promise<void> {
    if (this.#revival !== null) return this.#revival
    if (this.#isClosed || this.isAlive || this.#backOff.isWaiting(this.#clock.nowMs())) return
    this.#revival = this.open().then(
      () => undefined,
      () => this.terminate(),
    )
    await this.#revival
    this.#revival = null
  }

  /** One `wal_checkpoint` of this mode. Rejects with `DB_WORKER_LOST` or SQLite's own code. */
  async pass(mode: CheckpointMode, budgetMs: number): Promise<PassResult> {
    const reply = await this.#request({ type: 'pass', mode, budgetMs })
    if (reply.type !== 'passed')
      throw new WALError('DB_WORKER_LOST', 'the checkpoint thread spoke out of turn')
    this.#backOff.clear()
    return reply.result
  }

  /** Closes the connection in the thread, and ends the thread. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    const request: ThreadRequest = { type: 'close' }
    this.#worker?.ref()
    this.#worker?.postMessage(request)
    await this.#exited
  }

  /** Ends the thread as a crash would: at once, or when the SQLite call that it is in has returned. */
  async terminate(): Promise<void> {
    await this.#worker?.terminate()
    await this.#exited
  }

  async #request(request: ThreadRequest): Promise<ThreadReply> {
    if (this.#worker === null) throw lost(undefined)
    const answer = this.#answer()
    this.#worker.postMessage(request)
    return answer
  }

  async #answer(): Promise<ThreadReply> {
    if (this.#pending !== null)
      throw new Error('BUG: two requests to the checkpoint thread at once')
    this.#worker?.ref()
    const answer = Promise.withResolvers<ThreadReply>()
    this.#pending = answer
    const reply = await answer.promise
    if (reply.type === 'failure') throw new CheckpointFailure(reply.code, reply.message)
    return reply
  }

  #settle(reply: ThreadReply): void {
    this.#worker?.unref()
    const pending = this.#pending
    this.#pending = null
    pending?.resolve(reply)
  }

  #lose(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = null
    const pending = this.#pending
    this.#pending = null
    if (!this.#isClosed) this.#backOff.fail(this.#clock.nowMs())
    pending?.reject(lost(cause))
  }
}

function lost(cause: unknown): WALError {
  return new WALError('DB_WORKER_LOST', 'the checkpoint thread ended by itself', { cause })
}

function workerUrl(): URL {
  // `.ts` in the source tree, `.js` in the published package.
  return new URL(import.meta.url.replace(/client\.([jt]s)$/, 'worker.$1'))
}
