export type { AcquireMode, CallOptions, ScopeOptions } from './acquire-request.ts'
export { systemClock, type Clock, type Timer } from './clock.ts'
export type { CloseOptions } from './closing.ts'
export type {
  BatchResult,
  BatchStatement,
  BindArguments,
  Column,
  Connection,
  Cursor,
  OpenConnection,
  ResetReport,
  Row,
  RowShape,
  RunResult,
  StatementOptions,
} from './connection.ts'
export type { AcquireMessage, StatementMessage, TransactionMessage } from './diagnostics.ts'
export {
  type Holder,
  InvariantError,
  type Outcome,
  POOL_ERROR_CODES,
  PoolError,
  type PoolErrorCode,
} from './errors.ts'
export { Lease, type LeaseCallOptions } from './lease.ts'
export { resolvePoolOptions, type PoolOptions, type ResolvedPoolOptions } from './options.ts'
export { Pool, type PoolHooks, type PoolParts } from './pool.ts'
export { Statement } from './statement.ts'
