import Database from 'better-sqlite3'

let version: string | undefined

/** The version of the SQLite that better-sqlite3 was built with, such as `3.54.1`. Opens no file. */
export function sqliteVersion(): string {
  version ??= askVersion()
  return version
}

function askVersion(): string {
  const database = new Database(':memory:')
  try {
    return String(database.prepare('SELECT sqlite_version()').pluck().get())
  } finally {
    database.close()
  }
}
