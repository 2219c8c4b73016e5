// A reader whose transactions stay open for a while, one after the other, until it is told to end.
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { LOOKUP } from './wal-table.ts'

export interface ReaderData {
  readonly path: string
  readonly rows: number
  readonly holdMs: number
  /** So much later than the first one. */
  readonly delayMs: number
  /** Its only number becomes 1 when it is to end. */
  readonly end: Int32Array
}

const { path, rows, holdMs, delayMs, end } = workerData as ReaderData
const database = new Database(path, { readonly: true })
const lookup = database.prepare(LOOKUP)
const look = (): unknown => lookup.get(1 + Math.floor(Math.random() * rows))

let reads = 0
parentPort!.postMessage('ready')
Atomics.wait(end, 0, 0, delayMs)
while (Atomics.load(end, 0) === 0) {
  database.exec('BEGIN')
  look()
  Atomics.wait(end, 0, 0, holdMs)
  look()
  database.exec('COMMIT')
  reads += 1
}
database.close()
parentPort!.postMessage(reads)
