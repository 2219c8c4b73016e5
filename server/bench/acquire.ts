// `npm run bench -- acquire`: what a pool itself costs, side by side with the pools of others.
//
// Settings, and why:
// - Each contender runs in a process of its own, with the flags that Node.js has by default.
// - The clock is the CPU time of the thread. Where the kernel counts it by ticks it moves in steps of 4 ms, so a
//   sample takes 150 ms at least: a step is then under 3 % of it.
// - 7 rounds, interleaved, in an order that turns; a machine that speeds up or slows down does it to all of them.
// - Every contender is called alike: by async functions with `await acquire()` and `await release()`, as a service
//   would. In the cases of the queue's length by one callback: ten thousand suspended functions are the callers', and
//   what the collector does with them is more than any pool costs (see `bare` in the `_awaited` ratio).
import { availableParallelism } from 'node:os'
import type { AcquireCase, AcquireSample } from './acquire-subject.ts'
import { contenders } from './contenders.ts'
import { peers } from './peers.ts'
import {
  Subject,
  formatRow,
  formatSpread,
  median,
  medianRatio,
  rotate,
  spread,
  type Spread,
} from './rounds.ts'

const cases = {
  uncontended: { size: 5, callers: 1, caller: 'function' },
  contended: { size: 5, callers: 50, caller: 'function' },
  queue_32: { size: 5, callers: 37, caller: 'callback' },
  queue_10000: { size: 5, callers: 10_005, caller: 'callback' },
  queue_32_awaited: { size: 5, callers: 37, caller: 'function' },
  queue_10000_awaited: { size: 5, callers: 10_005, caller: 'function' },
} as const satisfies Record<string, Omit<AcquireCase, 'sampleMs'>>

type CaseName = keyof typeof cases

/** Cases that are compared with each other are measured side by side, and the contenders of each likewise. */
const groups: readonly (readonly CaseName[])[] = [
  ['uncontended'],
  ['contended'],
  ['queue_32', 'queue_10000'],
  ['queue_32_awaited', 'queue_10000_awaited'],
]
const caseNames = Object.keys(cases) as CaseName[]

const [ours, ...others] = Object.keys(contenders) as [string, ...string[]]

/** The most that a ratio may be. */
const bars = {
  uncontended_vs_fastest: 1.2,
  contended_vs_fastest: 1,
  queue_10000_vs_32: 1.5,
} as const

interface Bar {
  readonly ratio: keyof typeof bars
  readonly most: number
  readonly isMet: boolean
}

/** What `--json` prints: ns of CPU for one acquire and release. Compare ratios; times are of one machine. */
export interface AcquireReport {
  readonly bench: 'acquire'
  readonly node: string
  readonly cores: number
  readonly rounds: number
  readonly sampleMs: number
  readonly nsPerAcquire: Readonly<Record<CaseName, Readonly<Record<string, Spread>>>>
  /** Allocated, medians. The collector copies what waits: its work grows with the length of the queue, and this. */
  readonly bytesPerAcquire: Readonly<Record<CaseName, Readonly<Record<string, number>>>>
  /** The peer with the lowest median. */
  readonly fastest: Readonly<Record<CaseName, string>>
  /** Medians of the ratios within each round, ours over theirs. */
  readonly ratios: Readonly<Record<string, number>>
  readonly bars: readonly Bar[]
}

/** Measures every contender in every case once a round. */
export async function measureAcquire(
  options: { readonly rounds?: number; readonly sampleMs?: number } = {},
): Promise<AcquireReport> {
  const { rounds = 7, sampleMs = 150 } = options
  const subjects = Object.keys(contenders).map(
    (name) => new Subject<AcquireCase, AcquireSample>('acquire-subject.ts', name),
  )
  const samples = new Map<string, AcquireSample[]>()
  try {
    // The first round is for the compiler, and is thrown away.
    for (let round = -1; round < rounds; round += 1) {
      for (const [group, subject] of pairs(rotate(groups, round), rotate(subjects, round))) {
        for (const name of group) {
          const sample = await subject.sample({ ...cases[name], sampleMs })
          const key = `${name} ${subject.name}`
          if (round >= 0) samples.set(key, [...(samples.get(key) ?? []), sample])
        }
      }
    }
  } finally {
    await Promise.all(subjects.map((subject) => subject.close()))
  }
  const of = (name: CaseName, contender: string): readonly number[] =>
    samples.get(`${name} ${contender}`)!.map(({ ns }) => ns)
  const bytes = (name: CaseName, contender: string): number =>
    Math.round(median(samples.get(`${name} ${contender}`)!.map((sample) => sample.bytes)))
  const fastest = byCase((name) => fastestPeer((peer) => median(of(name, peer))))
  const ratios = compare(of, fastest)
  return {
    bench: 'acquire',
    node: process.version,
    cores: availableParallelism(),
    rounds,
    sampleMs,
    nsPerAcquire: byCase((name) =>
      Object.fromEntries([ours, ...others].map((each) => [each, spread(of(name, each))])),
    ),
    bytesPerAcquire: byCase((name) =>
      Object.fromEntries([ours, ...others].map((each) => [each, bytes(name, each)])),
    ),
    fastest,
    ratios,
    bars: (Object.keys(bars) as Bar['ratio'][]).map((ratio) => ({
      ratio,
      most: bars[ratio],
      isMet: ratios[ratio]! <= bars[ratio],
    })),
  }
}

function* pairs<A, B>(firsts: readonly A[], seconds: readonly B[]): Generator<readonly [A, B]> {
  for (const first of firsts) for (const second of seconds) yield [first, second]
}

function byCase<T>(value: (name: CaseName) => T): Record<CaseName, T> {
  return Object.fromEntries(caseNames.map((name) => [name, value(name)])) as Record<CaseName, T>
}

function fastestPeer(ns: (peer: string) => number): string {
  return Object.keys(peers).reduce((best, peer) => (ns(peer) < ns(best) ? peer : best))
}

function compare(
  of: (name: CaseName, contender: string) => readonly number[],
  fastest: Readonly<Record<CaseName, string>>,
): Record<string, number> {
  const queue = (each: string, callers: '' | '_awaited'): number =>
    medianRatio(of(`queue_10000${callers}`, each), of(`queue_32${callers}`, each))
  const ratios: Record<string, number> = {}
  for (const name of ['uncontended', 'contended'] as const) {
    ratios[`${name}_vs_fastest`] = medianRatio(of(name, ours), of(name, fastest[name]))
  }
  // Ten thousand live promises cost whoever holds them: the others say what of it is not ours.
  for (const callers of ['', '_awaited'] as const) {
    ratios[`queue_10000_vs_32${callers}`] = queue(ours, callers)
    for (const other of others)
      ratios[`queue_10000_vs_32${callers}_of_${other}`] = queue(other, callers)
  }
  for (const name of caseNames) {
    for (const other of others) {
      ratios[`${name}_vs_${other}`] = medianRatio(of(name, ours), of(name, other))
    }
  }
  return ratios
}

/** The report for a person. */
export function formatAcquire(report: AcquireReport): string {
  const widths = [27, 20] as const
  const names = [ours, ...others]
  const { ratios } = report
  const lines = [
    `acquire + release, ns of CPU: median [min–max] of ${report.rounds} rounds, Node ${report.node}, ${report.cores} cores`,
    '',
    formatRow(['', ...names], widths),
    ...caseNames.map((name) => {
      const spreads = report.nsPerAcquire[name]
      return formatRow([name, ...names.map((each) => formatSpread(spreads[each]!))], widths)
    }),
    ...['queue_10000_vs_32', 'queue_10000_vs_32_awaited'].map((key) =>
      formatRow(
        [key, ...names.map((each) => String(ratios[each === ours ? key : `${key}_of_${each}`]))],
        widths,
      ),
    ),
    formatRow(
      [
        'bytes, queue_10000',
        ...names.map((each) => String(report.bytesPerAcquire.queue_10000[each])),
      ],
      widths,
    ),
    '',
    `fastest peer: ${caseNames.map((name) => `${name} ${report.fastest[name]}`).join(', ')}`,
    ...report.bars.map(
      ({ ratio, most, isMet }) =>
        `${ratio.padEnd(24)} ${String(ratios[ratio]).padEnd(6)} bar ≤ ${most.toFixed(1)}  ${isMet ? 'met' : 'not met'}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
