/** One column of numbers over time; `null` is no data and is drawn as a gap. */
export type Column = (number | null)[]

/** A stretch without data. `toMs` is `null` while it lasts. */
export interface Gap {
  readonly fromMs: number
  readonly toMs: number | null
}

/** Points in the order that a chart takes: times first, then one column for each series. */
export interface Slice {
  readonly atMs: number[]
  readonly columns: readonly Column[]
}

/**
 * Numbers over time, columnar and bounded.
 *
 * - Times rise strictly; a point that is not later than the last one is ignored.
 * - At most `capacity` points are kept, the newest.
 * - Two points further apart than `gapAfterMs` have a row of nulls between them, so that no line is
 *   drawn over what nobody measured.
 */
export class TimeColumns {
  readonly #capacity: number
  readonly #gapAfterMs: number
  readonly #width: number
  #atMs: number[] = []
  #columns: Column[]

  constructor(options: {
    readonly width: number
    readonly capacity: number
    readonly gapAfterMs: number
  }) {
    this.#capacity = options.capacity
    this.#gapAfterMs = options.gapAfterMs
    this.#width = options.width
    this.#columns = this.#emptyColumns()
  }

  get length(): number {
    return this.#atMs.length
  }

  get firstAtMs(): number | null {
    return this.#atMs[0] ?? null
  }

  get lastAtMs(): number | null {
    return this.#atMs.at(-1) ?? null
  }

  push(atMs: number, values: readonly (number | null)[]): void {
    const last = this.lastAtMs
    if (last !== null && atMs <= last) return
    if (last !== null && atMs - last > this.#gapAfterMs) this.pushGap()
    this.#append(atMs, values)
    this.#trim()
  }

  /** The newest point again, with what has been learned since. */
  replaceLast(atMs: number, values: readonly (number | null)[]): void {
    const last = this.#atMs.length - 1
    if (last < 0 || (last > 0 && atMs <= this.#atMs[last - 1]!)) return
    this.#atMs[last] = atMs
    for (let i = 0; i < this.#width; i += 1) this.#columns[i]![last] = values[i] ?? null
  }

  lastValues(): (number | null)[] {
    return this.#columns.map((column) => column.at(-1) ?? null)
  }

  /** Ends the line here whatever the time of the next point: something in between was lost. */
  pushGap(): void {
    const last = this.#atMs.length - 1
    if (last < 0 || this.#isEmptyRow(last)) return
    this.#append(this.#atMs[last]! + 1, [])
  }

  /** Puts in what the server remembers; what we have outside of its window stays. */
  merge(slice: Slice): void {
    const fromMs = slice.atMs[0]
    const toMs = slice.atMs.at(-1)
    if (fromMs === undefined || toMs === undefined) return
    const ours = { atMs: this.#atMs, columns: this.#columns }
    const before = rowsWhere(ours, (atMs) => atMs < fromMs)
    const after = rowsWhere(ours, (atMs) => atMs > toMs)
    this.#atMs = []
    this.#columns = this.#emptyColumns()
    for (const [atMs, values] of [...before, ...rowsWhere(slice, () => true), ...after]) {
      this.push(atMs, values)
    }
  }

  /** The points of a window, and one more on each side so that lines reach its edges. */
  slice(fromMs: number, toMs: number, columns: readonly number[]): Slice {
    const start = Math.max(0, this.#indexAtOrAfter(fromMs) - 1)
    const end = this.#indexAtOrAfter(toMs + 1) + 1
    return {
      atMs: this.#atMs.slice(start, end),
      columns: columns.map((index) => this.#columns[index]!.slice(start, end)),
    }
  }

  /** Stretches without data that touch the window. */
  gaps(fromMs: number, toMs: number): Gap[] {
    const found: Gap[] = []
    const end = Math.min(this.length, this.#indexAtOrAfter(toMs + 1) + 1)
    for (let i = Math.max(1, this.#indexAtOrAfter(fromMs) - 1); i < end; i += 1) {
      if (!this.#isEmptyRow(i) || this.#isEmptyRow(i - 1)) continue
      const gapFromMs = this.#atMs[i - 1]!
      while (i < this.length && this.#isEmptyRow(i)) i += 1
      found.push({ fromMs: gapFromMs, toMs: this.#atMs[i] ?? null })
    }
    return found
  }

  copy(): TimeColumns {
    const twin = new TimeColumns({
      width: this.#width,
      capacity: this.#capacity,
      gapAfterMs: this.#gapAfterMs,
    })
    twin.#atMs = [...this.#atMs]
    twin.#columns = this.#columns.map((column) => [...column])
    return twin
  }

  #append(atMs: number, values: readonly (number | null)[]): void {
    this.#atMs.push(atMs)
    for (let i = 0; i < this.#width; i += 1) this.#columns[i]!.push(values[i] ?? null)
  }

  // In steps of an eighth: to drop the first of many at every push would move all the others.
  #trim(): void {
    if (this.#atMs.length <= this.#capacity * 1.125) return
    const surplus = this.#atMs.length - this.#capacity
    this.#atMs.splice(0, surplus)
    for (const column of this.#columns) column.splice(0, surplus)
  }

  #isEmptyRow(index: number): boolean {
    return this.#columns.every((column) => column[index] === null)
  }

  #indexAtOrAfter(atMs: number): number {
    let low = 0
    let high = this.#atMs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#atMs[middle]! < atMs) low = middle + 1
      else high = middle
    }
    return low
  }

  #emptyColumns(): Column[] {
    return Array.from({ length: this.#width }, () => [])
  }
}

type Row = readonly [atMs: number, values: (number | null)[]]

function rowsWhere(slice: Slice, isWanted: (atMs: number) => boolean): Row[] {
  const rows: Row[] = []
  for (const [i, atMs] of slice.atMs.entries()) {
    if (isWanted(atMs)) rows.push([atMs, slice.columns.map((column) => column[i] ?? null)])
  }
  return rows
}
