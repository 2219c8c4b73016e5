import { WALError } from '../errors.ts'
import { detectLitestream, type DetectLitestreamOptions } from './detect.ts'

/**
 * Refuses to checkpoint beside a Litestream that is at work on the same database. What one has left behind is no reason.
 *
 * @throws {WAL_EXTERNAL_CHECKPOINTER}
 */
export async function assertNoLitestream(
  path: string,
  hasTable: NonNullable<DetectLitestreamOptions['hasTable']>,
): Promise<void> {
  // Looking through all processes takes longer than opening a database: only where it has ever been.
  const traces = await detectLitestream(path, {
    hasTable,
    findProcess: () => Promise.resolve(null),
  })
  if (traces === null) return
  const signs = await detectLitestream(path, { hasTable })
  if (signs?.isLive !== true) return
  const who = signs.pid === null ? `its folder ${signs.directory} is fresh` : `process ${signs.pid}`
  throw new WALError(
    'WAL_EXTERNAL_CHECKPOINTER',
    `Litestream replicates this database (${who}): checkpoints of our own would only make writers wait; ` +
      "set checkpointer: 'external'",
  )
}
