import type { BatchResult } from '../../pool/connection.ts'
import type { Session } from '../session.ts'
import type { SessionCall, StopCheck } from '../session-call.ts'
import type { CallBoard } from './call-board.ts'
import { runStoppable } from './running-call.ts'
import { decodeCall, type WireCall } from './wire-call.ts'
import { encodeError } from './wire-error.ts'
import { encodeRows } from './wire-rows.ts'
import type { Answer, Answers, Request } from './wire.ts'

/** Does on the thread what its caller asks. */
export class RequestServer {
  readonly #session: Session
  readonly #board: CallBoard

  constructor(session: Session, board: CallBoard) {
    this.#session = session
    this.#board = board
  }

  /** Never throws. The memory of the blobs in the answer is added to `transfer`. */
  answer(id: number, request: Request, transfer: Set<ArrayBuffer>): Answer {
    try {
      const execute = (stop?: StopCheck): Answers[keyof Answers] =>
        this.#execute(request, stop, transfer)
      if (!isStoppable(request)) return [true, execute()]
      return [true, runStoppable(id, { board: this.#board, session: this.#session }, execute)]
    } catch (error) {
      return [false, encodeError(error)]
    }
  }

  #execute(
    request: Request,
    stop: StopCheck | undefined,
    transfer: Set<ArrayBuffer>,
  ): Answers[keyof Answers] {
    const session = this.#session
    switch (request[0]) {
      case 'all':
        return encodeRows(session.all(request[1], request[2], callOf(request[3], stop)), transfer)
      case 'get': {
        const row = session.get(request[1], request[2], callOf(request[3], stop))
        return encodeRows(row === undefined ? [] : [row], transfer)
      }
      case 'run': {
        const result = session.run(request[1], request[2], callOf(request[3], stop))
        return [result.changes, result.lastInsertRowid]
      }
      case 'exec':
        session.exec(request[1], callOf(null, stop))
        return null
      case 'columns':
        return session.columns(request[1])
      case 'batch': {
        const statements = request[1].map(([sql, args]) => ({ sql, args }))
        const options = { isAtomic: request[2] }
        const results = session.batch(statements, options, callOf(request[3], stop))
        return results.map((result) => encodeResult(result, transfer))
      }
      case 'iterate': {
        const call = callOf(request[3], stop)
        const { cursorId, rows, isDone } = session.openCursor(request[1], request[2], call)
        return [cursorId, encodeRows(rows, transfer), isDone]
      }
      case 'fetch': {
        const { rows, isDone } = session.fetch(request[1], stop)
        return [encodeRows(rows, transfer), isDone]
      }
      case 'closeCursor':
        session.closeCursor(request[1])
        return null
      case 'reset':
        return session.reset()
      case 'close':
        session.close()
        return null
    }
  }
}

function isStoppable(request: Request): boolean {
  switch (request[0]) {
    case 'all':
    case 'get':
    case 'run':
    case 'iterate':
    case 'batch':
      return request[3]?.[0] === true
    case 'exec':
    case 'fetch':
      return request[2]
    case 'columns':
    case 'closeCursor':
    case 'reset':
    case 'close':
      return false
  }
}

function callOf(wire: WireCall, stop: StopCheck | undefined): SessionCall {
  const call = decodeCall(wire)
  return stop === undefined ? call : { ...call, stop }
}

function encodeResult(
  { rows, changes, lastInsertRowid }: BatchResult,
  transfer: Set<ArrayBuffer>,
): Answers['batch'][number] {
  return [encodeRows(rows, transfer), changes, lastInsertRowid]
}
