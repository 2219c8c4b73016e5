import type { TickValues } from '../../telemetry/protocol.ts'
import { merged, merges } from './series.ts'

/**
 * One resolution of the history: a ring of rows, one per step, in columns of 8-byte numbers.
 *
 * - Rows lie on the grid of epoch time: row `k` covers `[k × stepMs, (k + 1) × stepMs)`.
 * - Later samples of a step merge into its row, so the newest row is always up to date.
 * - A step without a sample has no row, and a value that was `null` is `NaN`.
 */
export class HistoryTier {
  readonly stepMs: number
  readonly capacity: number
  /** Which step a slot holds now; −1 for none. A slot that was passed over still holds an older one. */
  readonly #rowOfSlot: Float64Array
  readonly #columns: readonly Float64Array[]
  /** How much time the values merged into the newest row stand for, by column. */
  readonly #weightMs = new Float64Array(merges.length)
  #firstRow = -1
  #newestRow = -1

  constructor(stepMs: number, capacity: number) {
    this.stepMs = stepMs
    this.capacity = capacity
    this.#rowOfSlot = new Float64Array(capacity).fill(-1)
    this.#columns = merges.map(() => new Float64Array(capacity).fill(Number.NaN))
  }

  /** The newest row; −1 before the first. */
  get newestRow(): number {
    return this.#newestRow
  }

  /** The oldest row that may still be there. */
  get oldestRow(): number {
    return Math.max(this.#firstRow, this.#newestRow - this.capacity + 1)
  }

  /** Whether everything ever recorded from `fromMs` on is still here. */
  covers(fromMs: number): boolean {
    const isWhole = this.oldestRow === this.#firstRow
    return isWhole || fromMs >= this.oldestRow * this.stepMs
  }

  /** Merges a sample that stands for `spanMs`; it must not be older than the newest row. */
  add(atMs: number, values: TickValues, spanMs: number): void {
    const row = Math.floor(atMs / this.stepMs)
    const slot = row % this.capacity
    if (row > this.#newestRow) this.#open(row, slot)
    for (const [column, merge] of merges.entries()) {
      const value = values[column] ?? Number.NaN
      if (Number.isNaN(value)) continue
      const weightMs = this.#weightMs[column]! + spanMs
      this.#weightMs[column] = weightMs
      const cells = this.#columns[column]!
      cells[slot] = merged(merge, cells[slot]!, { value, share: spanMs / weightMs })
    }
  }

  /** The value of a row, `NaN` when there is none. */
  value(row: number, column: number): number {
    const slot = row % this.capacity
    return this.#rowOfSlot[slot] === row ? this.#columns[column]![slot]! : Number.NaN
  }

  #open(row: number, slot: number): void {
    if (this.#firstRow === -1) this.#firstRow = row
    this.#newestRow = row
    this.#rowOfSlot[slot] = row
    this.#weightMs.fill(0)
    for (const column of this.#columns) column[slot] = Number.NaN
  }
}
