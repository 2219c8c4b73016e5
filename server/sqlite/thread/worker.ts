import { parentPort, workerData } from 'node:worker_threads'
import { loadInterrupt } from '../interrupt/extension.ts'
import { Session } from '../session.ts'
import { CallBoard } from './call-board.ts'
import { RequestServer } from './request-server.ts'
import { encodeError } from './wire-error.ts'
import type { Answer, AnswerBatch, Opening, RequestBatch, ThreadData } from './wire.ts'

/** Answers wait for the rest of their batch this long; so one slow statement delays few others. */
const MAX_ANSWER_DELAY_MS = 1

const port = parentPort!
const { role, options, memory, library } = workerData as ThreadData
const board = new CallBoard(memory)

try {
  // Each handle of a reset has a slot of its own.
  const session = new Session(role, options, (database) => {
    board.slot = loadInterrupt(database, library)
  })
  const server = new RequestServer(session, board)
  port.on('message', (batch: RequestBatch) => serve(session, server, batch))
  port.postMessage([true] satisfies Opening)
} catch (error) {
  // Without a listener on the port nothing keeps this thread: it ends by itself.
  port.postMessage([false, encodeError(error)] satisfies Opening)
}

function serve(session: Session, server: RequestServer, [firstId, requests]: RequestBatch): void {
  let answers: Answer[] = []
  let transfer = new Set<ArrayBuffer>()
  let sinceMs = performance.now()
  for (const [i, request] of requests.entries()) {
    answers.push(server.answer(firstId + i, request, transfer))
    const nowMs = performance.now()
    if (nowMs - sinceMs < MAX_ANSWER_DELAY_MS && i < requests.length - 1) continue
    post([session.inTransaction, session.openCursorCount, session.isAltered, answers], transfer)
    answers = []
    transfer = new Set()
    sinceMs = nowMs
  }
  // The last handle of this thread, which ends once its answers are delivered. A message posted to a
  // closed port is dropped without a word, so it closes after them.
  if (requests.at(-1)?.[0] === 'close') port.close()
}

function post(batch: AnswerBatch, transfer: ReadonlySet<ArrayBuffer>): void {
  port.postMessage(batch, [...transfer])
}
