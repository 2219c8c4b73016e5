import { Worker } from 'node:worker_threads'
import type { Role } from '../../../telemetry/stats.ts'
import type {
  BindArguments,
  Connection,
  Cursor,
  ResetReport,
  Row,
  RunResult,
} from '../../pool/connection.ts'
import { BatchCursor } from '../cursor.ts'
import { ConnectionLostError } from '../errors.ts'
import type { SqliteOptions } from '../options.ts'
import type { RowBatch } from '../session.ts'
import { RequestQueue } from './request-queue.ts'
import { encodeArguments } from './wire-arguments.ts'
import { decodeError } from './wire-error.ts'
import { decodeRows } from './wire-rows.ts'
import type { AnswerBatch, Answers, Opening, Request, ThreadData } from './wire.ts'

/** The published package has compiled files; from a checkout Node strips the types itself. */
const WORKER_URL = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)

/**
 * Opens a connection on a thread of its own, so that no statement blocks the caller's.
 *
 * - The requests of one tick cross as one message, and so do their answers.
 * - The thread keeps the process alive only while something is asked of it.
 * - When it ends by itself, everything in flight rejects with `DB_WORKER_LOST` and then `onLost` is called.
 *   SQLite rolls an open transaction back and frees the lock.
 *
 * @throws the driver's error when the file cannot be opened; the thread has ended by then.
 */
export async function openThreadConnection(
  role: Role,
  options: SqliteOptions,
): Promise<Connection> {
  const worker = new Worker(WORKER_URL, {
    workerData: { role, options } satisfies ThreadData,
    // What the process preloads (an instrumentation, a test runner) must not run in each connection.
    execArgv: [],
    name: `glasspool ${role}`,
  })
  await opened(worker)
  return new ThreadConnection(role, worker)
}

function opened(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined
    const onMessage = (opening: Opening): void => {
      if (opening[0]) {
        worker.off('error', onError).off('exit', onExit)
        resolve()
      } else {
        failure = decodeError(opening[1])
      }
    }
    const onError = (error: Error): void => {
      failure ??= new ConnectionLostError(error)
    }
    // Only when the thread has ended is nothing left of it, neither a handle nor a lock.
    const onExit = (): void => reject(failure ?? new ConnectionLostError())
    worker.once('message', onMessage).on('error', onError).once('exit', onExit)
  })
}

class ThreadConnection implements Connection {
  readonly role: Role
  readonly #worker: Worker
  readonly #queue: RequestQueue
  readonly #ended: Promise<void>
  #closing: Promise<void> | undefined
  /** Why nothing more can be asked. */
  #refusal: Error | undefined
  #crash: Error | undefined
  #inTransaction = false
  #openCursorCount = 0
  #isAltered = false
  onLost: ((error: Error) => void) | undefined

  constructor(role: Role, worker: Worker) {
    this.role = role
    this.#worker = worker
    this.#queue = new RequestQueue(worker)
    worker.on('message', (batch: AnswerBatch) => this.#receive(batch))
    worker.on('error', (error: Error) => (this.#crash ??= error))
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        resolve()
        this.#end()
      })
    })
    worker.unref()
  }

  get inTransaction(): boolean {
    return this.#inTransaction
  }

  get openCursorCount(): number {
    return this.#openCursorCount
  }

  get isAltered(): boolean {
    return this.#isAltered
  }

  async all(sql: string, args: BindArguments): Promise<Row[]> {
    return decodeRows(await this.#ask('all', ['all', text(sql), encodeArguments(args)]))
  }

  async get(sql: string, args: BindArguments): Promise<Row | undefined> {
    return decodeRows(await this.#ask('get', ['get', text(sql), encodeArguments(args)]))[0]
  }

  async run(sql: string, args: BindArguments): Promise<RunResult> {
    const answer = await this.#ask('run', ['run', text(sql), encodeArguments(args)])
    return { changes: answer[0], lastInsertRowid: answer[1] }
  }

  async exec(sql: string): Promise<void> {
    await this.#ask('exec', ['exec', text(sql)])
  }

  async iterate(sql: string, args: BindArguments): Promise<Cursor> {
    const [cursorId, rows, isDone] = await this.#ask('iterate', [
      'iterate',
      text(sql),
      encodeArguments(args),
    ])
    return new BatchCursor(
      { cursorId, rows: decodeRows(rows), isDone },
      { fetch: (id) => this.#fetch(id), close: (id) => this.#closeCursor(id) },
    )
  }

  reset(): Promise<ResetReport> {
    return this.#ask('reset', ['reset'])
  }

  /**
   * Closes after the calls already made were answered, and resolves when the thread has ended. Nothing
   * can interrupt a statement inside SQLite, not even the end of the process: it takes as long as that.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#refusal !== undefined) return
    const answered = this.#ask('close', ['close'])
    this.#refusal = new TypeError('The database connection is not open')
    // A thread that is lost meanwhile is as closed as it can be.
    await answered.catch(() => null)
    this.#worker.ref()
    await this.#ended
  }

  async #fetch(cursorId: number): Promise<RowBatch> {
    const [rows, isDone] = await this.#ask('fetch', ['fetch', cursorId])
    return { rows: decodeRows(rows), isDone }
  }

  async #closeCursor(cursorId: number): Promise<void> {
    await this.#ask('closeCursor', ['closeCursor', cursorId])
  }

  #ask<K extends keyof Answers>(
    _kind: K,
    request: Request & readonly [K, ...unknown[]],
  ): Promise<Answers[K]> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    return this.#queue.push(request) as Promise<Answers[K]>
  }

  #receive([inTransaction, openCursorCount, isAltered, answers]: AnswerBatch): void {
    this.#inTransaction = inTransaction
    this.#openCursorCount = openCursorCount
    this.#isAltered = isAltered
    this.#queue.settle(answers)
  }

  #end(): void {
    this.#inTransaction = false
    this.#openCursorCount = 0
    this.#isAltered = false
    const error = new ConnectionLostError(this.#crash)
    this.#refusal ??= error
    this.#queue.fail(error)
    if (this.#closing === undefined) this.onLost?.(error)
  }
}

/** A value that cannot be cloned must fail its own call and not its whole message. */
function text(sql: string): string {
  if (typeof sql !== 'string') throw new TypeError('Expected first argument to be a string')
  return sql
}
