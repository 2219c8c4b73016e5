import type { Cursor, Row } from '../pool/connection.ts'
import type { OpenedCursor, RowBatch } from './session.ts'

interface CursorSource {
  readonly fetch: (cursorId: number) => Promise<RowBatch>
  readonly close: (cursorId: number) => Promise<void>
}

/** A cursor of either execution. Its first rows came with its opening. */
export class BatchCursor implements Cursor {
  readonly #id: number
  readonly #source: CursorSource
  #first: readonly Row[] | undefined
  #isDone: boolean

  constructor(opened: OpenedCursor, source: CursorSource) {
    this.#id = opened.cursorId
    this.#source = source
    this.#first = opened.rows
    this.#isDone = opened.isDone
  }

  async next(): Promise<readonly Row[] | undefined> {
    const rows = this.#first ?? (await this.#fetch())
    this.#first = undefined
    return rows.length === 0 ? undefined : rows
  }

  async close(): Promise<void> {
    this.#first = undefined
    if (this.#isDone) return
    this.#isDone = true
    await this.#source.close(this.#id)
  }

  async #fetch(): Promise<readonly Row[]> {
    if (this.#isDone) return []
    const { rows, isDone } = await this.#source.fetch(this.#id)
    this.#isDone = isDone
    return rows
  }
}
