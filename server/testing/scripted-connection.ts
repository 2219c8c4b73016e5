import { type Cancellation, StatementStopped } from '../pool/cancellation.ts'
import type {
  BatchResult,
  BatchStatement,
  BindArguments,
  Column,
  Connection,
  Cursor,
  OpenConnection,
  ResetReport,
  Row,
  RunResult,
  StatementCall,
} from '../pool/connection.ts'
import type { Role } from '../../telemetry/stats.ts'

/** What a scripted call does: a value answers, an error rejects, a promise is waited for. */
export type Reaction = unknown

interface Line {
  readonly call: string | RegExp
  readonly reaction: Reaction
  readonly isForEver: boolean
}

const ROWS: readonly Row[] = [{ id: 1 }, { id: 2 }, { id: 3 }]

/**
 * A connection that does what its test says and remembers what it was asked. Without a script every
 * call succeeds at once; BEGIN, COMMIT and ROLLBACK move `inTransaction` as SQLite does.
 */
export class ScriptedConnection implements Connection {
  /** Which attempt to open it was, from 1: the pool's own `connectionId`. */
  readonly id: number
  readonly role: Role
  /** Every call in order: the SQL, `reset`, `close`, `next`, `closeCursor`. */
  readonly calls: string[] = []
  inTransaction = false
  openCursorCount = 0
  isAltered = false
  /** A cancelled call stops at once, with everything rolled back; else it goes on until its script ends. */
  canInterrupt = false
  /** The calls that were cancelled, in order. */
  readonly cancelled: string[] = []
  isClosed = false
  isLost = false
  onLost: ((error: Error) => void) | undefined
  readonly #script: Line[] = []

  constructor(id: number, role: Role) {
    this.id = id
    this.role = role
  }

  /** The next call that matches reacts so, once. `call` is the whole call or a pattern of it. */
  next(call: string | RegExp, reaction: Reaction): this {
    this.#script.push({ call, reaction, isForEver: false })
    return this
  }

  /** Every call that matches reacts so. */
  always(call: string | RegExp, reaction: Reaction): this {
    this.#script.push({ call, reaction, isForEver: true })
    return this
  }

  /** The next call that matches waits until the test answers it. */
  hold(call: string | RegExp): PromiseWithResolvers<unknown> {
    const held = Promise.withResolvers<unknown>()
    this.next(call, held.promise)
    return held
  }

  /** Its thread ends by itself. */
  lose(error: Error = new Error('the thread ended')): void {
    this.isLost = true
    this.inTransaction = false
    this.openCursorCount = 0
    this.isAltered = false
    this.onLost?.(error)
  }

  async all(sql: string, _args: BindArguments, call?: StatementCall): Promise<unknown[]> {
    return ((await this.#stoppable(sql, call)) as Row[] | undefined) ?? [...ROWS]
  }

  async get(sql: string, _args: BindArguments, call?: StatementCall): Promise<unknown> {
    return (await this.#stoppable(sql, call)) ?? ROWS[0]
  }

  async run(sql: string, _args: BindArguments, call?: StatementCall): Promise<RunResult> {
    const result = await this.#stoppable(sql, call)
    return (result as RunResult | undefined) ?? { changes: 1, lastInsertRowid: 1 }
  }

  async columns(sql: string): Promise<readonly Column[]> {
    await this.#call(sql)
    return [{ name: 'id', column: 'id', table: 't', database: 'main', type: 'INTEGER' }]
  }

  async batch(
    statements: readonly BatchStatement[],
    _options: { readonly isAtomic: boolean },
    call?: StatementCall,
  ): Promise<BatchResult[]> {
    const results: BatchResult[] = []
    for (const { sql } of statements) {
      await this.#stoppable(sql, call)
      results.push({ rows: [], changes: 1, lastInsertRowid: 1 })
    }
    return results
  }

  async exec(sql: string, call?: StatementCall): Promise<void> {
    await this.#stoppable(sql, call)
    if (/^BEGIN/i.test(sql)) this.inTransaction = true
    if (/^(COMMIT|ROLLBACK(?! TO))/i.test(sql)) this.inTransaction = false
  }

  /** Two batches: all rows but the last, and the last. */
  async iterate(sql: string, _args: BindArguments, call?: StatementCall): Promise<Cursor> {
    await this.#stoppable(sql, call)
    this.openCursorCount += 1
    const batches = [ROWS.slice(0, -1), ROWS.slice(-1)]
    let isOpen = true
    const end = (): void => {
      if (isOpen && !this.isLost) this.openCursorCount -= 1
      isOpen = false
    }
    return {
      next: async () => {
        await this.#call('next')
        const batch = isOpen ? batches.shift() : undefined
        if (batch === undefined) end()
        return batch
      },
      close: async () => {
        if (!isOpen) return
        await this.#call('closeCursor')
        end()
      },
    }
  }

  async reset(): Promise<ResetReport> {
    await this.#call('reset')
    const report = { hadTransaction: this.inTransaction, openCursorCount: this.openCursorCount }
    this.inTransaction = false
    this.openCursorCount = 0
    this.isAltered = false
    return report
  }

  async close(): Promise<void> {
    if (this.isClosed) throw new Error('BUG: a connection is closed twice')
    this.isClosed = true
    this.calls.push('close')
    const reaction = this.#reactionTo('close')
    if (reaction instanceof Error) throw reaction
    await reaction
  }

  async #stoppable(sql: string, call: StatementCall = {}): Promise<unknown> {
    const { cancellation } = call
    if (cancellation === undefined) return await this.#call(sql)
    const stopped = this.#whenStopped(sql, cancellation)
    // Nothing stops what has no promise to wait for.
    return await Promise.race([this.#call(sql), stopped])
  }

  #whenStopped(sql: string, cancellation: Cancellation): Promise<never> {
    return new Promise((_resolve, reject) => {
      cancellation.onCancel(() => {
        this.cancelled.push(sql)
        if (this.canInterrupt) reject(new StatementStopped('rolled_back'))
      })
    })
  }

  async #call(call: string): Promise<unknown> {
    // A pool that asks something of a connection it has closed has lost count of it.
    if (this.isClosed) throw new Error(`BUG: "${call}" on a connection that is closed`)
    if (this.isLost) throw new Error('the thread ended')
    this.calls.push(call)
    const reaction = this.#reactionTo(call)
    if (reaction instanceof Error) throw reaction
    return await reaction
  }

  #reactionTo(call: string): Reaction {
    const index = this.#script.findIndex((line) =>
      typeof line.call === 'string' ? line.call === call : line.call.test(call),
    )
    const line = this.#script[index]
    if (line === undefined) return undefined
    if (!line.isForEver) this.#script.splice(index, 1)
    return line.reaction
  }
}

export type Opening = 'at once' | 'by hand' | Error

/** One connection that is being opened by hand. */
export interface PendingOpening {
  readonly role: Role
  succeed(): ScriptedConnection
  fail(error: Error): void
}

/** Where scripted connections come from: the `open` of a pool. */
export class ScriptedDatabase {
  /** `at once`, `by hand` (see `pending`), the error of every attempt, or what says so for each. */
  opening: Opening | ((role: Role) => Opening) = 'at once'
  /** In order of opening, closed and lost ones too. */
  readonly connections: ScriptedConnection[] = []
  readonly pending: PendingOpening[] = []
  attemptCount = 0

  readonly open: OpenConnection = (role) => {
    this.attemptCount += 1
    const id = this.attemptCount
    const how = typeof this.opening === 'function' ? this.opening(role) : this.opening
    if (how instanceof Error) return Promise.reject(how)
    if (how === 'at once') return Promise.resolve(this.#create(id, role))
    return new Promise((resolve, reject) => {
      const settle = (): void => void this.pending.splice(this.pending.indexOf(opening), 1)
      const opening: PendingOpening = {
        role,
        succeed: () => {
          settle()
          const connection = this.#create(id, role)
          resolve(connection)
          return connection
        },
        fail: (error) => {
          settle()
          reject(error)
        },
      }
      this.pending.push(opening)
    })
  }

  /** Neither closed nor lost. */
  get alive(): ScriptedConnection[] {
    return this.connections.filter((connection) => !connection.isClosed && !connection.isLost)
  }

  of(role: Role): ScriptedConnection[] {
    return this.alive.filter((connection) => connection.role === role)
  }

  #create(id: number, role: Role): ScriptedConnection {
    const connection = new ScriptedConnection(id, role)
    this.connections.push(connection)
    return connection
  }
}
