import type { Role } from '../../telemetry/stats.ts'
import { StatementStopped } from '../pool/cancellation.ts'
import type { BatchResult, BatchStatement } from '../pool/connection.ts'
import { refusePragmas } from './refused-pragmas.ts'
import type { StopCheck } from './session-call.ts'

/** What a batch needs of its session. */
export interface BatchHost {
  readonly role: Role
  isInTransaction(): boolean
  exec(sql: string): void
  execute(statement: BatchStatement): ExecutedStatement
}

export interface ExecutedStatement {
  readonly result: BatchResult
  readonly isReadonly: boolean
}

/**
 * Runs the statements in order. The error of the one that fails gets its `index`; that of a BEGIN or COMMIT has
 * none. Without `isAtomic` a batch that has written runs to its end, because nothing would undo its start.
 */
export function runBatch(
  host: BatchHost,
  statements: readonly BatchStatement[],
  { isAtomic, stop }: { readonly isAtomic: boolean; readonly stop?: StopCheck | undefined },
): BatchResult[] {
  // All of them before the first one runs, of which nothing is done then.
  for (const [index, { sql }] of statements.entries()) {
    withIndex(index, () => refusePragmas(sql))
  }
  return isAtomic ? runAtomic(host, statements, stop) : runEach(host, statements, stop, false)
}

function runAtomic(
  host: BatchHost,
  statements: readonly BatchStatement[],
  stop: StopCheck | undefined,
): BatchResult[] {
  // Outside the try: when it fails, a transaction that is open is not ours to roll back.
  host.exec(host.role === 'writer' ? 'BEGIN IMMEDIATE' : 'BEGIN')
  try {
    const results = runEach(host, statements, stop, true)
    assertNotStopped(stop)
    stop?.release()
    host.exec('COMMIT')
    return results
  } catch (error) {
    stop?.release()
    rollBack(host)
    throw error
  }
}

/** Some errors have rolled back by themselves. Its own failure is left to the reset: the first error says why. */
function rollBack(host: BatchHost): void {
  if (!host.isInTransaction()) return
  try {
    host.exec('ROLLBACK')
  } catch {
    // Still in the transaction, as `inTransaction` says.
  }
}

function runEach(
  host: BatchHost,
  statements: readonly BatchStatement[],
  stop: StopCheck | undefined,
  canRollBack: boolean,
): BatchResult[] {
  return statements.map((statement, index) => {
    assertNotStopped(stop)
    const { result, isReadonly } = withIndex(index, () => host.execute(statement))
    if (!isReadonly && !canRollBack) stop?.release()
    return result
  })
}

function assertNotStopped(stop: StopCheck | undefined): void {
  if (stop?.isStopped() === true) throw new StatementStopped('rolled_back')
}

function withIndex<T>(index: number, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof StatementStopped ? error : Object.assign(error as Error, { index })
  }
}
