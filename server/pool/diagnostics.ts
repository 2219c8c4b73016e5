import { channel, type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

/**
 * What the pool tells `node:diagnostics_channel`, for tools that know no pool. Without subscribers each costs
 * one comparison. `docs/pool.md` has what each message contains.
 */
export const diagnostics = {
  /** `tracing:glasspool.acquire:{start,end,asyncStart,asyncEnd,error}` */
  acquire: tracingChannel<AcquireMessage>('glasspool.acquire'),
  /** `tracing:glasspool.statement:…` */
  statement: tracingChannel<StatementMessage>('glasspool.statement'),
  /** `tracing:glasspool.transaction:…` */
  transaction: tracingChannel<TransactionMessage>('glasspool.transaction'),
  connectionOpened: channel('glasspool.connection.opened'),
  connectionClosed: channel('glasspool.connection.closed'),
  leaseReleased: channel('glasspool.lease.released'),
} as const

export interface AcquireMessage {
  readonly pool: string
  readonly mode: string
  readonly label: string | null
}

export interface StatementMessage {
  readonly leaseId: number
  readonly connectionId: number
  readonly sql: string
}

export interface TransactionMessage {
  readonly leaseId: number
  readonly connectionId: number
  readonly kind: string
}

/** `work`, traced when somebody listens. */
export function traced<M extends object, T>(
  to: TracingChannel<M, M>,
  message: () => M,
  work: () => Promise<T>,
): Promise<T> {
  return to.hasSubscribers ? to.tracePromise(work, message()) : work()
}
