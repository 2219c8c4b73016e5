import type { Role } from '../../../telemetry/stats.ts'
import type { BindArguments, Column, ResetReport } from '../../pool/connection.ts'
import type { SqliteOptions } from '../options.ts'
import type { WireCall } from './wire-call.ts'
import type { WireError } from './wire-error.ts'
import type { WireRows } from './wire-rows.ts'

/** What the thread is started with. */
export interface ThreadData {
  readonly role: Role
  readonly options: SqliteOptions
  /** Of the `CallBoard`. */
  readonly memory: SharedArrayBuffer
  /** The path of the interrupt extension. */
  readonly library: string | null
}

/** The first message of a thread: the connection is open, or why it is not. A failed thread ends. */
export type Opening = readonly [true] | readonly [false, WireError]

export type WireStatement = readonly [sql: string, args: BindArguments]

/** Tuples, because the names of an object's properties would be copied with every message. */
export type Request =
  | readonly ['all' | 'get' | 'run' | 'iterate', ...WireStatement, call: WireCall]
  | readonly ['exec', sql: string, isStoppable: boolean]
  | readonly ['columns', sql: string]
  | readonly ['batch', statements: readonly WireStatement[], isAtomic: boolean, call: WireCall]
  | readonly ['fetch', cursorId: number, isStoppable: boolean]
  | readonly ['closeCursor', cursorId: number]
  | readonly ['reset' | 'close']

/** The requests of one tick of the caller. Their ids count on from the first one's. */
export type RequestBatch = readonly [firstId: number, requests: readonly Request[]]

export type WireRunResult = readonly [changes: number, lastInsertRowid: number | bigint]

/** The first rows come with the opening of a cursor; a short result takes one round trip in all. */
export type WireBatch = readonly [rows: WireRows, isDone: boolean]
export type WireCursor = readonly [cursorId: number, ...WireBatch]

/** What each kind of request is answered with. */
export interface Answers {
  readonly all: WireRows
  readonly get: WireRows
  readonly run: WireRunResult
  readonly iterate: WireCursor
  readonly fetch: WireBatch
  readonly closeCursor: null
  readonly columns: readonly Column[]
  readonly batch: readonly (readonly [rows: WireRows, ...WireRunResult])[]
  readonly exec: null
  readonly reset: ResetReport
  readonly close: null
}

export type Answer = readonly [true, Answers[keyof Answers]] | readonly [false, WireError]

/** Answers in the order of the requests, which is why they carry no id, and the state after the last. */
export type AnswerBatch = readonly [
  inTransaction: boolean,
  openCursorCount: number,
  isAltered: boolean,
  answers: readonly Answer[],
]
