import { parentPort, workerData } from 'node:worker_threads'
import { Session } from '../session.ts'
import { encodeError } from './wire-error.ts'
import { encodeRows } from './wire-rows.ts'
import type {
  Answer,
  AnswerBatch,
  Answers,
  Opening,
  Request,
  RequestBatch,
  ThreadData,
} from './wire.ts'

/** Answers wait for the rest of their batch this long; so one slow statement delays few others. */
const MAX_ANSWER_DELAY_MS = 1

const port = parentPort!
const { role, options } = workerData as ThreadData

try {
  const session = new Session(role, options)
  port.on('message', (requests: RequestBatch) => serve(session, requests))
  port.postMessage([true] satisfies Opening)
} catch (error) {
  // Without a listener on the port nothing keeps this thread: it ends by itself.
  port.postMessage([false, encodeError(error)] satisfies Opening)
}

function serve(session: Session, requests: RequestBatch): void {
  let answers: Answer[] = []
  let sinceMs = performance.now()
  for (const [i, request] of requests.entries()) {
    answers.push(answer(session, request))
    const nowMs = performance.now()
    if (nowMs - sinceMs < MAX_ANSWER_DELAY_MS && i < requests.length - 1) continue
    post([session.inTransaction, session.openCursorCount, session.isAltered, answers])
    answers = []
    sinceMs = nowMs
  }
  // The last handle of this thread, which ends once its answers are delivered. A message posted to a
  // closed port is dropped without a word, so it closes after them.
  if (requests.at(-1)?.[0] === 'close') port.close()
}

function post(batch: AnswerBatch): void {
  port.postMessage(batch)
}

function answer(session: Session, request: Request): Answer {
  try {
    return [true, execute(session, request)]
  } catch (error) {
    return [false, encodeError(error)]
  }
}

function execute(session: Session, request: Request): Answers[keyof Answers] {
  switch (request[0]) {
    case 'all':
      return encodeRows(session.all(request[1], request[2]))
    case 'get': {
      const row = session.get(request[1], request[2])
      return encodeRows(row === undefined ? [] : [row])
    }
    case 'run': {
      const { changes, lastInsertRowid } = session.run(request[1], request[2])
      return [changes, lastInsertRowid]
    }
    case 'exec':
      session.exec(request[1])
      return null
    case 'iterate': {
      const { cursorId, rows, isDone } = session.openCursor(request[1], request[2])
      return [cursorId, encodeRows(rows), isDone]
    }
    case 'fetch': {
      const { rows, isDone } = session.fetch(request[1])
      return [encodeRows(rows), isDone]
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
