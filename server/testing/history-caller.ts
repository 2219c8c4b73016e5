import type { Role } from '../../telemetry/stats.ts'
import type { Lease } from '../pool/lease.ts'
import { PRIORITY_STEP_MS } from '../pool/waiter-queue.ts'

/** One who has asked for a connection in a random history. */
export interface HistoryCaller {
  readonly number: number
  /** Whose line it waits in; a lane without connections has none. */
  role: Role
  readonly priority: number
  readonly cameMs: number
  readonly controller: AbortController
  readonly deadlineMs: number
  /** Taken from one line to another because the readers were taken away. */
  isMoved: boolean
  settledCount: number
  outcome: string
  /** Of a scope `undefined`: it releases by itself. */
  lease: Lease | undefined
}

/** The place in the line: when it came, moved by its priority. */
export function rankMs({ cameMs, priority }: HistoryCaller): number {
  return cameMs - priority * PRIORITY_STEP_MS
}

/** First come, first served, is said of those of one priority, and not across two lines that became one. */
export function isComparable(one: HistoryCaller, other: HistoryCaller): boolean {
  return one.priority === other.priority && !one.isMoved && !other.isMoved
}
