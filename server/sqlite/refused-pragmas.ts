import { PragmaRefusedError } from './errors.ts'
import { assignedPragma, statementHeads } from '../sql-statements.ts'

/** They change the file for every connection, or lock the others out; the pool decides both. */
const REFUSED_PRAGMAS: ReadonlySet<string> = new Set(['journal_mode', 'locking_mode'])

const SUSPICIOUS = /journal_mode|locking_mode/i

/**
 * Before anything of `sql` runs, and before it is compiled: `locking_mode` works while it is.
 *
 * @throws {PRAGMA_REFUSED} when a statement of it gives one of these pragmas a value. Asking is fine.
 */
export function refusePragmas(sql: string): void {
  if (!SUSPICIOUS.test(sql)) return
  for (const head of statementHeads(sql)) {
    const pragma = assignedPragma(head)
    if (pragma !== undefined && REFUSED_PRAGMAS.has(pragma)) {
      throw new PragmaRefusedError(
        `PRAGMA ${pragma} cannot be set through the pool: it is for every connection of the file`,
      )
    }
  }
}
