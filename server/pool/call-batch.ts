import { callStatement } from './call.ts'
import type { BatchResult, BatchStatement } from './connection.ts'
import type { Hold } from './hold.ts'

/** Several statements of a lease in one message; with `isAtomic` they are a transaction by themselves. */
export function callBatch(
  hold: Hold,
  statements: readonly BatchStatement[],
  { isAtomic }: { readonly isAtomic: boolean },
): Promise<BatchResult[]> {
  return callStatement(hold, {
    sql: statements.map(({ sql }) => sql).join('; '),
    // All or nothing can be sent again; the first half of something else must not be.
    isSingle: isAtomic,
    isAtomic,
    send: (call) => hold.connection.batch(statements, { isAtomic }, call),
    countRows: (results) => results.reduce((sum, { rows }) => sum + rows.length, 0),
  })
}
