import type { Role } from '../../telemetry/stats.ts'
import type {
  BindArguments,
  Connection,
  Cursor,
  ResetReport,
  Row,
  RunResult,
} from '../pool/connection.ts'
import { BatchCursor } from './cursor.ts'
import type { SqliteOptions } from './options.ts'
import { Session } from './session.ts'

/**
 * Opens a connection on the caller's thread: every statement blocks it. For scripts and tests; the
 * same API and errors as the threaded one.
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

  async all(sql: string, args: BindArguments): Promise<Row[]> {
    return this.#session.all(sql, args)
  }

  async get(sql: string, args: BindArguments): Promise<Row | undefined> {
    return this.#session.get(sql, args)
  }

  async run(sql: string, args: BindArguments): Promise<RunResult> {
    return this.#session.run(sql, args)
  }

  async exec(sql: string): Promise<void> {
    this.#session.exec(sql)
  }

  async iterate(sql: string, args: BindArguments): Promise<Cursor> {
    const session = this.#session
    return new BatchCursor(session.openCursor(sql, args), {
      fetch: async (cursorId) => session.fetch(cursorId),
      close: async (cursorId) => session.closeCursor(cursorId),
    })
  }

  async reset(): Promise<ResetReport> {
    return this.#session.reset()
  }

  async close(): Promise<void> {
    this.#session.close()
  }
}
