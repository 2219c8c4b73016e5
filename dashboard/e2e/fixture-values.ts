import { SERIES } from '../../telemetry/protocol.ts'
import type { SeriesName, TickValues } from '../../telemetry/protocol.ts'

export const scenarios = ['healthy', 'starved', 'wal-pinned', 'empty', 'disconnected'] as const
export type Scenario = (typeof scenarios)[number]

export const LIMIT = 8
export const ACQUIRE_TIMEOUT_MS = 5000
export const CHECKPOINT_FRAMES = 1000
export const PAGE_BYTES = 4096
const FRAME_BYTES = PAGE_BYTES + 24

/** How long the trouble of a scenario has been going on when the page opens. */
export const TROUBLE_MS: Readonly<Record<Scenario, number>> = {
  healthy: 0,
  starved: 46_000,
  'wal-pinned': 192_000,
  empty: 0,
  disconnected: 0,
}
/** Between two checkpoints of a healthy pool, and how many of them until one truncates the file. */
export const CHECKPOINT_EVERY_MS = 14_000
const CHECKPOINTS_PER_TRUNCATE = 6

/** The same number for the same seed and step, spread evenly over 0 to 1. */
function noise(seed: number, step: number): number {
  let mixed = Math.imul(seed ^ Math.imul(step, 0x9e3779b1), 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
}

/** Noise that changes smoothly: a new value every `everyMs`, eased in between. */
function drift(seed: number, atMs: number, everyMs: number): number {
  const step = Math.floor(atMs / everyMs)
  const share = atMs / everyMs - step
  const eased = share * share * (3 - 2 * share)
  return noise(seed, step) * (1 - eased) + noise(seed, step + 1) * eased
}

/** All values of a moment, worked out from nothing but the moment: history and live always agree. */
export function valuesAt(
  scenario: Scenario,
  atMs: number,
  troubleAtMs: number,
  seed: number = 1,
): TickValues {
  const troubleMs = Math.max(0, atMs - troubleAtMs)
  const row = { ...calm(atMs, seed), ...troubles[scenario](atMs, troubleMs, seed) }
  return SERIES.map(({ name }) => row[name])
}

type Row = Record<SeriesName, number | null>

function calm(atMs: number, seed: number): Row {
  const load = 0.25 + 0.55 * drift(seed, atMs, 9000) + 0.2 * drift(seed + 1, atMs, 1200)
  const inUse = Math.min(LIMIT - 1, Math.round(load * 5))
  const waiting = noise(seed + 2, Math.floor(atMs / 750)) > 0.95 ? 1 : 0
  const waitMs = 0.02 + 0.05 * drift(seed + 3, atMs, 2500)
  return {
    inUse,
    idle: LIMIT - inUse,
    limit: LIMIT,
    waiting,
    readersInUse: Math.max(0, inUse - 1),
    writerInUse: inUse > 0 ? 1 : 0,
    waitP50Ms: waitMs,
    waitP95Ms: waitMs * (4 + 6 * drift(seed + 4, atMs, 1800)),
    waitP99Ms: waitMs * (18 + 60 * drift(seed + 5, atMs, 1500)) + waiting * 4,
    useP99Ms: 3 + 9 * drift(seed + 6, atMs, 2000),
    acquiresPerSecond: Math.round(600 + 900 * load),
    failuresPerSecond: 0,
    statementsPerSecond: Math.round(900 + 1300 * load),
    ...calmWal(atMs),
    eventLoopDelayP99Ms: 1.2 + drift(seed + 7, atMs, 4000),
  }
}

/** Grows to the threshold, is copied back and starts over; now and then the file is cut. */
function calmWal(atMs: number): Pick<Row, 'walBytes' | 'walFrames' | 'walPendingFrames'> {
  const share = (atMs % CHECKPOINT_EVERY_MS) / CHECKPOINT_EVERY_MS
  const round = Math.floor(atMs / CHECKPOINT_EVERY_MS) % CHECKPOINTS_PER_TRUNCATE
  const pending = Math.round(CHECKPOINT_FRAMES * share)
  const peak = round === 0 ? pending : CHECKPOINT_FRAMES
  return { walFrames: pending, walPendingFrames: pending, walBytes: 32 + peak * FRAME_BYTES }
}

const troubles: Readonly<
  Record<Scenario, (atMs: number, troubleMs: number, seed: number) => Partial<Row>>
> = {
  healthy: () => ({}),
  disconnected: () => ({}),
  empty: () => ({
    inUse: 0,
    idle: 1,
    readersInUse: 0,
    writerInUse: 0,
    waiting: 0,
    waitP50Ms: null,
    waitP95Ms: null,
    waitP99Ms: null,
    useP99Ms: null,
    acquiresPerSecond: 0,
    statementsPerSecond: 0,
    walBytes: 0,
    walFrames: 0,
    walPendingFrames: 0,
  }),
  starved: (atMs, troubleMs, seed) => {
    if (troubleMs === 0) return {}
    const share = Math.min(1, troubleMs / 20_000)
    const waiting = Math.round(share * 12 + 2 * drift(seed + 8, atMs, 1000))
    return {
      inUse: LIMIT,
      idle: 0,
      readersInUse: LIMIT - 1,
      writerInUse: 1,
      waiting,
      waitP50Ms: 40 + 700 * share,
      waitP95Ms: 120 + 2300 * share,
      waitP99Ms: 200 + 3900 * share + 300 * drift(seed + 9, atMs, 1500),
      useP99Ms: 1800 + 900 * drift(seed + 10, atMs, 2000),
      acquiresPerSecond: Math.round(90 + 40 * drift(seed + 11, atMs, 1500)),
      failuresPerSecond: troubleMs > 25_000 ? Math.round(3 * drift(seed + 12, atMs, 1300)) : 0,
      statementsPerSecond: Math.round(120 + 50 * drift(seed + 13, atMs, 1500)),
    }
  },
  'wal-pinned': (_, troubleMs) => {
    if (troubleMs === 0) return {}
    const pending = Math.round(500 + troubleMs * 0.075)
    return {
      walFrames: pending + 400,
      walPendingFrames: pending,
      walBytes: 32 + (pending + 400) * FRAME_BYTES,
    }
  },
}
