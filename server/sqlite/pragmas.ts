import type Database from 'better-sqlite3'
import type { Role } from '../../telemetry/stats.ts'
import { JournalModeError } from './errors.ts'
import { isInMemory, type SqliteOptions } from './options.ts'

interface PragmaRow {
  readonly name: string
  /** `null` = not set on this role. */
  readonly value: (role: Role, options: SqliteOptions) => string | null
  readonly reason: string
}

const JOURNAL_SIZE_LIMIT_BYTES = 64 * 1024 * 1024

const writerOnly = (value: string) => (role: Role) => (role === 'writer' ? value : null)
const always = (value: string) => () => value

/**
 * Every pragma of a pooled connection, in the order of setting. `busy_timeout` is not here because the
 * driver sets it while it opens, so that it already covers the first read of the file.
 */
export const PRAGMAS: readonly PragmaRow[] = [
  {
    name: 'journal_mode',
    value: writerOnly('WAL'),
    reason:
      'a property of the file: one connection sets it, once; several at a time answer "database is locked"',
  },
  {
    name: 'synchronous',
    value: (_role, options) => (options.durability === 'full' ? 'FULL' : 'NORMAL'),
    reason:
      'explicit: the driver reports FULL on a brand-new file and NORMAL after its first write; OFF corrupts',
  },
  {
    name: 'wal_autocheckpoint',
    value: (role, { autocheckpointFrames = 0 }) =>
      String(role === 'writer' ? autocheckpointFrames : 0),
    reason: 'checkpoints run beside the writer, never inside a commit, unless SQLite is to do it',
  },
  {
    name: 'journal_size_limit',
    value: (role, { autocheckpointFrames = 0 }) =>
      role === 'writer' && autocheckpointFrames > 0 ? String(JOURNAL_SIZE_LIMIT_BYTES) : null,
    reason:
      'a log that a long reader blew up shrinks at the next restart: in the commit that restarts it, which waits for it. Where the pool checkpoints it shrinks the file itself, in a quiet moment',
  },
  { name: 'foreign_keys', value: always('ON'), reason: 'off by default, and per connection' },
  {
    name: 'trusted_schema',
    value: always('OFF'),
    reason: 'a schema from elsewhere must not call functions with side effects',
  },
  {
    name: 'cell_size_check',
    value: always('ON'),
    reason: 'a damaged page is an error at its first read, not a wrong row',
  },
  {
    name: 'mmap_size',
    value: always('0'),
    reason: 'a mapped file that someone truncates is a SIGBUS: the whole process dies',
  },
  {
    name: 'cache_size',
    value: (_role, options) => String(-Math.floor(options.cacheSizeBytes / 1024)),
    reason:
      'in KiB when negative; private memory of each connection, so the pool divides one budget',
  },
  {
    name: 'query_only',
    value: (role) => (role === 'reader' ? 'ON' : 'OFF'),
    reason:
      'a readonly handle still takes temp tables; this refuses them too. OFF as well, for a reset in memory',
  },
]

/** @throws {WAL_NOT_ENABLED} when the file could not be put into WAL mode. */
export function applyPragmas(
  database: Database.Database,
  role: Role,
  options: SqliteOptions,
): void {
  // In memory there is no log to write ahead to, and SQLite has one mode for it.
  const expectedMode = isInMemory(options) ? 'memory' : 'wal'
  for (const pragma of PRAGMAS) {
    const value = pragma.value(role, options)
    if (value === null) continue
    const answer = database.pragma(`${pragma.name} = ${value}`, { simple: true })
    // SQLite does not throw when it cannot change the mode: it answers with the old one.
    if (pragma.name === 'journal_mode' && answer !== expectedMode)
      throw new JournalModeError(answer)
  }
}
