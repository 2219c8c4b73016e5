/** What an SQLite error means to someone who must decide what to do next. */
export type SqliteErrorCategory =
  | 'busy'
  | 'busy_snapshot'
  | 'locked'
  | 'constraint_unique'
  | 'constraint_foreign_key'
  | 'constraint_check'
  | 'constraint_not_null'
  | 'constraint'
  | 'full'
  | 'io'
  | 'corrupt'
  | 'readonly'
  | 'cantopen'
  | 'too_big'
  | 'interrupt'
  | 'other'

export interface SqliteErrorClass {
  readonly category: SqliteErrorCategory
  /** The same work may succeed later. For `busy_snapshot` the work is the whole transaction. */
  readonly isRetryable: boolean
}

const CONSTRAINT_UNIQUE: SqliteErrorClass = { category: 'constraint_unique', isRetryable: false }
const CORRUPT: SqliteErrorClass = { category: 'corrupt', isRetryable: false }
const OTHER: SqliteErrorClass = { category: 'other', isRetryable: false }

/** Extended codes first; a code that is not listed falls back to its primary code. */
const CLASSES: Readonly<Record<string, SqliteErrorClass>> = {
  SQLITE_BUSY_SNAPSHOT: { category: 'busy_snapshot', isRetryable: true },
  SQLITE_CONSTRAINT_UNIQUE: CONSTRAINT_UNIQUE,
  SQLITE_CONSTRAINT_PRIMARYKEY: CONSTRAINT_UNIQUE,
  SQLITE_CONSTRAINT_ROWID: CONSTRAINT_UNIQUE,
  SQLITE_CONSTRAINT_FOREIGNKEY: { category: 'constraint_foreign_key', isRetryable: false },
  SQLITE_CONSTRAINT_CHECK: { category: 'constraint_check', isRetryable: false },
  SQLITE_CONSTRAINT_DATATYPE: { category: 'constraint_check', isRetryable: false },
  SQLITE_CONSTRAINT_NOTNULL: { category: 'constraint_not_null', isRetryable: false },
  SQLITE_IOERR_CORRUPTFS: CORRUPT,

  SQLITE_BUSY: { category: 'busy', isRetryable: true },
  SQLITE_LOCKED: { category: 'locked', isRetryable: false },
  SQLITE_CONSTRAINT: { category: 'constraint', isRetryable: false },
  SQLITE_FULL: { category: 'full', isRetryable: false },
  SQLITE_IOERR: { category: 'io', isRetryable: true },
  SQLITE_CORRUPT: CORRUPT,
  SQLITE_NOTADB: CORRUPT,
  SQLITE_READONLY: { category: 'readonly', isRetryable: false },
  SQLITE_CANTOPEN: { category: 'cantopen', isRetryable: true },
  SQLITE_TOOBIG: { category: 'too_big', isRetryable: false },
  SQLITE_INTERRUPT: { category: 'interrupt', isRetryable: false },
}

/** Classifies the `code` of an SQLite error, primary or extended. Anything unknown is `other`. */
export function classifySqliteError(code: string): SqliteErrorClass {
  if (!code.startsWith('SQLITE_')) return OTHER
  const primary = code.split('_', 2).join('_')
  return lookUp(code) ?? lookUp(primary) ?? OTHER
}

function lookUp(code: string): SqliteErrorClass | undefined {
  return Object.hasOwn(CLASSES, code) ? CLASSES[code] : undefined
}

/** The thread of a connection ended by itself; what it was doing may or may not have happened. */
export class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError'
  readonly code = 'DB_WORKER_LOST'
  readonly outcome = 'unknown'

  constructor(cause?: Error) {
    super(
      'the thread of this database connection ended; whether its last write happened is unknown',
      cause === undefined ? undefined : { cause },
    )
  }
}

/** SQLite kept another journal mode: a database in memory, or a file system without shared memory. */
export class JournalModeError extends Error {
  override readonly name = 'JournalModeError'
  readonly code = 'WAL_NOT_ENABLED'

  constructor(mode: unknown) {
    super(`the database stays in journal mode "${String(mode)}"; the pool needs "wal"`)
  }
}

/** A result with more rows or bytes than its call allows. Nothing was changed: only reads are limited. */
export class ResultTooBigError extends Error {
  override readonly name = 'ResultTooBigError'
  readonly code = 'RESULT_TOO_BIG'
}

/** The statement sets a pragma that only the pool may set. Nothing of its script or batch was run. */
export class PragmaRefusedError extends Error {
  override readonly name = 'PragmaRefusedError'
  readonly code = 'PRAGMA_REFUSED'
}
