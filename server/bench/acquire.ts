import { fork, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { AcquireCase } from './acquire-subject.ts'
import { contenders } from './contenders.ts'

const cases = {
  uncontended: { size: 5, callers: 1 },
  contended: { size: 5, callers: 50 },
  queue_32: { size: 5, callers: 37 },
  queue_10000: { size: 5, callers: 10_005 },
} as const satisfies Record<string, Omit<AcquireCase, 'sampleMs'>>

type CaseName = keyof typeof cases

/** Over all rounds. */
interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** What `--json` prints: ns of CPU for one acquire and release. Compare ratios; times are of one machine. */
export interface AcquireReport {
  readonly bench: 'acquire'
  readonly node: string
  readonly cores: number
  readonly rounds: number
  readonly nsPerAcquire: Readonly<Record<CaseName, Readonly<Record<string, Spread>>>>
  /** Medians of the ratios within each round. */
  readonly ratios: Readonly<Record<string, number>>
}

/**
 * Measures every contender in every case once a round, in an order that turns with the round, so that a
 * machine that speeds up or slows down does it to all of them.
 */
export async function measureAcquire(
  options: { readonly rounds?: number; readonly sampleMs?: number } = {},
): Promise<AcquireReport> {
  const { rounds = 7, sampleMs = 40 } = options
  const subjects = Object.keys(contenders).map((name) => new Subject(name))
  const samples = new Map<string, number[]>()
  const caseNames = Object.keys(cases) as CaseName[]
  try {
    // The first round is for the compiler, and is thrown away.
    for (let round = -1; round < rounds; round += 1) {
      for (const name of rotate(caseNames, round)) {
        for (const subject of rotate(subjects, round)) {
          const ns = await subject.sample({ ...cases[name], sampleMs })
          const key = `${name} ${subject.name}`
          if (round >= 0) samples.set(key, [...(samples.get(key) ?? []), ns])
        }
      }
    }
  } finally {
    for (const subject of subjects) subject.close()
  }
  return toReport(samples, rounds)
}

class Subject {
  readonly name: string
  readonly #child: ChildProcess

  constructor(name: string) {
    this.name = name
    this.#child = fork(join(import.meta.dirname, 'acquire-subject.ts'), [name])
  }

  sample(given: AcquireCase): Promise<number> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void =>
        reject(new Error(`the process of ${this.name} ended with ${String(code)}`))
      this.#child.once('exit', onExit)
      this.#child.once('message', (ns: number) => {
        this.#child.off('exit', onExit)
        resolve(ns)
      })
      this.#child.send(given)
    })
  }

  close(): void {
    this.#child.kill()
  }
}

function rotate<T>(list: readonly T[], by: number): T[] {
  const start = (by + list.length) % list.length
  return [...list.slice(start), ...list.slice(0, start)]
}

function toReport(samples: ReadonlyMap<string, readonly number[]>, rounds: number): AcquireReport {
  const of = (name: CaseName, contender: string): readonly number[] =>
    samples.get(`${name} ${contender}`)!
  const ratio = (above: readonly number[], below: readonly number[]): number =>
    Math.round(median(above.map((ns, round) => ns / below[round]!)) * 1000) / 1000
  const names = Object.keys(contenders)
  const [ours, ...others] = names as [string, ...string[]]
  return {
    bench: 'acquire',
    node: process.version,
    cores: availableParallelism(),
    rounds,
    nsPerAcquire: Object.fromEntries(
      (Object.keys(cases) as CaseName[]).map((name) => [
        name,
        Object.fromEntries(names.map((contender) => [contender, spread(of(name, contender))])),
      ]),
    ) as AcquireReport['nsPerAcquire'],
    ratios: {
      queue_10000_vs_32: ratio(of('queue_10000', ours), of('queue_32', ours)),
      // Ten thousand live promises cost whoever holds them: what of it is not ours.
      ...Object.fromEntries(
        others.map((other) => [
          `queue_10000_vs_32_of_${other}`,
          ratio(of('queue_10000', other), of('queue_32', other)),
        ]),
      ),
      ...Object.fromEntries(
        others.flatMap((other) =>
          (['uncontended', 'contended'] as const).map((name) => [
            `${name}_vs_${other}`,
            ratio(of(name, ours), of(name, other)),
          ]),
        ),
      ),
    },
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const spread = (values: readonly number[]): Spread => ({
  median: Math.round(median(values)),
  min: Math.round(Math.min(...values)),
  max: Math.round(Math.max(...values)),
})

/** The report for a person. */
export function formatAcquire(report: AcquireReport): string {
  const names = Object.keys(contenders)
  const row = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(14) : cell.padStart(24))).join('')
  const lines = [
    `acquire + release, ns of CPU: median [min–max] of ${report.rounds} rounds, Node ${report.node}, ${report.cores} cores`,
    '',
    row(['', ...names]),
    ...Object.entries(report.nsPerAcquire).map(([name, spreads]) =>
      row([
        name,
        ...names.map((contender) => {
          const { median: middle, min, max } = spreads[contender]!
          return `${middle} [${min}–${max}]`
        }),
      ]),
    ),
    '',
    ...Object.entries(report.ratios).map(([name, value]) => `${name.padEnd(28)} ${value}`),
  ]
  return `${lines.join('\n')}\n`
}
