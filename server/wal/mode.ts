import { CHECKPOINT_MODES } from '../../telemetry/stats.ts'
import type { CheckpointMode } from '../../telemetry/stats.ts'
import { WALError } from './errors.ts'

/**
 * The mode that `word` names, in any case. Everything else is refused here, because SQLite would take
 * a word that it does not know for PASSIVE and report success.
 *
 * @throws {WAL_INVALID_MODE}
 */
export function parseCheckpointMode(word: unknown): CheckpointMode {
  const upper = typeof word === 'string' ? word.toUpperCase() : ''
  const mode = CHECKPOINT_MODES.find((known) => known === upper)
  if (mode === undefined) {
    throw new WALError(
      'WAL_INVALID_MODE',
      `checkpoint mode must be one of ${CHECKPOINT_MODES.join(', ')}`,
    )
  }
  return mode
}

/** Whether the mode takes SQLite's write lock, so that writers have to wait for it. */
export function isBlocking(mode: CheckpointMode): boolean {
  return mode !== 'PASSIVE'
}
