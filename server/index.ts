import './runtime.ts'
export { ConnectionPool } from './connection-pool.ts'
export { createPool } from './create-pool.ts'
export type { DurationSnapshot, LaneSnapshot, PoolSnapshot } from './pool-snapshot.ts'
export * from './pool/index.ts'
export { closeConnectionPool, getConnectionPool } from './shared-pool.ts'
export {
  ConnectionLostError,
  JournalModeError,
  PragmaRefusedError,
  ResultTooBigError,
} from './sqlite/errors.ts'
export { WALError, type WALErrorCode } from './wal/errors.ts'
export type { WALInfo } from './wal/wal-info.ts'
export { WALManager, type CheckpointResult } from './wal/wal-manager.ts'
export type * from '../telemetry/events.ts'
export type { PoolView } from '../telemetry/pool-view.ts'
export type { CheckpointMode, CheckpointTrigger, Role } from '../telemetry/stats.ts'
