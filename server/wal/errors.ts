/** Why the WAL manager refuses or cannot answer. A busy checkpoint is a result and never an error. */
export type WALErrorCode =
  /** Not one of PASSIVE, FULL, RESTART, TRUNCATE. */
  | 'WAL_INVALID_MODE'
  /** An option that is not a number in its range. */
  | 'WAL_INVALID_OPTION'
  /** The database is not in WAL mode (in memory, or `journal_mode` could not be set). */
  | 'WAL_NOT_ENABLED'
  /** Another program checkpoints this database; a blocking mode of ours would only stall writers. */
  | 'WAL_EXTERNAL_CHECKPOINTER'
  /** This SQLite loses commits when one thread checkpoints while another writes, or has no NOOP. */
  | 'WAL_UNSAFE_SQLITE'
  /** The database lies where another machine may open it too; a log needs memory that all its users share. */
  | 'WAL_NETWORK_FILESYSTEM'
  /** `start()` was not called yet, or `close()` was. */
  | 'WAL_CLOSED'
  /** The checkpoint thread ended by itself; a new one is started by itself. */
  | 'DB_WORKER_LOST'

/** An error of the WAL manager: test `code`, show `message`. */
export class WALError extends Error {
  override readonly name = 'WALError'
  readonly code: WALErrorCode
  readonly retryable: boolean

  constructor(code: WALErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.retryable = code === 'DB_WORKER_LOST'
  }
}
