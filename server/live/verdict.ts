import type { ConnectionRow, VerdictLevel } from '../../telemetry/protocol.ts'
import type { Role } from '../../telemetry/stats.ts'
import { describePin } from '../../telemetry/pin-text.ts'
import { slowWaitMs } from './verdict-situation.ts'
import type { LaneSituation, VerdictSituation } from './verdict-situation.ts'
import { atLeast, exactly, roughly } from './wording.ts'

/** From this share of connections in use on the pool is near its capacity. */
const NEAR_CAPACITY_PERCENT = 80
/** A younger lease is not to blame for anything. */
const OLD_LEASE_MS = 1000
/** A log with so many times the pending frames at which a checkpoint starts outgrows the checkpoints. */
const GROWN_LOG_FACTOR = 8
const SLOW_LOOP_MS = 100

export interface Rule {
  readonly code: string
  readonly level: VerdictLevel
  /** It must hold for so long before it speaks; 0: at once. */
  readonly afterMs: number
  /** It still speaks for so long after it last held, so that the verdict does not flicker. */
  readonly lingerMs: number
  /** The sentence, or `null` when the rule does not hold. */
  say(situation: VerdictSituation): string | null
}

/** A rule that holds, and what it says. */
export interface Finding {
  readonly rule: Rule
  readonly sentence: string
}

const LINGER_MS = 2000
/** What failed a moment ago is still what someone on call wants to read. */
const FAILURE_LINGER_MS = 10_000

const act = { level: 'act', afterMs: 0, lingerMs: LINGER_MS } as const
const watch = { level: 'watch', afterMs: 0, lingerMs: LINGER_MS } as const
/** The state of the pool is what it is: no waiting, no lingering. */
const atOnce = { afterMs: 0, lingerMs: 0 } as const
const refused = { level: 'act', afterMs: 0, lingerMs: FAILURE_LINGER_MS } as const
const lasting = { level: 'watch', afterMs: 2000, lingerMs: LINGER_MS } as const

/**
 * Ranked: the first that holds is the verdict. What stops everything comes first, then callers that wait
 * now, then what will make them wait, then what was refused, then what is merely close or slow.
 */
export const verdictRules: readonly Rule[] = [
  {
    code: 'failed',
    ...atOnce,
    level: 'act',
    say: (now) =>
      now.poolState === 'failed' ? `The pool has failed${because(now)} and serves nobody.` : null,
  },
  {
    code: 'closed',
    ...atOnce,
    level: 'act',
    say: (now) => (now.poolState === 'closed' ? 'The pool is closed.' : null),
  },
  { code: 'draining', ...atOnce, level: 'watch', say: sayDraining },
  {
    code: 'starting',
    ...atOnce,
    level: 'watch',
    say: (now) => (now.poolState === 'starting' ? 'The pool is starting.' : null),
  },
  {
    code: 'degraded',
    ...atOnce,
    level: 'act',
    say: (now) => (now.poolState === 'degraded' ? `The pool is degraded${because(now)}.` : null),
  },
  {
    code: 'suspended',
    ...atOnce,
    level: 'watch',
    say: (now) =>
      now.poolState === 'suspended'
        ? 'The pool is suspended: callers wait until it resumes.'
        : null,
  },
  { code: 'saturated', ...act, say: saySaturated },
  { code: 'stuck', ...lasting, say: sayStuck },
  { code: 'leak_suspect', ...watch, say: sayLeak },
  { code: 'wal_full', ...atOnce, level: 'act', say: sayFull },
  // Without lingering: the engine has waited for it, and who was in the way is in the way no longer.
  { code: 'wal_starved', ...atOnce, level: 'act', say: sayStarved },
  { code: 'wal_growing', ...lasting, say: sayGrowing },
  {
    code: 'checkpoint_failed',
    ...act,
    say: ({ lastCheckpoint: last }) =>
      last?.outcome === 'error'
        ? `The last checkpoint failed with ${last.errorCode ?? 'an unknown error'}.`
        : null,
  },
  {
    code: 'open_failed',
    ...refused,
    say: (now) => (now.failures.open_failed > 0 ? 'Connections cannot be opened.' : null),
  },
  {
    code: 'deadlock',
    ...refused,
    say: (now) =>
      now.failures.deadlock > 0
        ? 'A caller asked for a connection that only itself could have given back: a bug of the caller.'
        : null,
  },
  {
    code: 'queue_full',
    ...refused,
    say: (now) =>
      now.failures.queue_full > 0
        ? `Callers are turned away because ${now.maxWaiters.toLocaleString('en')} are waiting already${blame(now)}.`
        : null,
  },
  {
    code: 'shed',
    ...refused,
    say: (now) =>
      now.failures.shed > 0
        ? `Callers are turned away because the line has been slow for too long${blame(now)}.`
        : null,
  },
  {
    code: 'timeouts',
    ...refused,
    say: (now) =>
      now.failures.timeout > 0
        ? `Callers give up after waiting ${exactly(now.acquireTimeoutMs)} for a connection${blame(now)}.`
        : null,
  },
  { code: 'near_capacity', ...lasting, say: sayNearCapacity },
  {
    code: 'slow',
    ...lasting,
    say: (now) =>
      now.waitP99Ms !== null && now.waitP99Ms >= slowWaitMs(now.acquireTimeoutMs)
        ? `Some callers wait ${roughly(now.waitP99Ms)} for a connection${blame(now)}.`
        : null,
  },
  {
    code: 'event_loop',
    ...lasting,
    say: (now) =>
      now.eventLoopDelayP99Ms !== null && now.eventLoopDelayP99Ms >= SLOW_LOOP_MS
        ? `The event loop is held up for ${roughly(now.eventLoopDelayP99Ms)} at a time: something computes on the main thread.`
        : null,
  },
  {
    code: 'healthy',
    ...atOnce,
    level: 'healthy',
    say: () => 'Healthy: nobody waits long, no lease is old, and the write-ahead log keeps up.',
  },
]

/** All rules that hold, highest first. The last one always does. */
export function judge(situation: VerdictSituation): readonly Finding[] {
  return verdictRules.flatMap((rule) => {
    const sentence = rule.say(situation)
    return sentence === null ? [] : [{ rule, sentence }]
  })
}

function sayDraining(now: VerdictSituation): string | null {
  if (now.poolState !== 'draining') return null
  const inUse = now.lanes.reduce((sum, lane) => sum + lane.inUse, 0)
  if (inUse === 0) return 'The pool is shutting down and no connection is in use.'
  const still = inUse === 1 ? '1 connection is' : `${inUse} connections are`
  return `The pool is shutting down and ${still} still in use${blame(now)}.`
}

function saySaturated(now: VerdictSituation): string | null {
  const slowMs = slowWaitMs(now.acquireTimeoutMs)
  const lane = now.lanes
    .filter(({ idle, oldestWaitMs }) => idle === 0 && oldestWaitMs >= slowMs)
    .sort((a, b) => b.oldestWaitMs - a.oldestWaitMs)[0]
  if (lane === undefined) return null
  const waiting =
    lane.waiting === 1
      ? `a caller has waited for ${roughly(lane.oldestWaitMs)}`
      : `${atLeast(lane.waiting)} callers wait, the first for ${roughly(lane.oldestWaitMs)}`
  const holder = oldestInUse(now, lane.role)
  const reason = holder === undefined ? describeDemand(lane) : describeHolder(holder, now)
  return `${describeLane(lane)} and ${waiting}; ${reason}.`
}

/** Nobody holds anything for long. */
function describeDemand({ role, zombie }: LaneSituation): string {
  if (zombie > 0) return 'nothing can stop what SQLite still runs'
  const lane = role === 'writer' ? 'one writer' : 'the readers'
  return `no lease is older than ${exactly(OLD_LEASE_MS)}, so more is asked than ${lane} can serve`
}

function describeLane({ role, inUse, zombie, max }: LaneSituation): string {
  if (role === 'writer') {
    if (zombie > 0) return 'The writer still runs a statement that was given up'
    return inUse === 0 ? 'The writer is not ready' : 'The writer is in use'
  }
  const stuck = zombie === 0 ? '' : `, ${zombie} stuck in statements that were given up`
  if (inUse < max) return `No reader is free (${inUse} of ${max} in use${stuck})`
  return max === 1 ? 'The only reader is in use' : `All ${max} readers are in use`
}

/** Their callers have been told the end; nothing can stop what SQLite still runs. */
function sayStuck(now: VerdictSituation): string | null {
  const stuck = now.connections.filter(({ state }) => state === 'zombie')
  const oldest = oldestOf(stuck)
  if (oldest === undefined) return null
  const who = stuck.length === 1 ? `Connection ${oldest.id} is` : `${stuck.length} connections are`
  return `${who} stuck in a statement that was given up, for ${roughly(now.atMs - oldest.sinceAtMs)}.`
}

function sayLeak(now: VerdictSituation): string | null {
  const suspects = now.connections.filter((row) => row.isLeakSuspect)
  const oldest = oldestOf(suspects)
  if (oldest === undefined) return null
  const subject =
    suspects.length === 1 ? 'Leak suspect' : `${suspects.length} leak suspects, the oldest`
  return `${subject}: ${describeHolder(oldest, now)}.`
}

function sayStarved(now: VerdictSituation): string | null {
  if (!now.isStarved) return null
  return `The write-ahead log cannot be copied back${pendingOf(now)}: ${sayPin(now)}.`
}

function sayFull(now: VerdictSituation): string | null {
  if (now.backpressure === null) return null
  if (now.backpressure === 'disk') {
    return `Nothing is written: the disk is nearly full${pendingOf(now)}. Free some space.`
  }
  return `Nothing is written: the write-ahead log has reached its limit${pendingOf(now)}; ${sayPin(now)}.`
}

function sayPin({ pin }: VerdictSituation): string {
  if (pin === null) return 'a reader that has just ended was in the way'
  return `${describePin(pin)} has kept it for ${roughly(pin.heldMs)}`
}

function sayGrowing(now: VerdictSituation): string | null {
  const limit = now.checkpointFrames * GROWN_LOG_FACTOR
  if (limit === 0 || (now.pendingFrames ?? 0) < limit) return null
  return `The write-ahead log grows faster than it is copied back${pendingOf(now)}${blame(now)}.`
}

const pendingOf = ({ pendingFrames }: VerdictSituation): string =>
  pendingFrames === null || pendingFrames < 1 ? '' : ` (${atLeast(pendingFrames)} frames pending)`

function sayNearCapacity(now: VerdictSituation): string | null {
  const max = now.lanes.reduce((sum, lane) => sum + lane.max, 0)
  const inUse = now.lanes.reduce((sum, lane) => sum + lane.inUse, 0)
  // Whole numbers: 55 × 0.8 is more than 44.
  const nearCapacity = Math.ceil((max * NEAR_CAPACITY_PERCENT) / 100)
  if (inUse < nearCapacity) return null
  return `At least ${nearCapacity} of ${max} connections are in use${blame(now)}.`
}

const because = ({ poolReason }: VerdictSituation): string =>
  poolReason === null ? '' : ` (${poolReason})`

/** `; connection 7 …` when a lease is old enough to be the reason, else nothing. */
function blame(now: VerdictSituation): string {
  const holder = oldestInUse(now, null)
  return holder === undefined ? '' : `; ${describeHolder(holder, now)}`
}

function describeHolder(row: ConnectionRow, { atMs }: VerdictSituation): string {
  const holder = row.label ?? 'a caller without a label'
  return `connection ${row.id} has been held for ${roughly(atMs - row.sinceAtMs)} by ${holder}`
}

/** The oldest lease that is old, of one lane or of both. */
function oldestInUse(now: VerdictSituation, role: Role | null): ConnectionRow | undefined {
  return oldestOf(
    now.connections.filter(
      (row) =>
        row.state === 'in_use' &&
        (role === null || row.role === role) &&
        now.atMs - row.sinceAtMs >= OLD_LEASE_MS,
    ),
  )
}

const oldestOf = (rows: readonly ConnectionRow[]): ConnectionRow | undefined =>
  [...rows].sort((a, b) => a.sinceAtMs - b.sinceAtMs || a.id - b.id)[0]
