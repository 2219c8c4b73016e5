// What the benchmarks share: subjects that are measured in turn, each in a process of its own, and the
// statistics of their rounds.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** A process that answers each case it is given with one sample: see `answerCases`. */
export class Subject<Case extends object, Sample> {
  readonly name: string
  readonly #child: ChildProcess

  /** `file` is a module of this directory; it gets the name as its argument. */
  constructor(file: string, name: string, execArgv: readonly string[] = []) {
    this.name = name
    this.#child = fork(join(import.meta.dirname, file), [name], { execArgv: [...execArgv] })
  }

  sample(given: Case): Promise<Sample> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new Error(`the process of ${this.name} ended with ${String(code)}`))
      this.#child.once('exit', onExit)
      this.#child.once('message', (sample) => {
        this.#child.off('exit', onExit)
        resolve(sample as Sample)
      })
      this.#child.send(given, (error) => {
        if (error !== null) reject(error)
      })
    })
  }

  /** Resolves when the process is gone, and holds no file any more. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.kill()
    await gone
  }
}

/** The other end of a `Subject`; nothing happens when the module was imported. */
export function answerCases<Case, Sample>(
  module: { readonly filename: string },
  sample: (name: string, given: Case) => Promise<Sample>,
): void {
  const [, main, name] = process.argv
  if (process.send === undefined || main !== module.filename || name === undefined) return
  process.on('message', (given) => {
    void sample(name, given as Case).then((answer) => process.send?.(answer))
  })
}

/** The order of a round: it turns, so that nobody always follows the same one. From round −1 on. */
export function rotate<T>(list: readonly T[], round: number): T[] {
  const start = (round + list.length) % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

/** Over all rounds. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spread(values: readonly number[], digits = 0): Spread {
  return {
    median: round(median(values), digits),
    min: round(Math.min(...values), digits),
    max: round(Math.max(...values), digits),
  }
}

export function formatSpread({ median: middle, min, max }: Spread): string {
  return `${middle} [${min}–${max}]`
}

/** Median of the ratios within each round: a machine that is slow in a round is slow for both. */
export function medianRatio(above: readonly number[], below: readonly number[]): number {
  return round(median(above.map((value, index) => value / below[index]!)), 3)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}

/** One line of a table: the first column to the left, the others to the right. */
export function formatRow(cells: readonly string[], widths: readonly [number, number]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[1])))
    .join('')
    .trimEnd()
}
