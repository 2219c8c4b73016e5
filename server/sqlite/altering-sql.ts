import { assignedPragma, statementHeads } from '../sql-statements.ts'

/** No statement without one of these words is altering, so few texts are taken apart. */
const SUSPICIOUS = /pragma|attach|detach|temp/i

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
  if (!SUSPICIOUS.test(sql)) return false
  for (const head of statementHeads(sql)) if (isAltering(head)) return true
  return false
}

function isAltering(head: readonly string[]): boolean {
  if (head[0] === 'attach' || head[0] === 'detach') return true
  if (head[0] === 'create') {
    const isTemporary = head[1] === 'temp' || head[1] === 'temporary'
    return isTemporary || head.some((token, i) => token === 'temp' && head[i + 1] === '.')
  }
  const pragma = assignedPragma(head)
  return pragma !== undefined && !HARMLESS_PRAGMAS.has(pragma)
}
