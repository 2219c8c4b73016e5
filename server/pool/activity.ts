import type { ConnectionRow, ConnectionState, WaiterRow } from '../../telemetry/protocol.ts'
import type { Clock } from './clock.ts'
import type { Lane } from './lane.ts'
import type { Hold } from './hold.ts'
import type { Slot, SlotState } from './slot.ts'

const STATES: Record<SlotState, ConnectionState> = {
  opening: 'opening',
  idle: 'idle',
  inUse: 'in_use',
  resetting: 'resetting',
  zombie: 'zombie',
}

/** Waiters shown of each lane; the count of all is in the stats. */
const MAX_WAITERS_SHOWN = 50

interface LeakWatch {
  isLeakSuspect(hold: Hold): boolean
}

/** What every connection is doing, in order of the ids. */
export function connectionRows(
  lanes: readonly Lane[],
  leaks: LeakWatch,
  clock: Clock,
): ConnectionRow[] {
  const nowMs = clock.nowMs()
  const row = (slot: Slot): ConnectionRow => ({
    id: slot.id,
    role: slot.role,
    state: STATES[slot.state],
    sinceAtMs: clock.timeOriginMs + nowMs - slot.ageMs(nowMs),
    ...leaseCells(slot.hold ?? slot.buried, leaks, clock),
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

function leaseCells(hold: Hold | null, leaks: LeakWatch, clock: Clock): LeaseCells {
  if (hold === null) return FREE
  const startedMs = hold.calls?.lastStartedMs ?? null
  return {
    leaseId: hold.id,
    label: hold.request.label,
    traceId: hold.trace?.traceId ?? null,
    sql: hold.lastSql,
    isRunning: hold.pendingCount > 0,
    statementSinceAtMs: startedMs === null ? null : clock.timeOriginMs + startedMs,
    hasTransaction: hold.connection.inTransaction,
    isLeakSuspect: leaks.isLeakSuspect(hold),
  }
}

/** Who waits, each lane in the order in which it will be served. */
export function waiterRows(lanes: readonly Lane[], clock: Clock): WaiterRow[] {
  const nowMs = clock.nowMs()
  return lanes.flatMap((lane) =>
    Iterator.from(lane.waiters)
      .take(MAX_WAITERS_SHOWN)
      .map((waiter, index) => ({
        role: lane.stats.role,
        position: index + 1,
        sinceAtMs: clock.timeOriginMs + nowMs - waiter.waitedMs(nowMs),
        label: waiter.request.label,
        traceId: waiter.request.trace?.traceId ?? null,
      }))
      .toArray(),
  )
}
