import type { ConnectionRow, StateBody, Verdict, WaiterRow } from '../../telemetry/protocol.ts'
import type { PoolView } from '../../telemetry/pool-view.ts'
import type { LaneStats, PoolStats } from '../../telemetry/stats.ts'
import { readWal } from './wal-reader.ts'
import { clip } from './clip.ts'

/** A queue of a thousand is not listed for every viewer four times a second; `waiting` has its length. */
export const WAITER_ROWS_PER_LANE = 20

/** The state as viewers see it. Texts are clipped, times are whole, and only the first of each queue are listed. */
export function readState(
  view: PoolView,
  rest: { readonly verdict: Verdict; readonly viewers: number },
): StateBody {
  const { stats } = view
  return {
    poolState: view.state,
    verdict: rest.verdict,
    connections: view.connections().map(clipConnection),
    waiters: view
      .waiters()
      .filter((waiter) => waiter.position <= WAITER_ROWS_PER_LANE)
      .map(clipWaiter),
    wal: readWal(view),
    totals: readTotals(stats),
    viewers: rest.viewers,
  }
}

function readTotals({ reader, writer, checkpoint }: PoolStats): StateBody['totals'] {
  const both = (read: (lane: LaneStats) => number): number => read(reader) + read(writer)
  return {
    acquired: both((lane) => lane.acquired),
    released: both((lane) => lane.released),
    timedOut: both((lane) => lane.failed.timeout),
    queueFull: both((lane) => lane.failed.queue_full),
    aborted: both((lane) => lane.failed.aborted),
    checkpoints: checkpoint.completed + checkpoint.incomplete + checkpoint.failed,
  }
}

const clipOrNull = (text: string | null): string | null => (text === null ? null : clip(text))

/** Whole milliseconds: fractions would be a fifth of the frame. Rounded down, never into the future. */
const clipConnection = (row: ConnectionRow): ConnectionRow => ({
  ...row,
  sinceAtMs: Math.floor(row.sinceAtMs),
  label: clipOrNull(row.label),
  sql: clipOrNull(row.sql),
  statementSinceAtMs: row.statementSinceAtMs === null ? null : Math.floor(row.statementSinceAtMs),
})

const clipWaiter = (row: WaiterRow): WaiterRow => ({
  ...row,
  sinceAtMs: Math.floor(row.sinceAtMs),
  label: clipOrNull(row.label),
})
