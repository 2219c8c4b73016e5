import { StatementStopped, type Cancellation } from '../pool/cancellation.ts'
import type { Cursor } from '../pool/connection.ts'
import type { OpenedCursor, RowBatch } from './cursors.ts'

interface CursorSource {
  /** Of the call that opened it. It also ends what is read later, until the last row. */
  readonly cancellation: Cancellation | undefined
  readonly fetch: (cursorId: number) => Promise<RowBatch>
  readonly close: (cursorId: number) => Promise<void>
}

/** A cursor of either execution. Its first rows came with its opening. */
export class BatchCursor implements Cursor {
  readonly #id: number
  readonly #source: CursorSource
  #first: readonly unknown[] | undefined
  #isDone: boolean

  constructor(opened: OpenedCursor, source: CursorSource) {
    this.#id = opened.cursorId
    this.#source = source
    this.#first = opened.rows
    this.#isDone = opened.isDone
  }

  async next(): Promise<readonly unknown[] | undefined> {
    const rows = await this.#take()
    return rows.length === 0 ? undefined : rows
  }

  async close(): Promise<void> {
    this.#first = undefined
    if (this.#isDone) return
    this.#isDone = true
    await this.#source.close(this.#id)
  }

  async #take(): Promise<readonly unknown[]> {
    // The rows that are here already go nowhere: whoever cancelled wants no more of them.
    if (!this.#isDone && this.#source.cancellation?.isCancelled === true) return this.#stop()
    const rows = this.#first
    this.#first = undefined
    return rows ?? this.#fetch()
  }

  async #fetch(): Promise<readonly unknown[]> {
    if (this.#isDone) return []
    try {
      const { rows, isDone } = await this.#source.fetch(this.#id)
      this.#isDone = isDone
      return rows
    } catch (error) {
      if (error instanceof StatementStopped) return this.#stop()
      throw error
    }
  }

  /** The fetch may not have begun; the statement had. */
  async #stop(): Promise<never> {
    await this.close()
    throw new StatementStopped('rolled_back')
  }
}
