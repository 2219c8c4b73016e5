import { Worker } from 'node:worker_threads'
import type { Role } from '../../../telemetry/stats.ts'
import type { Cancellation } from '../../pool/cancellation.ts'
import type {
  BatchResult,
  BatchStatement,
  BindArguments,
  Column,
  Connection,
  Cursor,
  ResetReport,
  Row,
  RunResult,
  StatementCall,
} from '../../pool/connection.ts'
import { BatchCursor } from '../cursor.ts'
import type { RowBatch } from '../cursors.ts'
import { ConnectionLostError } from '../errors.ts'
import { interruptSlot } from '../interrupt/control.ts'
import { interruptLibrary, NO_SLOT } from '../interrupt/extension.ts'
import type { SqliteOptions } from '../options.ts'
import { CallBoard } from './call-board.ts'
import { RequestQueue, type RequestParts } from './request-queue.ts'
import { encodeArguments } from './wire-arguments.ts'
import { encodeCall } from './wire-call.ts'
import { decodeError } from './wire-error.ts'
import { decodeRows } from './wire-rows.ts'
import type { AnswerBatch, Answers, Opening, Request, ThreadData, WireStatement } from './wire.ts'

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
 * - A cancelled call ends between two rows, and within SQLite too where the interrupt extension (`library`) is.
 * - When it ends by itself, everything in flight rejects with `DB_WORKER_LOST` and then `onLost` is called.
 *   SQLite rolls an open transaction back and frees the lock.
 *
 * @throws the driver's error when the file cannot be opened; the thread has ended by then.
 */
export async function openThreadConnection(
  role: Role,
  options: SqliteOptions,
  library = interruptLibrary(),
): Promise<Connection> {
  const board = new CallBoard()
  board.slot = NO_SLOT
  const { memory } = board
  const worker = new Worker(WORKER_URL, {
    workerData: { role, options, memory, library } satisfies ThreadData,
    // What the process preloads (an instrumentation, a test runner) must not run in each connection.
    execArgv: [],
    name: `glasspool ${role}`,
  })
  await opened(worker)
  const interrupt = (slot: number): void => {
    if (library !== null) interruptSlot(library, slot)
  }
  return new ThreadConnection(role, { worker, board, interrupt })
}

interface ThreadParts {
  readonly worker: Worker
  readonly board: CallBoard
  readonly interrupt: (slot: number) => void
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
  readonly #board: CallBoard
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

  constructor(role: Role, { worker, board, interrupt }: ThreadParts) {
    this.role = role
    this.#worker = worker
    this.#board = board
    this.#queue = new RequestQueue(worker, board, interrupt)
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

  get canInterrupt(): boolean {
    return this.#board.slot !== NO_SLOT
  }

  async all(sql: string, args: BindArguments, call?: StatementCall): Promise<unknown[]> {
    return decodeRows(await this.#askStatement('all', sql, args, call))
  }

  async get(sql: string, args: BindArguments, call?: StatementCall): Promise<unknown> {
    return decodeRows(await this.#askStatement('get', sql, args, call))[0]
  }

  async run(sql: string, args: BindArguments, call?: StatementCall): Promise<RunResult> {
    const [changes, lastInsertRowid] = await this.#askStatement('run', sql, args, call)
    return { changes, lastInsertRowid }
  }

  async exec(sql: string, call?: StatementCall): Promise<void> {
    const cancellation = call?.cancellation
    await this.#ask('exec', ['exec', text(sql), cancellation !== undefined], { cancellation })
  }

  async iterate(sql: string, args: BindArguments, call?: StatementCall): Promise<Cursor> {
    const [cursorId, rows, isDone] = await this.#askStatement('iterate', sql, args, call)
    const cancellation = call?.cancellation
    return new BatchCursor(
      { cursorId, rows: decodeRows(rows), isDone },
      {
        cancellation,
        fetch: (id) => this.#fetch(id, cancellation),
        close: (id) => this.#closeCursor(id),
      },
    )
  }

  async columns(sql: string): Promise<readonly Column[]> {
    return this.#ask('columns', ['columns', text(sql)])
  }

  async batch(
    statements: readonly BatchStatement[],
    { isAtomic }: { readonly isAtomic: boolean },
    call?: StatementCall,
  ): Promise<BatchResult[]> {
    const transfer = new Set<ArrayBuffer>()
    const wire = statements.map((statement, index) => encodeStatement(statement, index, transfer))
    const results = await this.#ask('batch', ['batch', wire, isAtomic, encodeCall(call)], {
      transfer,
      cancellation: call?.cancellation,
    })
    return results.map(([rows, changes, lastInsertRowid]) => ({
      rows: decodeRows(rows) as Row[],
      changes,
      lastInsertRowid,
    }))
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

  async #fetch(cursorId: number, cancellation: Cancellation | undefined): Promise<RowBatch> {
    const request = ['fetch', cursorId, cancellation !== undefined] as const
    const [rows, isDone] = await this.#ask('fetch', request, { cancellation })
    return { rows: decodeRows(rows), isDone }
  }

  async #closeCursor(cursorId: number): Promise<void> {
    await this.#ask('closeCursor', ['closeCursor', cursorId])
  }

  #askStatement<K extends 'all' | 'get' | 'run' | 'iterate'>(
    kind: K,
    sql: string,
    args: BindArguments,
    call: StatementCall | undefined,
  ): Promise<Answers[K]> {
    const transfer = new Set<ArrayBuffer>()
    const request = [kind, text(sql), encodeArguments(args, transfer), encodeCall(call)] as const
    return this.#ask(kind, request, { transfer, cancellation: call?.cancellation })
  }

  #ask<K extends keyof Answers>(
    _kind: K,
    request: Request & readonly [K, ...unknown[]],
    parts?: RequestParts,
  ): Promise<Answers[K]> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    return this.#queue.push(request, parts) as Promise<Answers[K]>
  }

  #receive([inTransaction, openCursorCount, isAltered, answers]: AnswerBatch): void {
    this.#inTransaction = inTransaction
    this.#openCursorCount = openCursorCount
    this.#isAltered = isAltered
    this.#queue.answer(answers)
  }

  #end(): void {
    this.#inTransaction = false
    this.#openCursorCount = 0
    this.#isAltered = false
    this.#board.slot = NO_SLOT
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

/** What is wrong with one statement is found before any is sent, and has its number. */
function encodeStatement(
  { sql, args = [] }: BatchStatement,
  index: number,
  transfer: Set<ArrayBuffer>,
): WireStatement {
  try {
    return [text(sql), encodeArguments(args, transfer)]
  } catch (error) {
    throw Object.assign(error as Error, { index })
  }
}
