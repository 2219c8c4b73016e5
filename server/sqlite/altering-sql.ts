/** Where a statement of a script begins: at the start or after a semicolon, past comments. */
const START = String.raw`(?:^|;)(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*`
const ATTACH = 'attach|detach'
const TEMP = String.raw`create\s+temp|create\s+\w+\s+(?:if\s+not\s+exists\s+)?temp\s*\.`
const PRAGMA = String.raw`pragma\s+(?:\w+\s*\.\s*)?(?<pragma>\w+)\s*[=(]`

const ALTERING = new RegExp(`${START}(?:${ATTACH}|${TEMP}|${PRAGMA})`, 'gi')

/** Pragmas whose argument asks a question, or changes the file and not the connection. */
const HARMLESS_PRAGMAS: ReadonlySet<string> = new Set([
  'application_id',
  'foreign_key_check',
  'foreign_key_list',
  'incremental_vacuum',
  'index_info',
  'index_list',
  'index_xinfo',
  'integrity_check',
  'optimize',
  'quick_check',
  'table_info',
  'table_list',
  'table_xinfo',
  'user_version',
  'wal_checkpoint',
])

/**
 * Whether `sql` leaves something on its connection that a ROLLBACK does not undo: a changed pragma, an
 * attached database, a temporary table. When in doubt it says yes, which costs one reopening.
 */
export function altersConnection(sql: string): boolean {
  for (const match of sql.matchAll(ALTERING)) {
    const pragma = match.groups?.['pragma']?.toLowerCase()
    if (pragma === undefined || !HARMLESS_PRAGMAS.has(pragma)) return true
  }
  return false
}
