import { StatementStopped } from '../pool/cancellation.ts'
import type { ResultLimits } from './result-limits.ts'
import type { StopCheck } from './session-call.ts'

/** A caller that wants only the first row pays for few; one that reads on gets four times more each time. */
const FIRST_BATCH_ROWS = 16
const LAST_BATCH_ROWS = 256

/** Some rows of a cursor; it is already closed when `isDone`. */
export interface RowBatch {
  readonly rows: unknown[]
  readonly isDone: boolean
}

export interface OpenedCursor extends RowBatch {
  readonly cursorId: number
}

interface OpenCursor {
  readonly rows: IterableIterator<unknown>
  /** Over the whole cursor. */
  readonly limits: ResultLimits | null
  batchRows: number
}

/**
 * The cursors of one session. One left open makes SQLite refuse every write and the closing of the
 * handle, even after it was collected as garbage; so all are known here until they are closed.
 */
export class Cursors {
  readonly #cursors = new Map<number, OpenCursor>()
  #lastId = 0

  get size(): number {
    return this.#cursors.size
  }

  /** Takes the first rows with it: a short result needs no second call. */
  open(
    rows: IterableIterator<unknown>,
    limits: ResultLimits | null,
    stop?: StopCheck,
  ): OpenedCursor {
    this.#lastId += 1
    const cursorId = this.#lastId
    this.#cursors.set(cursorId, { rows, limits, batchRows: FIRST_BATCH_ROWS })
    return { cursorId, ...this.fetch(cursorId, stop) }
  }

  fetch(cursorId: number, stop?: StopCheck): RowBatch {
    const cursor = this.#cursors.get(cursorId)
    // An answer of no rows would pass for the end of the result.
    if (cursor === undefined) throw new TypeError('The cursor is closed')
    const rows: unknown[] = []
    try {
      while (rows.length < cursor.batchRows) {
        const row = step(cursor.rows, cursor.limits, stop)
        if (row === undefined) {
          this.#cursors.delete(cursorId)
          return { rows, isDone: true }
        }
        rows.push(row)
      }
    } catch (error) {
      this.close(cursorId)
      throw error
    }
    cursor.batchRows = Math.min(cursor.batchRows * 4, LAST_BATCH_ROWS)
    return { rows, isDone: false }
  }

  close(cursorId: number): void {
    const cursor = this.#cursors.get(cursorId)
    if (cursor === undefined) return
    this.#cursors.delete(cursorId)
    cursor.rows.return?.()
  }

  closeAll(): void {
    for (const cursorId of this.#cursors.keys()) this.close(cursorId)
  }
}

/** All rows, one by one, so that a limit or a stop ends the statement in their middle. */
export function readAll(
  rows: IterableIterator<unknown>,
  limits: ResultLimits | null,
  stop?: StopCheck,
): unknown[] {
  const result: unknown[] = []
  try {
    for (let row = step(rows, limits, stop); row !== undefined; row = step(rows, limits, stop)) {
      result.push(row)
    }
  } catch (error) {
    rows.return?.()
    throw error
  }
  return result
}

/** The next row, `undefined` after the last: SQLite has no value that would be one. */
function step(
  rows: IterableIterator<unknown>,
  limits: ResultLimits | null,
  stop: StopCheck | undefined,
): unknown {
  if (stop?.isStopped() === true) throw new StatementStopped('rolled_back')
  const next = rows.next()
  if (next.done === true) return undefined
  limits?.add(next.value)
  return next.value
}
