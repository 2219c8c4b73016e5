import type { LeaseEvent, StatementEvent } from '../../telemetry/events.ts'
import type { Hold, StatementReport } from './hold.ts'

/** A lease that ended, before its connection is anyone else's. */
export function leaseEvent(
  hold: Hold,
  end: { readonly useMs: number; readonly waiterCount: number },
): LeaseEvent {
  const { slot, request, host } = hold
  const nowMs = host.clock.nowMs()
  return {
    type: 'lease',
    role: slot.role,
    connectionId: slot.id,
    leaseId: hold.id,
    startedAtMs: host.clock.timeOriginMs + nowMs - slot.ageMs(nowMs),
    useMs: end.useMs,
    statementCount: hold.statementCount,
    waiterCount: end.waiterCount,
    label: request.label,
    trace: request.trace,
  }
}

export function statementEvent(
  hold: Hold,
  report: StatementReport,
  errorCode: string | null,
): StatementEvent {
  const { slot, host } = hold
  return {
    type: 'statement',
    role: slot.role,
    connectionId: slot.id,
    sql: report.sql,
    startedAtMs: host.clock.timeOriginMs + report.startedMs,
    durationMs: report.durationMs,
    rowCount: report.rowCount,
    errorCode,
    trace: hold.trace,
  }
}
