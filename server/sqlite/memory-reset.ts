import type Database from 'better-sqlite3'
import type { SqliteOptions } from './options.ts'
import { applyPragmas } from './pragmas.ts'

/**
 * The nearest thing to opening anew for a database in memory, which would be lost with its connection:
 * sets every pragma of the pool's table again, detaches what was attached and drops what is temporary.
 *
 * It cannot undo a pragma that is not in that table (`case_sensitive_like`, `recursive_triggers`,
 * `temp_store`, `legacy_alter_table`): on a database in memory those stay until the pool is closed. The
 * database of temporary things stays on the list of databases, empty.
 */
export function resetInMemory(database: Database.Database, options: SqliteOptions): void {
  // First, because `journal_mode` is for all that is attached; and nothing is dropped while `query_only` is on.
  const names = databaseNames(database)
  for (const name of names) {
    if (name !== 'main' && name !== 'temp') database.exec(`DETACH ${quoted(name)}`)
  }
  applyPragmas(database, 'writer', options)
  if (names.includes('temp')) dropTemporary(database)
}

function databaseNames(database: Database.Database): string[] {
  const rows = database.pragma('database_list') as readonly { readonly name: string }[]
  return rows.map(({ name }) => name)
}

/** One at a time: a table takes its triggers along, and a virtual one the tables in its shadow. */
function dropTemporary(database: Database.Database): void {
  const next = database.prepare(
    `SELECT type, name FROM temp.sqlite_schema
     WHERE type IN ('view', 'trigger', 'table') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
     ORDER BY type = 'trigger' DESC, type = 'view' DESC, sql LIKE 'CREATE VIRTUAL%' DESC`,
  )
  for (;;) {
    const found = next.get() as { readonly type: string; readonly name: string } | undefined
    if (found === undefined) return
    database.exec(`DROP ${found.type} temp.${quoted(found.name)}`)
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
