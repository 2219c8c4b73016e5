import type { ConnectionRow, ConnectionState, WaiterRow } from '../../telemetry/protocol.ts'
import type { Clock } from './clock.ts'
import type { Lane } from './lane.ts'
import type { Lease } from './lease.ts'
import type { Slot, SlotState } from './slot.ts'

const STATES: Record<SlotState, ConnectionState> = {
  opening: 'opening',
  idle: 'idle',
  inUse: 'in_use',
  resetting: 'resetting',
}

/** Waiters shown of each lane; the count of all is in the stats. */
const MAX_WAITERS_SHOWN = 50

interface LeakWatch {
  isLeakSuspect(lease: Lease): boolean
}

/** What every connection is doing, in order of the ids. */
export function connectionRows(
  lanes: readonly Lane[],
  leaks: LeakWatch,
  clock: Clock,
): ConnectionRow[] {
  const row = (slot: Slot): ConnectionRow => ({
    id: slot.id,
    role: slot.role,
    state: STATES[slot.state],
    sinceAtMs: clock.timeOriginMs + slot.sinceMs,
    ...(slot.lease === null ? FREE : leaseCells(slot.lease, leaks, clock)),
  })
  return lanes.flatMap((lane) => [...lane.slots].map(row)).sort((a, b) => a.id - b.id)
}

type LeaseCells = Omit<ConnectionRow, 'id' | 'role' | 'state' | 'sinceAtMs'>

const FREE: LeaseCells = {
  leaseId: null,
  label: null,
  traceId: null,
  sql: null,
  isRunning: false,
  statementSinceAtMs: null,
  hasTransaction: false,
  isLeakSuspect: false,
}

function leaseCells(lease: Lease, leaks: LeakWatch, clock: Clock): LeaseCells {
  const startedMs = lease.lastStatementStartedMs
  return {
    leaseId: lease.id,
    label: lease.label,
    traceId: lease.trace?.traceId ?? null,
    sql: lease.lastSql,
    isRunning: lease.isRunning,
    statementSinceAtMs: startedMs === null ? null : clock.timeOriginMs + startedMs,
    hasTransaction: lease.inTransaction,
    isLeakSuspect: leaks.isLeakSuspect(lease),
  }
}

/** Who waits, each lane in the order in which it will be served. */
export function waiterRows(lanes: readonly Lane[], clock: Clock): WaiterRow[] {
  return lanes.flatMap((lane) =>
    Iterator.from(lane.waiters)
      .take(MAX_WAITERS_SHOWN)
      .map((waiter, index) => ({
        role: lane.stats.role,
        position: index + 1,
        sinceAtMs: clock.timeOriginMs + waiter.startedMs,
        label: waiter.request.label,
        traceId: waiter.request.trace?.traceId ?? null,
      }))
      .toArray(),
  )
}
