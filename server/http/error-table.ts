/** How one error code reaches a client. */
export interface ErrorRow {
  readonly status: number
  readonly retryable: boolean
  /** What the client reads; `null` passes on the error's own message (4xx only). */
  readonly message: string | null
}

const row = (status: number, retryable: boolean, message: string | null): ErrorRow => ({
  status,
  retryable,
  message,
})

/**
 * Every error code that leaves this server. The texts from 500 on are fixed: a driver's message may
 * hold SQL, a path or a value.
 */
export const errorTable = {
  VALIDATION: row(400, false, null),
  BAD_REQUEST: row(400, false, 'The request is not valid HTTP, or its body is not valid JSON.'),
  UNAUTHENTICATED: row(401, false, null),
  FORBIDDEN: row(403, false, null),
  NOT_FOUND: row(404, false, null),
  METHOD_NOT_ALLOWED: row(405, false, null),
  REQUEST_TIMEOUT: row(408, true, 'The request did not arrive in time.'),
  CONFLICT: row(409, false, null),
  CONSTRAINT_UNIQUE: row(409, false, 'Something with this value exists already.'),
  CONSTRAINT_FOREIGN_KEY: row(
    409,
    false,
    'It refers to something that does not exist, or is referred to.',
  ),
  TOO_BIG: row(413, false, 'The request is too big.'),
  RESULT_TOO_BIG: row(413, false, 'The result is too big; ask for less.'),
  URI_TOO_LONG: row(414, false, 'A part of the address is too long.'),
  UNSUPPORTED_MEDIA_TYPE: row(415, false, 'Send application/json.'),
  RANGE_NOT_SATISFIABLE: row(416, false, 'This range does not exist.'),
  HOST_NOT_ALLOWED: row(421, false, null),
  CONSTRAINT_CHECK: row(422, false, 'A value is outside of what is allowed.'),
  CONSTRAINT_NOT_NULL: row(422, false, 'A value is missing.'),
  RATE_LIMITED: row(429, true, null),
  HEADERS_TOO_BIG: row(431, false, 'The header fields are too big.'),

  WAL_INVALID_MODE: row(400, false, null),
  WAL_INVALID_OPTION: row(400, false, null),
  WAL_NOT_ENABLED: row(409, false, 'The database has no write-ahead log.'),
  WAL_EXTERNAL_CHECKPOINTER: row(
    409,
    false,
    'Another program checkpoints this database; only PASSIVE is allowed.',
  ),
  WAL_UNSAFE_SQLITE: row(409, false, 'Checkpoints are not safe with this version of SQLite.'),
  WAL_NETWORK_FILESYSTEM: row(409, false, 'The database is on a network file system.'),
  WAL_FULL: row(503, true, 'Nothing is written now: the write-ahead log has reached its limit.'),
  WAL_CLOSED: row(503, true, 'Checkpoints are not available now.'),

  POOL_ACQUIRE_TIMEOUT: row(503, true, 'No connection became free in time.'),
  POOL_QUEUE_FULL: row(503, true, 'Too many callers are waiting for a connection.'),
  POOL_OVERLOADED: row(503, true, 'Callers have waited too long for too long.'),
  POOL_DEADLOCK: row(500, false, 'The request waited for itself.'),
  POOL_DRAINING: row(503, true, 'The server is shutting down.'),
  POOL_CLOSED: row(503, true, 'The server is shutting down.'),
  POOL_ABORTED: row(503, true, 'The request was given up.'),
  STATEMENT_TIMEOUT: row(504, false, 'The database took too long.'),
  // Its outcome says what became of it, to nobody: the client has gone.
  STATEMENT_CANCELLED: row(503, false, 'The request was given up.'),
  TRANSACTION_TIMEOUT: row(504, false, 'The transaction took too long and was rolled back.'),
  TRANSACTION_IDLE: row(504, false, 'The transaction was idle for too long and was rolled back.'),
  SNAPSHOT_EXPIRED: row(500, false, 'The snapshot is too old.'),
  LEASE_REVOKED: row(500, false, 'The connection was taken back.'),
  DB_BUSY: row(503, true, 'The database is locked by another process.'),
  DB_CONFLICT: row(503, true, 'Another write came first.'),
  DB_LOCKED: row(500, false, 'The database refused a conflicting operation.'),
  DB_FULL: row(507, false, 'There is no space left for the database.'),
  DB_IO: row(503, true, 'The database could not be read or written.'),
  DB_CORRUPT: row(503, false, 'The database file is damaged.'),
  DB_READONLY: row(503, false, 'The database cannot be written.'),
  DB_UNAVAILABLE: row(503, true, 'The database cannot be opened.'),
  DB_REPLACED: row(503, false, 'The database file was replaced.'),
  DB_WORKER_LOST: row(503, false, 'The connection was lost; whether a write happened is unknown.'),
  NOT_READY: row(503, true, 'The database is not ready.'),
  OVERLOADED: row(503, true, 'The server is overloaded.'),
  INTERNAL: row(500, false, 'Something went wrong on our side.'),
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof errorTable

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(errorTable, code)
