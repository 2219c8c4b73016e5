import type { Role } from '../../telemetry/stats.ts'
import { StatementStopped } from '../pool/cancellation.ts'
import type {
  BatchResult,
  BatchStatement,
  BindArguments,
  Column,
  Connection,
  Cursor,
  ResetReport,
  RunResult,
  StatementCall,
} from '../pool/connection.ts'
import { BatchCursor } from './cursor.ts'
import type { SqliteOptions } from './options.ts'
import { Session } from './session.ts'

/**
 * Opens a connection on the caller's thread: every statement blocks it. For scripts and tests; the
 * same API and errors as the threaded one. A call can be cancelled before its start only: nobody else runs
 * while it does.
 *
 * @throws the driver's error when the file cannot be opened.
 */
export async function openInlineConnection(
  role: Role,
  options: SqliteOptions,
): Promise<Connection> {
  return new InlineConnection(role, new Session(role, options))
}

/** Its methods are `async` so that what the driver throws is a rejection, as from a thread. */
class InlineConnection implements Connection {
  readonly role: Role
  readonly canInterrupt = false
  readonly #session: Session
  /** Never called: the caller's own thread cannot be lost. */
  onLost: ((error: Error) => void) | undefined

  constructor(role: Role, session: Session) {
    this.role = role
    this.#session = session
  }

  get inTransaction(): boolean {
    return this.#session.inTransaction
  }

  get openCursorCount(): number {
    return this.#session.openCursorCount
  }

  get isAltered(): boolean {
    return this.#session.isAltered
  }

  async all(sql: string, args: BindArguments, call?: StatementCall): Promise<unknown[]> {
    return unlessCancelled(call, () => this.#session.all(sql, args, call))
  }

  async get(sql: string, args: BindArguments, call?: StatementCall): Promise<unknown> {
    return unlessCancelled(call, () => this.#session.get(sql, args, call))
  }

  async run(sql: string, args: BindArguments, call?: StatementCall): Promise<RunResult> {
    return unlessCancelled(call, () => this.#session.run(sql, args, call))
  }

  async exec(sql: string, call?: StatementCall): Promise<void> {
    unlessCancelled(call, () => this.#session.exec(sql))
  }

  async iterate(sql: string, args: BindArguments, call?: StatementCall): Promise<Cursor> {
    const session = this.#session
    const opened = unlessCancelled(call, () => session.openCursor(sql, args, call))
    return new BatchCursor(opened, {
      cancellation: call?.cancellation,
      fetch: async (cursorId) => session.fetch(cursorId),
      close: async (cursorId) => session.closeCursor(cursorId),
    })
  }

  async columns(sql: string): Promise<readonly Column[]> {
    return this.#session.columns(sql)
  }

  async batch(
    statements: readonly BatchStatement[],
    options: { readonly isAtomic: boolean },
    call?: StatementCall,
  ): Promise<BatchResult[]> {
    return unlessCancelled(call, () => this.#session.batch(statements, options, call))
  }

  async reset(): Promise<ResetReport> {
    return this.#session.reset()
  }

  async close(): Promise<void> {
    this.#session.close()
  }
}

function unlessCancelled<T>(call: StatementCall | undefined, run: () => T): T {
  const cancellation = call?.cancellation
  if (cancellation?.isCancelled === true) throw new StatementStopped('not_started')
  try {
    return run()
  } finally {
    cancellation?.settled()
  }
}
