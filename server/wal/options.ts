import type { Checkpointer } from '../../telemetry/stats.ts'
import { WALError } from './errors.ts'

const MEBIBYTE = 1024 * 1024

/** What may be set about the WAL. Everything has a default. */
export interface WALOptions {
  /**
   * Who checkpoints. `sqlite` and `external`: we only observe; nothing is automatic, and with
   * `external` a manual blocking mode is refused. *Default*: `pool`.
   */
  readonly checkpointer?: Checkpointer
  /** Pending frames at which a PASSIVE checkpoint starts. *Default*: 1000. *Minimum*: 1. */
  readonly checkpointFrames?: number
  /** Age of the oldest pending frame at which one starts, in ms. *Default*: 30,000. *0*: never. */
  readonly checkpointAgeMs?: number
  /** Time between checkpoints whatever the backlog, in ms. *Default*: 0. *0*: none. */
  readonly checkpointIntervalMs?: number
  /** Frames in the log at which it is made to start over. *Default*: 16,000. *Minimum*: 1. */
  readonly resetFrames?: number
  /** The same in bytes, for large pages; the lower limit counts. *Default*: 64 MiB. */
  readonly resetBytes?: number
  /** Frames in the log at which readers are held back too while it is made to start over. *Default*: 64,000. *Minimum*: 1. */
  readonly hardFrames?: number
  /** The same in bytes; the lower limit counts. *Default*: 256 MiB. */
  readonly hardBytes?: number
  /** Bytes of the log at which writers wait, and then are refused, while it cannot start over. *Default*: 1 GiB. *0*: no limit. */
  readonly limitBytes?: number
  /** A lease that has starved the log for longer is taken away, in ms. *Default*: 0. *0*: never. */
  readonly starvationReclaimMs?: number
  /** File size above which a quiet log is truncated, in bytes. *Default*: 4 MiB. */
  readonly shrinkBytes?: number
  /** How long an automatic RESTART or TRUNCATE may make writers wait, in ms. *Default*: 250. */
  readonly budgetMs?: number
  /** Time between two probes, in ms. *Default*: 250. *Minimum*: 10. */
  readonly probeIntervalMs?: number
}

export type ResolvedWALOptions = Required<WALOptions>

const defaults: ResolvedWALOptions = {
  checkpointer: 'pool',
  /** 4 MB with 4 KiB pages: SQLite's own default, kept so that the numbers look familiar. */
  checkpointFrames: 1000,
  /** Bounds how much a power cut can take back under `synchronous=NORMAL`. */
  checkpointAgeMs: 30_000,
  checkpointIntervalMs: 0,
  /** Each reset stalls writers once: a lower cap gives the latency tail back. */
  resetFrames: 16_000,
  resetBytes: 64 * MEBIBYTE,
  hardFrames: 64_000,
  hardBytes: 256 * MEBIBYTE,
  /** From about there on recovery after a crash takes seconds, and reads are ten times slower. */
  limitBytes: 1024 * MEBIBYTE,
  /** Off: what may be ended only its user knows. */
  starvationReclaimMs: 0,
  /** Just above what 1000 frames take, so that the plateau of a steady small load is left alone. */
  shrinkBytes: 4 * MEBIBYTE,
  budgetMs: 250,
  probeIntervalMs: 250,
}

const minimums: Record<Exclude<keyof WALOptions, 'checkpointer'>, number> = {
  checkpointFrames: 1,
  checkpointAgeMs: 0,
  checkpointIntervalMs: 0,
  resetFrames: 1,
  resetBytes: 1,
  hardFrames: 1,
  hardBytes: 1,
  limitBytes: 0,
  starvationReclaimMs: 0,
  shrinkBytes: 0,
  budgetMs: 0,
  probeIntervalMs: 10,
}

/** @throws {WAL_INVALID_OPTION} naming every wrong option at once */
export function resolveWALOptions(options: WALOptions = {}): ResolvedWALOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const resolved: ResolvedWALOptions = { ...defaults, ...Object.fromEntries(given) }
  const problems: string[] = []
  for (const [name] of given) {
    if (!Object.hasOwn(defaults, name)) problems.push(`${name} is not an option`)
  }
  if (!['pool', 'sqlite', 'external'].includes(resolved.checkpointer)) {
    problems.push('checkpointer must be pool, sqlite or external')
  }
  for (const [name, minimum] of Object.entries(minimums)) {
    const value: unknown = resolved[name as keyof typeof minimums]
    if (!Number.isSafeInteger(value) || (value as number) < minimum) {
      problems.push(`${name} must be an integer of at least ${minimum}`)
    }
  }
  if (problems.length > 0) throw new WALError('WAL_INVALID_OPTION', problems.join('; '))
  return Object.freeze(withinLimit(resolved))
}

/** A limit that a log reaches in the course of things would hold writers back for nothing. */
function withinLimit(options: ResolvedWALOptions): ResolvedWALOptions {
  const { limitBytes, resetBytes, hardBytes } = options
  if (limitBytes === 0) return options
  return {
    ...options,
    resetBytes: Math.min(resetBytes, Math.max(1, Math.floor(limitBytes / 4))),
    hardBytes: Math.min(hardBytes, Math.max(1, Math.floor(limitBytes / 2))),
  }
}
