import type { WalView } from '../../../telemetry/protocol.ts'

/** A log of which there is nothing to say. */
export const calmWal: WalView = {
  journalMode: 'wal',
  pageSizeBytes: 4096,
  sizeBytes: 4_000_000,
  databaseSizeBytes: 41_943_040,
  frames: 900,
  backfilledFrames: 400,
  checkpointFrames: 1000,
  lastCheckpoint: null,
  lastCompleteAtMs: null,
  checkpointer: 'pool',
  resets: 0,
  isStarved: false,
  pin: null,
  readSlots: [],
  limitBytes: 0,
  backpressure: null,
  headroomBytes: null,
  litestream: null,
}
