import type {
  CheckpointEvent,
  EventSink,
  PoolEventBody,
  PoolState,
} from '../../../telemetry/events.ts'
import { EventBus } from '../../../telemetry/event-bus.ts'
import type { PoolView } from '../../../telemetry/pool-view.ts'
import type { ConnectionRow, WaiterRow } from '../../../telemetry/protocol.ts'
import { PoolStats } from '../../../telemetry/stats.ts'

/** A pool as its readers see it, without the pool: real statistics and a real event bus, moved by hand. */
export class TestView implements PoolView {
  readonly stats = new PoolStats({
    name: 'main',
    namespace: 'test.sqlite',
    maxWaiters: 1000,
    readers: { min: 1, max: 4 },
  })
  readonly #bus: EventBus
  state: PoolState = 'ready'
  readonly startedAtMs = 1_700_000_000_000
  acquireTimeoutMs = 5000
  readonly checkpointer = 'pool' as const
  walLimitBytes = 0
  checkpointFrames = 1000
  rows: ConnectionRow[] = []
  queue: WaiterRow[] = []
  checkpoint: CheckpointEvent | null = null
  /** Thrown by `connections()` while it is set. */
  failure: Error | null = null

  constructor(nowEpochMs: () => number = () => Date.now()) {
    this.#bus = new EventBus({ nowEpochMs })
  }

  connections(): readonly ConnectionRow[] {
    if (this.failure !== null) throw this.failure
    return this.rows
  }

  waiters(): readonly WaiterRow[] {
    return this.queue
  }

  litestream(): null {
    return null
  }

  lastCheckpoint(): CheckpointEvent | null {
    return this.checkpoint
  }

  onEvent(sink: EventSink): () => void {
    return this.#bus.addSink(sink)
  }

  emit(body: PoolEventBody): void {
    this.#bus.emit(body)
  }
}

export function connectionRow(changes: Partial<ConnectionRow> = {}): ConnectionRow {
  return {
    id: 7,
    role: 'reader',
    state: 'in_use',
    sinceAtMs: 0,
    leaseId: 70,
    label: 'GET /report',
    traceId: null,
    sql: 'SELECT 1',
    isRunning: true,
    statementSinceAtMs: 0,
    hasTransaction: false,
    isLeakSuspect: false,
    ...changes,
  }
}

export function waiterRow(changes: Partial<WaiterRow> = {}): WaiterRow {
  return { role: 'reader', position: 1, sinceAtMs: 0, label: null, traceId: null, ...changes }
}

export function acquireEvent(
  changes: Partial<Extract<PoolEventBody, { type: 'acquire' }>> = {},
): Extract<PoolEventBody, { type: 'acquire' }> {
  return {
    type: 'acquire',
    role: 'reader',
    outcome: 'timeout',
    startedAtMs: 0,
    waitMs: 5000,
    queueDepth: 0,
    connectionId: null,
    hasOpened: false,
    label: null,
    trace: null,
    releasedBy: null,
    holders: [],
    ...changes,
  }
}

export function checkpointEvent(changes: Partial<CheckpointEvent> = {}): CheckpointEvent {
  return {
    type: 'checkpoint',
    mode: 'PASSIVE',
    trigger: 'frames',
    outcome: 'complete',
    startedAtMs: 0,
    durationMs: 1,
    isBusy: false,
    logFrames: 1000,
    checkpointedFrames: 1000,
    movedFrames: 1000,
    sizeBeforeBytes: null,
    sizeAfterBytes: null,
    errorCode: null,
    blockedBy: [],
    pin: null,
    passes: [],
    gate: null,
    ...changes,
  }
}
