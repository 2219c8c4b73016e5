import type { CheckpointOutcome } from '../../telemetry/events.ts'
import type { CheckpointMode } from '../../telemetry/stats.ts'
import type { PassResult } from './thread/wire.ts'

export interface PassEvidence {
  readonly mode: CheckpointMode
  readonly pass: PassResult
  /** A read lease that began before the pass and is still held. */
  readonly hasOldReader: boolean
  /** Length of the `-wal` file before the pass. */
  readonly sizeBeforeBytes: number | null
}

/**
 * What a pass achieved. SQLite answers with a row and not with an exception, and `busy = 0` alone says
 * nothing: a PASSIVE starved by a reader reports it too.
 */
export function classify({ mode, pass, ...evidence }: PassEvidence): CheckpointOutcome {
  if (pass.log === null || pass.checkpointed === null) return 'busy_checkpointer'
  if (pass.busy === 1) return pass.isWriterBusy ? 'busy_writer' : 'partial_reader'
  if (pass.checkpointed < pass.log) {
    // A PASSIVE stops at the oldest read mark. A mark that no lease of ours explains and that let some
    // frames through was most likely the writer's own, gone by now.
    return evidence.hasOldReader || pass.movedFrames === 0 ? 'partial_reader' : 'partial_writer'
  }
  if (mode === 'RESTART' || mode === 'TRUNCATE') {
    const wasEmpty = pass.before.frames === 0 && evidence.sizeBeforeBytes === 0
    return wasEmpty ? 'noop' : 'complete_reset'
  }
  return pass.movedFrames === 0 ? 'noop' : 'complete'
}

/** Whether every frame is in the database file now, even if a reader keeps the log from starting over. */
export function hasCopiedAll(pass: PassResult): boolean {
  return pass.log !== null && pass.checkpointed === pass.log
}
