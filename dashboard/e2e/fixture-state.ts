import { SERIES } from '../../telemetry/protocol.ts'
import type {
  CheckpointEvent,
  ConnectionRow,
  PoolEventBody,
  StateBody,
  TickValues,
  Verdict,
  WALHolderKind,
  WaiterRow,
} from '../../telemetry/protocol.ts'
import {
  CULPRIT_ID,
  REPORT,
  culprit,
  holderWords,
  holders,
  isOfPool,
  traceId,
} from './fixture-culprit.ts'
import { CHECKPOINT_EVERY_MS, LIMIT, TROUBLE_MS } from './fixture-values.ts'
import type { Scenario } from './fixture-values.ts'
import { STARVED_AFTER_MS, checkpointAt, starvationAt, walAt } from './fixture-wal.ts'

/** Everything that is not a number over time, to go with the values of a moment. */
export function stateAt(
  scenario: Scenario,
  atMs: number,
  facts: {
    readonly values: TickValues
    readonly troubleAtMs: number
    readonly startedAtMs: number
    readonly lastCheckpoint: CheckpointEvent | null
    readonly viewers: number
    readonly pinnedBy: WALHolderKind
  },
): StateBody {
  const value = (name: string): number =>
    facts.values[SERIES.findIndex((series) => series.name === name)] ?? 0
  const frames = value('walFrames')
  const waiting = value('waiting')
  return {
    poolState: 'ready',
    verdict: verdictOf(scenario, {
      waiting,
      atMs,
      troubleAtMs: facts.troubleAtMs,
      startedAtMs: facts.startedAtMs,
      pinnedBy: facts.pinnedBy,
    }),
    connections: connectionsOf(scenario, atMs, {
      inUse: value('inUse'),
      troubleAtMs: facts.troubleAtMs,
      pinnedBy: facts.pinnedBy,
    }),
    waiters: waitersOf(atMs, waiting),
    wal: walAt(scenario, atMs, {
      ...facts,
      frames,
      pendingFrames: value('walPendingFrames'),
      sizeBytes: value('walBytes'),
    }),
    totals: {
      acquired: 184_213,
      released: 184_213 - value('inUse'),
      timedOut: scenario === 'starved' ? 31 : 0,
      queueFull: 0,
      aborted: 4,
      checkpoints: 128,
    },
    viewers: facts.viewers,
  }
}

function verdictOf(
  scenario: Scenario,
  facts: {
    readonly waiting: number
    readonly atMs: number
    readonly troubleAtMs: number
    readonly startedAtMs: number
    readonly pinnedBy: WALHolderKind
  },
): Verdict {
  const sinceAtMs = facts.troubleAtMs
  switch (scenario) {
    case 'starved':
      return {
        level: 'act',
        code: 'saturated',
        sentence: `All ${LIMIT} connections are in use and callers wait. Connection ${CULPRIT_ID} has been held longest, by GET /api/report.`,
        sinceAtMs,
      }
    case 'wal-pinned':
      return {
        level: 'act',
        code: 'wal_starved',
        sentence: `The write-ahead log cannot be copied back: ${holderWords(facts.pinnedBy)} has kept it for 3 minutes.`,
        sinceAtMs,
      }
    case 'empty':
      return {
        level: 'healthy',
        code: 'idle',
        sentence: 'Nobody has asked for a connection yet.',
        sinceAtMs: facts.startedAtMs,
      }
    case 'healthy':
    case 'disconnected':
      return {
        level: 'healthy',
        code: 'healthy',
        sentence: 'Callers get their connection at once, and checkpoints keep up.',
        sinceAtMs: facts.startedAtMs,
      }
  }
}

function connectionsOf(
  scenario: Scenario,
  atMs: number,
  facts: { readonly inUse: number; readonly troubleAtMs: number; readonly pinnedBy: WALHolderKind },
): ConnectionRow[] {
  const count = scenario === 'empty' ? 1 : LIMIT
  return Array.from({ length: count }, (_, index): ConnectionRow => {
    const id = index + 1
    const isOurs = scenario !== 'wal-pinned' || isOfPool(facts.pinnedBy)
    const isCulprit = TROUBLE_MS[scenario] > 0 && id === CULPRIT_ID && isOurs
    const isHeld = isCulprit || index < facts.inUse
    const role = id === 1 ? 'writer' : 'reader'
    if (!isHeld) {
      return {
        id,
        role,
        state: 'idle',
        sinceAtMs: atMs - 900 * id,
        leaseId: null,
        label: null,
        traceId: null,
        sql: null,
        isRunning: false,
        statementSinceAtMs: null,
        hasTransaction: false,
        isLeakSuspect: false,
      }
    }
    const isWriter = role === 'writer'
    const [label, sql] = isWriter
      ? ([
          'POST /api/products',
          'INSERT INTO product (name, price, category) VALUES (?, ?, ?)',
        ] as const)
      : holders[isCulprit ? REPORT : id % REPORT]!
    const heldMs = isCulprit ? atMs - facts.troubleAtMs : scenario === 'starved' ? 340 * id : 3 * id
    return {
      id,
      role,
      state: 'in_use',
      sinceAtMs: atMs - heldMs,
      leaseId: 9000 + id,
      label,
      traceId: id % 2 === 1 ? traceId(id) : null,
      sql,
      isRunning: !isCulprit,
      statementSinceAtMs: atMs - heldMs * 0.8,
      hasTransaction: isWriter || (isCulprit && facts.pinnedBy !== 'iterator'),
      isLeakSuspect: isCulprit,
    }
  })
}

function waitersOf(atMs: number, waiting: number): WaiterRow[] {
  return Array.from({ length: waiting }, (_, index) => ({
    role: index % 4 === 3 ? 'writer' : 'reader',
    position: index + 1,
    sinceAtMs: atMs - 2400 + index * 170,
    label: index % 5 === 4 ? null : holders[index % REPORT]![0],
    traceId: traceId(100 + index),
  }))
}

/** What happened in the tick that ends at `atMs`. */
export function eventsAt(
  scenario: Scenario,
  atMs: number,
  tick: { readonly tickMs: number; readonly troubleAtMs: number; readonly pinnedBy: WALHolderKind },
): PoolEventBody[] {
  const isFirstIn = (everyMs: number): boolean => atMs % everyMs < tick.tickMs
  const troubleMs = atMs - tick.troubleAtMs
  const isTroubled = TROUBLE_MS[scenario] > 0 && troubleMs > 0
  const events: PoolEventBody[] = []
  if (scenario !== 'empty' && isFirstIn(CHECKPOINT_EVERY_MS)) {
    const pinnedMs = scenario === 'wal-pinned' && isTroubled ? troubleMs : null
    events.push(checkpointAt(atMs, pinnedMs, tick.pinnedBy))
  }
  if (!isTroubled) return events
  const isStart = troubleMs <= tick.tickMs
  if (scenario === 'starved') {
    if (isStart)
      events.push({ type: 'capacity', isNear: true, inUse: LIMIT, max: LIMIT, waiting: 1 })
    if (troubleMs > 10_000 && troubleMs - tick.tickMs <= 10_000) {
      events.push({
        type: 'leak',
        isRecovered: false,
        isReclaimed: false,
        holder: culprit(10_000),
        stack: null,
      })
    }
    if (troubleMs > 25_000 && isFirstIn(3000)) events.push(timeoutAt(atMs, troubleMs))
  }
  const starvedMs = troubleMs - STARVED_AFTER_MS
  if (scenario === 'wal-pinned' && starvedMs > 0 && starvedMs <= tick.tickMs) {
    events.push(starvationAt(tick.pinnedBy))
  }
  return events
}

const timeoutAt = (atMs: number, troubleMs: number): PoolEventBody => ({
  type: 'acquire',
  role: 'reader',
  outcome: 'timeout',
  startedAtMs: atMs - 5000,
  waitMs: 5000,
  queueDepth: 11,
  connectionId: null,
  hasOpened: false,
  label: holders[0][0],
  trace: { traceId: traceId(7), spanId: '00f067aa0ba902b7', isSampled: true },
  releasedBy: null,
  holders: [culprit(troubleMs)],
})
