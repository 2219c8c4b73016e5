// `npm run bench -- wal`: what it does for the commits of a service who copies the write-ahead log back, and when.
//
// Settings, and why:
// - Only the checkpointer differs. `default` is SQLite's own, which works inside the commit that has made the log 1000
//   frames long; `truncate` is nobody, until somebody runs a TRUNCATE on a connection of their own; `ours` is the
//   engine of the pool; `nobody` is the same after the log has started over once: what a commit takes with none at work.
// - steady and overlap commit on a connection of the process itself, not through the pool's thread: the way there and
//   back takes longer than the commit, and on few cores its tail would hide that of the commit. The readers have threads
//   of their own. drain goes through the pool, for it is the pool's queue in which the writer waits.
// - Before steady and overlap the log has started over once: from then on it is overwritten, as in any service that has
//   run for a minute.
// - Each sample has a process and a database of its own, on the disk of the temporary directory: what one has left in
//   caches and in the log is not for the next one. They take turns, in an order that turns.
// - A thousand commits a second in every scene. Those that measure single commits have more rounds than the others: a
//   commit takes 40 µs at one time and 60 at another, whoever checkpoints.
// - A commit is one row more and one changed, in a table of 50,000 rows with an index: about three frames.
// - Durability is the pool's default (`synchronous = NORMAL`): only checkpoints sync.
// - Latencies are from the actual start of a commit; the `due_` ones from when it should have started, so they have
//   what others had to wait for it, and up to a millisecond of timer.
// - A stall comes from the disk. Ratios of one run can be compared, times of two machines cannot.
import { availableParallelism } from 'node:os'
import { formatRow, formatSpread, median, rotate, round, spread, type Spread } from './rounds.ts'
import { drainMeasures, type DrainCase } from './wal-drain.ts'
import { overlapMeasures, type OverlapCase } from './wal-overlap.ts'
import { DRAIN, OVERLAP, STEADY, takeSample } from './wal-sample.ts'
import { steadyMeasures, type SteadyCase } from './wal-steady.ts'

const scenes = {
  steady: { variants: ['default', 'ours'], measures: steadyMeasures },
  overlap: { variants: ['default', 'ours', 'nobody'], measures: overlapMeasures },
  drain: { variants: ['truncate', 'ours'], measures: drainMeasures },
} as const

type SceneName = keyof typeof scenes
const sceneNames = Object.keys(scenes) as SceneName[]

/** Of each round by measure, by variant, by scene. */
export type Taken = Readonly<
  Record<SceneName, Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>>
>

/** Of which measure of which scene, ours over the other's; and the most that it may be. */
const bars = {
  p50_vs_default: { scene: 'steady', measure: 'p50_us', most: 1.2 },
  p999_vs_default: { scene: 'steady', measure: 'p999_us', most: 0.1 },
  overlap_p99_vs_default: { scene: 'overlap', measure: 'p99_us', most: 0.1 },
  drain_stall_vs_truncate: { scene: 'drain', measure: 'stall_ms', most: 0.125 },
} as const

interface Bar {
  readonly ratio: keyof typeof bars
  readonly most: number
  readonly isMet: boolean
}

/** What `--json` prints. */
export interface WALReport {
  readonly bench: 'wal'
  readonly node: string
  readonly cores: number
  readonly rounds: Readonly<Record<SceneName, number>>
  /** By variant, by measure; over the rounds. */
  readonly scenes: Readonly<
    Record<SceneName, Readonly<Record<string, Readonly<Record<string, Spread>>>>>
  >
  /** Ours over the other's, of the medians over the rounds. */
  readonly ratios: Readonly<Record<keyof typeof bars, number>>
  readonly bars: readonly Bar[]
}

type Settings<T> = Partial<T> & { readonly rounds?: number }

export interface WALBenchOptions {
  readonly steady?: Settings<SteadyCase>
  readonly overlap?: Settings<OverlapCase>
  readonly drain?: Settings<Omit<DrainCase, 'path'>>
}

/** The bench as `npm run bench` has it. */
export async function benchWAL(): Promise<{ readonly report: WALReport; readonly table: string }> {
  const report = await measureWAL()
  return { report, table: formatWAL(report) }
}

/** Takes every sample of one scene before those of the next; the variants of a scene take turns. */
export async function measureWAL(options: WALBenchOptions = {}): Promise<WALReport> {
  const { rounds: steadyRounds = 5, ...steady } = options.steady ?? {}
  const { rounds: overlapRounds = 7, ...overlap } = options.overlap ?? {}
  const { rounds: drainRounds = 4, ...drain } = options.drain ?? {}
  return toReport({
    steady: await takeRounds('steady', steadyRounds, (name) =>
      takeSample(name, { scene: 'steady', ...STEADY, ...steady }),
    ),
    overlap: await takeRounds('overlap', overlapRounds, (name) =>
      takeSample(name, { scene: 'overlap', ...OVERLAP, ...overlap }),
    ),
    drain: await takeRounds('drain', drainRounds, (name) =>
      takeSample(name, { scene: 'drain', ...DRAIN, ...drain }),
    ),
  })
}

async function takeRounds(
  scene: SceneName,
  rounds: number,
  take: (variant: string) => Promise<Record<string, number>>,
): Promise<Record<string, Record<string, number>[]>> {
  const variants: readonly string[] = scenes[scene].variants
  const taken = Object.fromEntries(variants.map((name) => [name, [] as Record<string, number>[]]))
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const name of rotate(variants, turn)) taken[name]!.push(await take(name))
  }
  return taken
}

/** The statistics of the rounds. */
export function toReport(taken: Taken): WALReport {
  const ratios = Object.fromEntries(
    Object.entries(bars).map(([name, { scene, measure }]) => {
      const [other, ours] = scenes[scene].variants.map((variant) =>
        median(taken[scene][variant]!.map((sample) => sample[measure]!)),
      ) as [number, number]
      return [name, round(ours / other, 3)]
    }),
  ) as WALReport['ratios']
  return {
    bench: 'wal',
    node: process.version,
    cores: availableParallelism(),
    rounds: byScene((scene) => taken[scene]['ours']!.length),
    scenes: byScene((scene) =>
      Object.fromEntries(
        scenes[scene].variants.map((variant) => [
          variant,
          spreads(taken[scene][variant]!, scenes[scene].measures),
        ]),
      ),
    ),
    ratios,
    bars: (Object.keys(bars) as Bar['ratio'][]).map((ratio) => ({
      ratio,
      most: bars[ratio].most,
      isMet: ratios[ratio] <= bars[ratio].most,
    })),
  }
}

function spreads(
  samples: readonly Readonly<Record<string, number>>[],
  measures: readonly string[],
): Record<string, Spread> {
  return Object.fromEntries(
    measures.map((measure) => [
      measure,
      spread(
        samples.map((sample) => sample[measure]!),
        measure.endsWith('_us') ? 0 : 1,
      ),
    ]),
  )
}

function byScene<T>(value: (scene: SceneName) => T): Record<SceneName, T> {
  return Object.fromEntries(sceneNames.map((scene) => [scene, value(scene)])) as Record<
    SceneName,
    T
  >
}

/** The report for a person. */
export function formatWAL(report: WALReport): string {
  const widths = [18, 28] as const
  const lines = [
    `who copies the log back: median [min–max] over the rounds, Node ${report.node}, ${report.cores} cores`,
    ...sceneNames.flatMap((scene) => {
      const { variants, measures } = scenes[scene]
      return [
        '',
        formatRow([`${scene}, ${report.rounds[scene]} rounds`, ...variants], widths),
        ...measures.map((measure) =>
          formatRow(
            [
              measure,
              ...variants.map((each) => formatSpread(report.scenes[scene][each]![measure]!)),
            ],
            widths,
          ),
        ),
      ]
    }),
    '',
    ...report.bars.map(
      ({ ratio, most, isMet }) =>
        `${ratio.padEnd(24)} ${String(report.ratios[ratio]).padEnd(6)} bar ≤ ${String(most).padEnd(5)}  ${isMet ? 'met' : 'not met'}`,
    ),
  ]
  return `${lines.join('\n')}\n`
}
