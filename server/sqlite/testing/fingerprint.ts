import type { Connection } from '../../pool/connection.ts'

/** They do something when asked, or look at the whole file; the number of `data_version` counts from the opening. */
const NOT_ASKED: ReadonlySet<string> = new Set([
  'data_version',
  'foreign_key_check',
  'incremental_vacuum',
  'integrity_check',
  'optimize',
  'quick_check',
  'shrink_memory',
  'wal_checkpoint',
])

/**
 * All that a connection may carry from one lease to the next: every pragma that answers, the databases it
 * knows, what is temporary, a transaction, cursors, and whether LIKE looks at case, which no pragma tells.
 */
export async function fingerprint(connection: Connection): Promise<Record<string, unknown>> {
  const print: Record<string, unknown> = {
    inTransaction: connection.inTransaction,
    openCursorCount: connection.openCursorCount,
    isAltered: connection.isAltered,
  }
  const names = await connection.all('PRAGMA pragma_list', [], { rows: 'pluck' })
  for (const name of names as string[]) {
    if (NOT_ASKED.has(name)) continue
    // Some take an argument only, and say so by not returning data.
    print[name] = await connection.all(`PRAGMA ${name}`, []).catch(String)
  }
  // Asking for it creates the database for temporary things, which then is on the list.
  const hasTemp = JSON.stringify(print['database_list']).includes('"temp"')
  print['temp'] = hasTemp ? await connection.all('SELECT * FROM temp.sqlite_schema', []) : []
  print['like'] = await connection.get(`SELECT 'a' LIKE 'A' AS x`, [])
  return print
}
