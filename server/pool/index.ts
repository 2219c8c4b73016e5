export type { AcquireMode, CallOptions } from './acquire-request.ts'
export { systemClock, type Clock, type Timer } from './clock.ts'
export type {
  BindArguments,
  Connection,
  Cursor,
  OpenConnection,
  ResetReport,
  Row,
  RunResult,
} from './connection.ts'
export { InvariantError, POOL_ERROR_CODES, PoolError, type PoolErrorCode } from './errors.ts'
export { Lease } from './lease.ts'
export { resolvePoolOptions, type PoolOptions, type ResolvedPoolOptions } from './options.ts'
export { Pool, type PoolHooks, type PoolParts } from './pool.ts'
export { Statement } from './statement.ts'
