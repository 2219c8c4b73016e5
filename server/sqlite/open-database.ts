import Database from 'better-sqlite3'
import type { Role } from '../../telemetry/stats.ts'
import { isInMemory, type SqliteOptions } from './options.ts'
import { applyPragmas } from './pragmas.ts'

/** @throws the driver's error when the file cannot be opened; nothing stays open then. */
export function openDatabase(
  role: Role,
  options: SqliteOptions,
  { fileMustExist }: { readonly fileMustExist: boolean },
): Database.Database {
  const path = options.path.trim()
  const inMemory = isInMemory(options)
  if (path === '' || (inMemory && role === 'reader')) {
    throw new TypeError('a pooled database is a file: in memory each connection would have its own')
  }
  const database = new Database(path, {
    readonly: role === 'reader',
    fileMustExist: fileMustExist && !inMemory,
    timeout: options.busyTimeoutMs,
  })
  try {
    applyPragmas(database, role, options)
    // The first read finds out what opening does not: that the file is no database. It also creates
    // the log and its index, which a readonly connection cannot do by itself.
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
  } catch (error) {
    database.close()
    throw error
  }
  return database
}
