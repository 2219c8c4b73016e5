import { context, trace } from '@opentelemetry/api'
import type { EventBus } from '../event-bus.ts'
import type { HolderRef, TraceRef, WALPin } from '../events.ts'
import type { PoolView } from '../pool-view.ts'
import type { ConnectionRow } from '../protocol.ts'
import { PoolStats } from '../stats.ts'

/** Whole ms, so that a time comes back as it went. */
export const LIFE_BEGAN_AT_MS = 1_790_000_000_000

/** Of a reader that is out all the time. */
export const OLD_LEASE = { connectionId: 1, leaseId: 10 } as const

/** A pool with numbers in it that no two metrics share. */
export function createView(): PoolView {
  const stats = new PoolStats({
    name: 'products',
    namespace: 'shop.sqlite',
    maxWaiters: 1000,
    readers: { min: 1, max: 4 },
  })
  const { reader, writer, wal, checkpoint } = stats
  Object.assign(reader, { idle: 2, inUse: 1, waiting: 3, leakSuspected: 5, dirtyReleased: 6 })
  Object.assign(writer, { idle: 0, inUse: 1, waiting: 7, leakSuspected: 8, dirtyReleased: 9 })
  reader.failed.timeout = 11
  writer.failed.timeout = 12
  Object.assign(reader.closed, { idle: 13, error: 14, lost: 15, discarded: 16, shutdown: 17 })
  Object.assign(wal, { sizeBytes: 4_124_152, databaseSizeBytes: 8_192_000 })
  Object.assign(wal, { frames: 1000, backfilledFrames: 600 })
  Object.assign(wal, { resets: 22, starvations: 23, externalCheckpoints: 24, unknownProbes: 25 })
  Object.assign(wal, { headroomBytes: 5_000_000, backpressure: 'disk' })
  const pin = pinOf(holder(1, null, { heldMs: 60_000 }))
  wal.pin = pin
  wal.readSlots = [
    { slot: 0, frame: null, holders: [] },
    { slot: 1, frame: 1000, holders: [pin.holder] },
    { slot: 2, frame: 600, holders: [pin.holder, pin.holder] },
    { slot: 3, frame: 7, holders: [] },
    { slot: 4, frame: null, holders: [] },
  ]
  Object.assign(checkpoint, { completed: 1, incomplete: 19, failed: 20, framesMoved: 21 })
  checkpoint.lastCompleteAtMs = epochNowMs() - 60_000
  const oldest: Partial<ConnectionRow> = {
    id: OLD_LEASE.connectionId,
    leaseId: OLD_LEASE.leaseId,
    role: 'reader',
    state: 'in_use',
    sinceAtMs: Math.floor(epochNowMs()) - 90_000,
  }
  return {
    stats,
    state: 'ready',
    startedAtMs: epochNowMs() - 3_600_000,
    acquireTimeoutMs: 5000,
    checkpointFrames: 1000,
    connections: () => [oldest as ConnectionRow],
    waiters: () => [],
    lastCheckpoint: () => null,
    checkpointer: 'pool',
    walLimitBytes: 0,
    litestream: () => null,
  }
}

/** What the histograms get: a few of each kind, with every way to fail. */
export function recordDurations({ stats }: PoolView): void {
  for (const lane of [stats.reader, stats.writer]) {
    for (const ms of [0, 0, 0.4, 12, 250]) lane.waitMs.record(ms)
    lane.waitMs.record(5000, 'timeout')
    for (const ms of [1, 20]) lane.useMs.record(ms)
    lane.createMs.record(3)
    for (const depth of [0, 0, 1, 7]) lane.queueDepth.record(depth)
  }
  stats.writer.createMs.record(1, 'SQLITE_CANTOPEN')
  for (const ms of [4, 30]) stats.checkpoint.stallMs.record(ms)
  for (const ms of [0.02, 0.2, 700]) stats.operationMs.record(ms)
  stats.operationMs.record(1, 'SQLITE_CONSTRAINT_UNIQUE')
  stats.operationMs.record(1, 'INTERNAL')
}

/** The traces that took part. */
export interface Traces {
  readonly slow: TraceRef
  readonly fast: TraceRef
  readonly waiting: TraceRef
}

/** Three requests: one holds a connection, one had the other, the third waits for both and gets the second's. */
export function playRequests(bus: EventBus): Traces {
  const slow = inRequest('GET /slow', () => bus.captureTrace()!)
  const fast = inRequest('GET /fast', () => bus.captureTrace()!)
  const waiting = inRequest('GET /waiting', () => bus.captureTrace()!)
  const slowHolder = holder(1, slow, { heldMs: 400, label: 'GET /slow' })
  const fastHolder = holder(2, fast, { heldMs: 90, label: 'GET /fast' })
  const lane = { role: 'reader', connectionId: 2, label: null } as const
  const acquire = {
    type: 'acquire',
    ...lane,
    outcome: 'granted',
    queueDepth: 3,
    hasOpened: false,
    trace: waiting,
    releasedBy: null,
    holders: [],
  } as const
  const statement = {
    type: 'statement',
    ...lane,
    sql: 'SELECT * FROM product WHERE id = ?',
    durationMs: 2,
    rowCount: 1,
    errorCode: null,
    trace: waiting,
  } as const

  bus.emit({
    ...acquire,
    startedAtMs: LIFE_BEGAN_AT_MS + 10.5,
    waitMs: 81.25,
    releasedBy: fastHolder,
    holders: [slowHolder, fastHolder],
  })
  bus.emit({
    ...acquire,
    outcome: 'timeout',
    startedAtMs: LIFE_BEGAN_AT_MS + 100,
    waitMs: 5000,
    connectionId: null,
    holders: [slowHolder, holder(9, { ...slow, isSampled: false })],
  })
  bus.emit({
    type: 'connection.opened',
    role: 'reader',
    connectionId: 5,
    startedAtMs: LIFE_BEGAN_AT_MS + 201,
    createMs: 3.5,
  })
  bus.emit({
    ...acquire,
    connectionId: 5,
    hasOpened: true,
    startedAtMs: LIFE_BEGAN_AT_MS + 200,
    waitMs: 5,
  })
  bus.emit({
    type: 'lease',
    ...lane,
    leaseId: 7,
    startedAtMs: LIFE_BEGAN_AT_MS + 92,
    useMs: 30,
    statementCount: 2,
    waiterCount: 4,
    trace: waiting,
  })
  bus.emit({ ...statement, startedAtMs: LIFE_BEGAN_AT_MS + 93 })
  bus.emit({
    ...statement,
    sql: "INSERT INTO note VALUES ('secret')",
    startedAtMs: LIFE_BEGAN_AT_MS + 96,
    rowCount: null,
    errorCode: 'SQLITE_CONSTRAINT_UNIQUE',
  })

  // Nothing may come of these: nobody traces them, or nobody keeps the trace.
  for (const nobodys of [null, { ...waiting, isSampled: false }]) {
    bus.emit({ ...acquire, startedAtMs: LIFE_BEGAN_AT_MS, waitMs: 1, trace: nobodys })
    bus.emit({ ...statement, startedAtMs: LIFE_BEGAN_AT_MS, trace: nobodys })
  }
  return { slow, fast, waiting }
}

/**
 * Checkpoints as the WAL manager tells them, told from inside somebody's request: the first starves behind a lease,
 * which ends after it; the second breaks behind the gate.
 */
export function playCheckpoint(view: PoolView, bus: EventBus, blocker: TraceRef): void {
  const blocking = holder(1, blocker, { heldMs: 60_000, label: 'GET /slow' })
  const event = {
    type: 'checkpoint',
    mode: 'PASSIVE',
    trigger: 'frames',
    outcome: 'partial_reader',
    durationMs: 40,
    isBusy: false,
    logFrames: 1000,
    checkpointedFrames: 600,
    movedFrames: 0,
    sizeBeforeBytes: 4_124_152,
    sizeAfterBytes: null,
    errorCode: null,
    blockedBy: [blocking],
    pin: pinOf(blocking),
    passes: [
      { mode: 'PASSIVE', startedAtMs: LIFE_BEGAN_AT_MS + 501, durationMs: 38.5, movedFrames: 0 },
    ],
    gate: null,
  } as const
  inRequest('POST /api/admin/checkpoint', () => {
    view.stats.checkpoint.durationMs.record(40)
    bus.emit({
      type: 'starvation',
      isStarved: true,
      isRepeated: false,
      pendingFrames: 400,
      durationMs: 0,
      pin: pinOf({ ...blocking, heldMs: 20_000 }),
    })
    bus.emit({ ...event, startedAtMs: LIFE_BEGAN_AT_MS + 500 })
    view.stats.checkpoint.durationMs.record(1, 'SQLITE_IOERR')
    bus.emit({
      ...event,
      mode: 'TRUNCATE',
      trigger: 'shutdown',
      outcome: 'error',
      startedAtMs: LIFE_BEGAN_AT_MS + 900,
      durationMs: 1,
      logFrames: null,
      checkpointedFrames: null,
      errorCode: 'SQLITE_IOERR',
      blockedBy: [],
      pin: null,
      passes: [],
      gate: { startedAtMs: LIFE_BEGAN_AT_MS + 901, durationMs: 2.5 },
    })
  })
  bus.emit({
    type: 'lease',
    role: 'reader',
    ...OLD_LEASE,
    startedAtMs: view.connections()[0]!.sinceAtMs,
    useMs: 91_000,
    statementCount: 3,
    waiterCount: 1,
    label: blocking.label,
    trace: blocker,
  })
}

/** Runs `fn` as the handler of a request that is traced. */
export function inRequest<T>(name: string, fn: () => T): T {
  const span = trace.getTracer('test').startSpan(name)
  try {
    return context.with(trace.setSpan(context.active(), span), fn)
  } finally {
    span.end()
  }
}

function holder(
  connectionId: number,
  ref: TraceRef | null,
  { heldMs = 1, label = null }: { readonly heldMs?: number; readonly label?: string | null } = {},
): HolderRef {
  return { connectionId, leaseId: connectionId * 10, heldMs, label, sql: null, trace: ref }
}

function pinOf(lease: HolderRef): WALPin {
  const holder = { kind: 'iterator', lease, stack: null, pid: null, command: null } as const
  return { slot: 2, frame: 600, lagFrames: 400, heldMs: lease.heldMs - 1000, holder }
}

function epochNowMs(): number {
  return performance.timeOrigin + performance.now()
}
