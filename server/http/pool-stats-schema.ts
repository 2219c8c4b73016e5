import { Type, type Static } from 'typebox'
import { POOL_STATES } from '../../telemetry/events.ts'
import { ACQUIRE_FAILURES, CLOSE_REASONS } from '../../telemetry/stats.ts'

const closed = { additionalProperties: false } as const

const count = (description: string) => Type.Integer({ minimum: 0, description })

const counts = <Name extends string>(names: readonly Name[], description: string) => {
  const fields = names.map((name) => [name, Type.Integer({ minimum: 0 })] as const)
  return Type.Object(Object.fromEntries(fields) as Record<Name, (typeof fields)[number][1]>, {
    ...closed,
    description,
  })
}

const quantile = Type.Union([Type.Number(), Type.Null()], { description: 'null: no value yet.' })

const duration = (description: string) =>
  Type.Object(
    { count: count('How many there were.'), p50Ms: quantile, p95Ms: quantile, p99Ms: quantile },
    { ...closed, description },
  )

const lane = (description: string) =>
  Type.Object(
    {
      max: count('Connections that it may hold.'),
      min: count('Connections that stay open when nothing happens.'),
      idle: count('Open and free.'),
      inUse: count('Leased.'),
      opening: count('Being opened.'),
      resetting: count('Given back, and being cleaned.'),
      zombie: count('Given back, while SQLite still runs a statement that was given up.'),
      waiting: count('Callers in the queue.'),
      acquired: count('Leases given since start.'),
      released: count('Leases that ended since start.'),
      opened: count('Connections opened since start.'),
      dirtyReleased: count('Leases that ended with an open transaction or iterator.'),
      doubleReleased: count('Releases of leases that were released before.'),
      leakSuspected: count('Leases that were held longer than POOL_LEAK_THRESHOLD_MS.'),
      revoked: count('Leases that were taken away.'),
      busyRetried: count('Statements sent again because another process held the lock.'),
      failed: counts(ACQUIRE_FAILURES, 'Callers that got no lease, by reason.'),
      closed: counts(CLOSE_REASONS, 'Connections closed, by reason.'),
      wait: duration('From asking to getting, 0 for whoever did not wait.'),
      use: duration('From getting to giving back.'),
    },
    { ...closed, description },
  )

/** `PoolSnapshot` as it leaves over HTTP; a field that is not here does not. */
export const poolStatsSchema = Type.Object(
  {
    name: Type.String(),
    state: Type.Enum([...POOL_STATES]),
    available: count('Open and free now. More may be opened, up to `max`.'),
    inUse: count('Leased now.'),
    total: count('Open, opening, being cleaned, or stuck in a statement.'),
    max: count('Connections that the pool may hold: DB_POOL_SIZE.'),
    waiting: count('Callers in the queues now.'),
    maxWaiters: count('Callers that may wait at once; the next is refused.'),
    acquired: count('Leases given since start.'),
    released: count('Leases that ended since start.'),
    timedOut: count('Callers that waited longer than POOL_ACQUIRE_TIMEOUT_MS.'),
    queueFull: count('Callers that were refused because too many were waiting.'),
    aborted: count('Callers that gave up waiting.'),
    statements: count('Statements answered since start.'),
    readers: lane('The connections that read.'),
    writer: lane('The one connection that writes.'),
  },
  closed,
)

export type PoolStatsReply = Static<typeof poolStatsSchema>
