import type { AcquireFailure, LaneStats } from '../../telemetry/stats.ts'
import { type Holder, PoolError, type PoolErrorParts } from './errors.ts'

interface Moment {
  readonly stats: LaneStats
  readonly maxWaiters: number
  /** The oldest leases of the lane, oldest first. */
  readonly holders: readonly Holder[]
  readonly waitMs: number
  /** 1 was next; 0 never queued. */
  readonly position: number
  readonly cause: unknown
}

/** The error of an acquire that got no connection: what happened, in numbers, and who holds what. */
export function acquireFailure(failure: AcquireFailure, moment: Moment): PoolError {
  const { stats, holders, cause } = moment
  const numbers = {
    waitedMs: Math.round(moment.waitMs),
    position: moment.position,
    waiting: stats.waiting,
    inUse: stats.inUse,
    idle: stats.idle,
    opening: stats.opening,
    resetting: stats.resetting,
    zombie: stats.zombie,
    max: stats.max,
    longestHeldMs: Math.round(holders[0]?.heldMs ?? 0),
  }
  const parts = {
    details: numbers,
    holders,
    outcome: 'not_started' as const,
    ...(cause !== undefined && { cause }),
  }
  switch (failure) {
    case 'timeout':
      return new PoolError(
        'POOL_ACQUIRE_TIMEOUT',
        `no ${stats.role} became free in ${numbers.waitedMs} ms: ${numbers.inUse} of ${numbers.max} in use, ` +
          `${numbers.waiting} waiting${oldest(holders)}`,
        { ...parts, hint: 'release sooner, raise size, or raise acquireTimeoutMs' },
      )
    case 'queue_full':
      return new PoolError(
        'POOL_QUEUE_FULL',
        `${moment.maxWaiters} callers wait already: ${numbers.inUse} of ${numbers.max} ${stats.role} in use${oldest(holders)}`,
        { ...parts, hint: 'shed load, or raise maxWaiters' },
      )
    case 'shed':
      return new PoolError(
        'POOL_OVERLOADED',
        `turned away after ${numbers.waitedMs} ms: the line has been slow for too long${oldest(holders)}`,
        { ...parts, hint: 'shed load, raise size, or raise shedTargetMs' },
      )
    case 'deadlock':
      return new PoolError(
        'POOL_DEADLOCK',
        `no ${stats.role} can become free: whoever holds one waits for this call${oldest(holders)}`,
        { ...parts, hint: 'inside a scope use the lease that you were given' },
      )
    case 'open_failed':
      return openFailure(cause, parts)
    case 'wal_full':
      if (cause instanceof PoolError) return cause
      return new PoolError('WAL_FULL', 'the write-ahead log has reached its limit', {
        ...parts,
        hint: 'end the reader that keeps the log from being copied back',
      })
    case 'pool_closed':
    case 'aborted':
      if (cause instanceof PoolError) return cause
      return new PoolError('POOL_CLOSED', 'the pool is closed or closing', {
        ...parts,
        hint: 'acquire before close()',
      })
  }
}

/** A connection could not be opened; `cause` is what SQLite or the driver said. */
export function openFailure(
  cause: unknown,
  parts: PoolErrorParts = { cause, outcome: 'not_started' },
): PoolError {
  if (cause instanceof PoolError) return cause
  const said = cause instanceof Error ? cause.message : String(cause)
  return new PoolError('POOL_OPEN_FAILED', `the database could not be opened: ${said}`, {
    hint: 'check the path, its permissions, and that the file is a database',
    ...parts,
  })
}

function oldest(holders: readonly Holder[]): string {
  const holder = holders[0]
  if (holder === undefined) return ''
  const who = holder.label === null ? `lease ${holder.leaseId}` : `"${holder.label}"`
  return `; connection ${holder.connectionId} held ${Math.round(holder.heldMs)} ms by ${who}`
}
