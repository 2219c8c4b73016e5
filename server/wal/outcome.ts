import type { CheckpointOutcome, WALPin } from '../../telemetry/events.ts'
import type { CheckpointMode } from '../../telemetry/stats.ts'
import type { PassResult } from './thread/wire.ts'

export interface PassEvidence {
  readonly mode: CheckpointMode
  readonly pass: PassResult
  /** Whose snapshot was in the way, and was there before the pass. */
  readonly pin: WALPin | null
  /** Length of the `-wal` file before the pass. */
  readonly sizeBeforeBytes: number | null
}

/**
 * What a pass achieved. SQLite answers with a row and not with an exception, and `busy = 0` alone says
 * nothing: a PASSIVE starved by a reader reports it too.
 */
export function classify(evidence: PassEvidence): CheckpointOutcome {
  const { mode, pass } = evidence
  if (pass.log === null || pass.checkpointed === null) return 'busy_checkpointer'
  const hasAll = pass.checkpointed === pass.log
  if (pass.busy === 1) {
    if (pass.isWriterBusy) return 'busy_writer'
    return hasAll ? 'complete_pinned' : blocked(evidence)
  }
  if (!hasAll) return isBlocked(evidence) ? blocked(evidence) : 'partial_writer'
  if (mode === 'RESTART' || mode === 'TRUNCATE') {
    const wasEmpty = pass.before.frames === 0 && evidence.sizeBeforeBytes === 0
    return wasEmpty ? 'noop' : 'complete_reset'
  }
  return pass.movedFrames === 0 ? 'noop' : 'complete'
}

/**
 * A PASSIVE copies at least what was pending when it began, unless somebody reads an older state; and not everybody
 * can be seen: not on every platform, and nobody in another process namespace.
 */
function isBlocked({ pin, pass }: PassEvidence): boolean {
  const { frames, backfilledFrames } = pass.before
  return pin !== null || (pass.movedFrames === 0 && frames > backfilledFrames)
}

function blocked({ pin, pass }: PassEvidence): CheckpointOutcome {
  return pin?.slot === 0 && pass.movedFrames === 0 ? 'blocked_read0' : 'partial_reader'
}

/** Whether every frame is in the database file now, even if a reader keeps the log from starting over. */
export function hasCopiedAll(pass: PassResult): boolean {
  return pass.log !== null && pass.checkpointed === pass.log
}
