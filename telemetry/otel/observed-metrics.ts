import { ValueType } from '@opentelemetry/api'
import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import {
  BACKPRESSURE_REASONS,
  WAL_HOLDER_KINDS,
  type BackpressureReason,
  type WALHolderKind,
} from '../events.ts'
import type { PoolView } from '../pool-view.ts'
import type { CloseReason, LaneStats, Role } from '../stats.ts'
import { secondsOf } from '../units.ts'
import { ATTRIBUTE } from './attributes.ts'
import { METRIC, type Metric, type MetricName } from './names.ts'
import { laneAttributes, poolAttributes } from './pool-attributes.ts'

type ObservedName = {
  [name in MetricName]: (typeof METRIC)[name]['instrument'] extends 'histogram' ? never : name
}[MetricName]

type Say = (name: ObservedName, value: number | null, attributes: Attributes) => void

/**
 * Counts, sizes and ages: read from `view.stats` in one callback per collection, so that there is no
 * second count. Returns the way to stop; without it the meter keeps a closed pool in memory.
 */
export function observePool(meter: Meter, view: PoolView): () => void {
  const instruments = createInstruments(meter)
  const attributes = observedAttributes(view)
  const callback = (result: BatchObservableResult): void => {
    const say: Say = (name, value, of) => {
      // Unknown is a gap, never zero.
      if (value !== null) result.observe(instruments[name], value, of)
    }
    observeLane(say, view.stats.reader, attributes.reader)
    observeLane(say, view.stats.writer, attributes.writer)
    observeLeaseAges(say, view, attributes)
    observeLog(say, view, attributes)
    observeObstacles(say, view, attributes)
    observeCheckpoints(say, view, attributes)
  }
  const observables = Object.values(instruments)
  meter.addBatchObservableCallback(callback, observables)
  return () => meter.removeBatchObservableCallback(callback, observables)
}

function createInstruments(meter: Meter): Record<ObservedName, Observable> {
  const create = {
    counter: meter.createObservableCounter.bind(meter),
    updowncounter: meter.createObservableUpDownCounter.bind(meter),
    gauge: meter.createObservableGauge.bind(meter),
  }
  const instruments: Partial<Record<string, Observable>> = {}
  for (const [name, metric] of Object.entries<Metric>(METRIC)) {
    if (metric.instrument === 'histogram') continue
    const { description, unit } = metric
    const valueType = metric.isInteger === true ? ValueType.INT : ValueType.DOUBLE
    instruments[name] = create[metric.instrument](metric.name, { description, unit, valueType })
  }
  return instruments as Record<ObservedName, Observable>
}

interface LaneAttributes {
  readonly all: Attributes
  readonly idle: Attributes
  readonly used: Attributes
  readonly zombie: Attributes
  readonly closed: readonly { readonly reason: CloseReason; readonly attributes: Attributes }[]
}

interface ObservedAttributes {
  readonly pool: Attributes
  readonly reader: LaneAttributes
  readonly writer: LaneAttributes
  readonly backfilled: Attributes
  readonly pending: Attributes
  readonly holders: readonly { readonly kind: WALHolderKind; readonly attributes: Attributes }[]
  readonly backpressure: readonly {
    readonly reason: BackpressureReason
    readonly attributes: Attributes
  }[]
}

/** Made once, not at every collection. */
function observedAttributes(view: PoolView): ObservedAttributes {
  const pool = poolAttributes(view)
  const ofLane = (lane: LaneStats): LaneAttributes => {
    const all = laneAttributes(view, lane.role)
    const reasons = Object.keys(lane.closed) as CloseReason[]
    return {
      all,
      idle: { ...all, [ATTRIBUTE.connectionState]: 'idle' },
      used: { ...all, [ATTRIBUTE.connectionState]: 'used' },
      zombie: { ...all, [ATTRIBUTE.connectionState]: 'zombie' },
      closed: reasons.map((reason) => ({
        reason,
        attributes: { ...all, [ATTRIBUTE.closeReason]: reason },
      })),
    }
  }
  return {
    pool,
    reader: ofLane(view.stats.reader),
    writer: ofLane(view.stats.writer),
    backfilled: { ...pool, [ATTRIBUTE.frameState]: 'backfilled' },
    pending: { ...pool, [ATTRIBUTE.frameState]: 'pending' },
    holders: WAL_HOLDER_KINDS.map((kind) => ({
      kind,
      attributes: { ...pool, [ATTRIBUTE.pinHolder]: kind },
    })),
    backpressure: BACKPRESSURE_REASONS.map((reason) => ({
      reason,
      attributes: { ...pool, [ATTRIBUTE.backpressureReason]: reason },
    })),
  }
}

function observeLane(say: Say, lane: LaneStats, of: LaneAttributes): void {
  say('connectionCount', lane.idle, of.idle)
  say('connectionCount', lane.inUse, of.used)
  say('connectionCount', lane.zombie, of.zombie)
  say('connectionLimit', lane.max, of.all)
  say('connectionIdleMin', lane.min, of.all)
  say('pendingRequests', lane.waiting, of.all)
  say('timeouts', lane.failed.timeout, of.all)
  say('leaseLeaks', lane.leakSuspected, of.all)
  say('leaseUnclean', lane.dirtyReleased, of.all)
  say('leaseRevoked', lane.revoked, of.all)
  say('leaseDoubleReleased', lane.doubleReleased, of.all)
  say('busyRetries', lane.busyRetried, of.all)
  for (const { reason, attributes } of of.closed) {
    say('connectionClosed', lane.closed[reason], attributes)
  }
}

function observeLeaseAges(say: Say, view: PoolView, of: ObservedAttributes): void {
  const nowMs = performance.timeOrigin + performance.now()
  const oldestAtMs: Record<Role, number> = { reader: nowMs, writer: nowMs }
  for (const { role, state, sinceAtMs } of view.connections()) {
    if (state === 'in_use') oldestAtMs[role] = Math.min(oldestAtMs[role], sinceAtMs)
  }
  say('leaseAge', secondsOf(nowMs - oldestAtMs.reader), of.reader.all)
  say('leaseAge', secondsOf(nowMs - oldestAtMs.writer), of.writer.all)
}

function observeLog(say: Say, view: PoolView, of: ObservedAttributes): void {
  const { wal, maxWaiters } = view.stats
  say('queueLimit', maxWaiters, of.pool)
  say('walSize', wal.sizeBytes, of.pool)
  say('databaseSize', wal.databaseSizeBytes, of.pool)
  if (wal.frames !== null && wal.backfilledFrames !== null) {
    say('walFrameCount', wal.backfilledFrames, of.backfilled)
    say('walFrameCount', wal.frames - wal.backfilledFrames, of.pending)
  }
  say('walResets', wal.resets, of.pool)
  say('walStarvations', wal.starvations, of.pool)
  say('externalCheckpoints', wal.externalCheckpoints, of.pool)
  say('probeUnknown', wal.unknownProbes, of.pool)
  say('diskHeadroom', wal.headroomBytes, of.pool)
}

/**
 * Who is in the way, and whether writers feel it. All kinds are said, those that are not in the way as 0: of a
 * series that is no longer said the SDK repeats the last value at every export, and a pin would never end.
 */
function observeObstacles(say: Say, view: PoolView, of: ObservedAttributes): void {
  const { pin, readSlots, backpressure } = view.stats.wal
  for (const { kind, attributes } of of.holders) {
    const isHolder = pin?.holder.kind === kind
    say('pinLag', isHolder ? pin.lagFrames : 0, attributes)
    say('pinAge', isHolder ? secondsOf(pin.heldMs) : 0, attributes)
  }
  const usedSlots = readSlots?.filter(({ holders }) => holders.length > 0)
  say('readSlotCount', usedSlots?.length ?? null, of.pool)
  for (const { reason, attributes } of of.backpressure) {
    say('backpressure', backpressure === reason ? 1 : 0, attributes)
  }
}

function observeCheckpoints(say: Say, view: PoolView, of: ObservedAttributes): void {
  const { checkpoint } = view.stats
  say('checkpointFrames', checkpoint.framesMoved, of.pool)
  say('checkpointIncomplete', checkpoint.incomplete, of.pool)
  say('checkpointFailed', checkpoint.failed, of.pool)
  const nowMs = performance.timeOrigin + performance.now()
  const completeAtMs = checkpoint.lastCompleteAtMs ?? view.startedAtMs
  say('checkpointAge', secondsOf(Math.max(0, nowMs - completeAtMs)), of.pool)
}
