import { SERIES } from '../../telemetry/protocol.ts'
import type {
  CheckpointEvent,
  ConnectionRow,
  HolderRef,
  PoolEventBody,
  StateBody,
  TickValues,
  Verdict,
  WaiterRow,
} from '../../telemetry/protocol.ts'
import {
  CHECKPOINT_EVERY_MS,
  CHECKPOINT_FRAMES,
  LIMIT,
  PAGE_BYTES,
  TROUBLE_MS,
} from './fixture-values.ts'
import type { Scenario } from './fixture-values.ts'

const holders = [
  ['GET /api/products', 'SELECT * FROM product WHERE category = ? ORDER BY name LIMIT 50'],
  ['GET /api/products/:id', 'SELECT * FROM product WHERE id = ?'],
  ['GET /api/products/stats', 'SELECT category, count(*), avg(price) FROM product GROUP BY 1'],
  ['GET /api/report', 'SELECT day, sum(total) FROM sale JOIN product USING (id) GROUP BY day'],
] as const
const REPORT = 3
/** The connection that the trouble comes from. */
const CULPRIT_ID = 7

/** 32 hexadecimal digits, the same ones for the same number. */
const traceId = (n: number): string =>
  [1, 2, 3, 4]
    .map((part) => (Math.imul(n * 7 + part, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0'))
    .join('')

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
    }),
    connections: connectionsOf(scenario, atMs, {
      inUse: value('inUse'),
      troubleAtMs: facts.troubleAtMs,
    }),
    waiters: waitersOf(atMs, waiting),
    wal: {
      journalMode: 'wal',
      pageSizeBytes: PAGE_BYTES,
      sizeBytes: value('walBytes'),
      databaseSizeBytes: 41_943_040,
      frames,
      backfilledFrames: frames - value('walPendingFrames'),
      checkpointFrames: CHECKPOINT_FRAMES,
      lastCheckpoint: facts.lastCheckpoint,
      lastCompleteAtMs:
        scenario === 'wal-pinned' ? facts.troubleAtMs : (facts.lastCheckpoint?.startedAtMs ?? null),
    },
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
        level: 'watch',
        code: 'wal_pinned',
        sentence: `The reader on connection ${CULPRIT_ID} (GET /api/report) keeps the write-ahead log from being copied back.`,
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
  facts: { readonly inUse: number; readonly troubleAtMs: number },
): ConnectionRow[] {
  const count = scenario === 'empty' ? 1 : LIMIT
  return Array.from({ length: count }, (_, index): ConnectionRow => {
    const id = index + 1
    const isCulprit = TROUBLE_MS[scenario] > 0 && id === CULPRIT_ID
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
      hasTransaction: isWriter || isCulprit,
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

const culprit = (heldMs: number): HolderRef => ({
  connectionId: CULPRIT_ID,
  leaseId: 9000 + CULPRIT_ID,
  heldMs,
  label: holders[REPORT][0],
  sql: holders[REPORT][1],
  trace: { traceId: traceId(CULPRIT_ID), spanId: '00f067aa0ba902b7', isSampled: true },
})

/** What happened in the tick that ends at `atMs`. */
export function eventsAt(
  scenario: Scenario,
  atMs: number,
  tick: { readonly tickMs: number; readonly troubleAtMs: number },
): PoolEventBody[] {
  const isFirstIn = (everyMs: number): boolean => atMs % everyMs < tick.tickMs
  const troubleMs = atMs - tick.troubleAtMs
  const isTroubled = TROUBLE_MS[scenario] > 0 && troubleMs > 0
  const events: PoolEventBody[] = []
  if (scenario !== 'empty' && isFirstIn(CHECKPOINT_EVERY_MS)) {
    events.push(checkpointAt(atMs, scenario === 'wal-pinned' && isTroubled ? troubleMs : null))
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
  if (scenario === 'wal-pinned' && troubleMs > 30_000 && troubleMs - tick.tickMs <= 30_000) {
    events.push({
      type: 'starvation',
      isStarved: true,
      pendingFrames: 2750,
      holder: culprit(30_000),
    })
  }
  return events
}

function checkpointAt(atMs: number, pinnedMs: number | null): CheckpointEvent {
  const isPinned = pinnedMs !== null
  const logFrames = isPinned ? Math.round(900 + pinnedMs * 0.075) : CHECKPOINT_FRAMES
  return {
    type: 'checkpoint',
    mode: 'PASSIVE',
    trigger: 'frames',
    outcome: isPinned ? 'partial_reader' : 'complete',
    startedAtMs: atMs - 14,
    durationMs: 12.4,
    isBusy: false,
    logFrames,
    checkpointedFrames: isPinned ? 400 : logFrames,
    movedFrames: isPinned ? 0 : logFrames,
    sizeBeforeBytes: 32 + logFrames * (PAGE_BYTES + 24),
    sizeAfterBytes: 32 + logFrames * (PAGE_BYTES + 24),
    errorCode: null,
    blockedBy: isPinned ? [culprit(pinnedMs)] : [],
  }
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
