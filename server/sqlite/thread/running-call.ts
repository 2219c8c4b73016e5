import { StatementStopped } from '../../pool/cancellation.ts'
import type { Session } from '../session.ts'
import type { StopCheck } from '../session-call.ts'
import { NO_SLOT } from '../interrupt/extension.ts'
import type { CallBoard } from './call-board.ts'

/** One call that may be ended early, on the thread that runs it. */
class RunningCall implements StopCheck {
  readonly #id: number
  readonly #board: CallBoard
  readonly #session: Session
  #isReleased = false

  constructor(id: number, board: CallBoard, session: Session) {
    this.#id = id
    this.#board = board
    this.#session = session
    board.begin(id)
  }

  get isInterrupt(): boolean {
    return this.#board.slot !== NO_SLOT
  }

  isStopped(): boolean {
    return !this.#isReleased && this.#board.isCancelled(this.#id)
  }

  release(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    // SQLite keeps the interrupt while any statement is active, and the next call would get it.
    if (this.#board.end(this.#id)) this.#session.closeCursors()
  }
}

/**
 * Runs a call that may be cancelled.
 *
 * @throws {STATEMENT_STOPPED} when it was, before its start or before its end.
 */
export function runStoppable<T>(
  id: number,
  { board, session }: { readonly board: CallBoard; readonly session: Session },
  run: (stop: StopCheck) => T,
): T {
  const call = new RunningCall(id, board, session)
  try {
    if (call.isStopped()) throw new StatementStopped('not_started')
    return run(call)
  } catch (error) {
    const isInterrupt = (error as NodeJS.ErrnoException).code === 'SQLITE_INTERRUPT'
    throw isInterrupt && board.isCancelled(id) ? new StatementStopped('rolled_back') : error
  } finally {
    call.release()
  }
}
