import type { EventSink, HolderRef, PoolEvent, WALPin } from '../telemetry/events.ts'
import { describePin } from '../telemetry/pin-text.ts'

/** As much of a pino logger as is used here. */
export interface EventLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Acquires that fail are many at a time when they are any: one line a second says how many. */
const FAILURE_INTERVAL_MS = 1000

type Writers = {
  readonly [T in PoolEvent['type']]?: (event: Extract<PoolEvent, { type: T }>) => void
}

/** What of the pool belongs into the log: each condition once when it begins and once when it ends. */
export function logEvents(log: EventLogger): EventSink {
  const writers: Writers = {
    acquire: failureWriter(log),
    capacity: (event) => {
      if (event.isNear) log.warn(counts(event), 'the pool is near its capacity')
      else log.info(counts(event), 'the pool has room again')
    },
    leak: (event) => logLeak(log, event),
    starvation: (event) => logStarvation(log, event),
    backpressure: (event) => logBackpressure(log, event),
    checkpoint: ({ outcome, mode, errorCode }) => {
      if (outcome === 'error') log.error({ mode, code: errorCode }, 'a checkpoint failed')
    },
    'connection.closed': ({ connectionId, role, reason, error }) => {
      if (reason !== 'lost' && reason !== 'error') return
      log.error({ connectionId, role, reason, error }, 'a connection was lost')
    },
    pool: ({ state, reason }) => {
      if (state === 'failed') log.error({ state, reason }, 'pool state')
      else log.info({ state, reason }, 'pool state')
    },
  }
  return (event) => (writers[event.type] as ((event: PoolEvent) => void) | undefined)?.(event)
}

function failureWriter(log: EventLogger): NonNullable<Writers['acquire']> {
  let failures = 0
  let lastAtMs = Number.NEGATIVE_INFINITY
  return (event) => {
    if (!isWorthALine(event.outcome)) return
    failures += 1
    if (event.atMs - lastAtMs < FAILURE_INTERVAL_MS) return
    lastAtMs = event.atMs
    const { outcome, role, queueDepth, label } = event
    log.warn(
      { outcome, role, failures, waiting: queueDepth, label, holders: event.holders.map(describe) },
      'callers got no connection',
    )
    failures = 0
  }
}

/** A client that hung up, or a pool that was told to close, is no fault. */
function isWorthALine(outcome: Extract<PoolEvent, { type: 'acquire' }>['outcome']): boolean {
  return outcome !== 'granted' && outcome !== 'aborted' && outcome !== 'pool_closed'
}

function counts(event: Extract<PoolEvent, { type: 'capacity' }>): object {
  return { inUse: event.inUse, max: event.max, waiting: event.waiting }
}

function logLeak(log: EventLogger, event: Extract<PoolEvent, { type: 'leak' }>): void {
  const fields = { ...describe(event.holder), stack: event.stack }
  if (event.isReclaimed) log.warn(fields, 'a lease that was held for too long was taken back')
  else if (event.isRecovered) log.info(fields, 'a lease that looked leaked was released')
  else log.warn(fields, 'a lease is held for too long')
}

function logStarvation(log: EventLogger, event: Extract<PoolEvent, { type: 'starvation' }>): void {
  const { pendingFrames, durationMs, pin } = event
  const fields = {
    pendingFrames,
    durationMs: Math.round(durationMs),
    ...(pin !== null && describeSnapshot(pin)),
  }
  if (event.isStarved) log.warn(fields, 'a reader keeps the write-ahead log from shrinking')
  else log.info(fields, 'the write-ahead log shrinks again')
}

function logBackpressure(
  log: EventLogger,
  event: Extract<PoolEvent, { type: 'backpressure' }>,
): void {
  const { reason, sizeBytes, limitBytes, headroomBytes, pin } = event
  const fields = {
    reason,
    sizeBytes,
    limitBytes,
    headroomBytes,
    ...(pin !== null && describeSnapshot(pin)),
  }
  if (event.isOn) log.error(fields, 'nothing is written until the write-ahead log is shorter')
  else log.info(fields, 'writers are served again')
}

/** Whoever keeps the log: a lease as `describe` has it, or another process. */
function describeSnapshot({ slot, frame, lagFrames, heldMs, holder }: WALPin): object {
  const { kind, lease, pid, command, stack } = holder
  return {
    by: describePin({ holder }),
    kind,
    slot,
    frame,
    lagFrames,
    snapshotMs: Math.round(heldMs),
    ...(lease === null ? { pid, command } : { ...describe(lease), stack }),
  }
}

/** A holder without its SQL: a text may hold literal values. */
function describe(holder: HolderRef): object {
  return {
    connectionId: holder.connectionId,
    leaseId: holder.leaseId,
    label: holder.label,
    heldMs: Math.round(holder.heldMs),
    traceId: holder.trace?.traceId,
  }
}
