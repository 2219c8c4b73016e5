import { BACKPRESSURE_REASONS, CHECKPOINT_OUTCOMES, WAL_HOLDER_KINDS } from '../events.ts'
import { CHECKPOINT_MODES, CHECKPOINT_TRIGGERS, CLOSE_REASONS } from '../stats.ts'

/** Keys of all attributes. `db.*`, `process.*` and `error.type` are the conventions', `sqlite.*` are ours. */
export const ATTRIBUTE = {
  poolName: 'db.client.connection.pool.name',
  system: 'db.system.name',
  namespace: 'db.namespace',
  connectionState: 'db.client.connection.state',
  queryText: 'db.query.text',
  querySummary: 'db.query.summary',
  statusCode: 'db.response.status_code',
  errorType: 'error.type',
  processId: 'process.pid',
  processName: 'process.executable.name',
  role: 'sqlite.connection.role',
  connectionId: 'sqlite.connection.id',
  hasOpened: 'sqlite.connection.opened',
  closeReason: 'sqlite.pool.close.reason',
  queueDepth: 'sqlite.pool.queue.depth',
  linkType: 'sqlite.pool.link.type',
  isHolderSampled: 'sqlite.pool.holder.sampled',
  leaseLabel: 'sqlite.lease.label',
  leaseHeld: 'sqlite.lease.held_time',
  leaseOperations: 'sqlite.lease.operations',
  leaseWaiters: 'sqlite.lease.waiters',
  frameState: 'sqlite.wal.frame.state',
  checkpointMode: 'sqlite.checkpoint.mode',
  checkpointTrigger: 'sqlite.checkpoint.trigger',
  checkpointOutcome: 'sqlite.checkpoint.outcome',
  isCheckpointBusy: 'sqlite.checkpoint.busy',
  framesLogged: 'sqlite.wal.frames.logged',
  framesCheckpointed: 'sqlite.wal.frames.checkpointed',
  framesMoved: 'sqlite.wal.frames.moved',
  sizeBefore: 'sqlite.wal.size.before',
  sizeAfter: 'sqlite.wal.size.after',
  pinHolder: 'sqlite.wal.pin.holder',
  pinSlot: 'sqlite.wal.pin.slot',
  pinFrame: 'sqlite.wal.pin.frame',
  pinLag: 'sqlite.wal.pin.lag',
  pinAge: 'sqlite.wal.pin.age',
  backpressureReason: 'sqlite.wal.backpressure.reason',
} as const
export type AttributeKey = (typeof ATTRIBUTE)[keyof typeof ATTRIBUTE]

/** Why a span links to another: who made room, who else held one, who kept a checkpoint from finishing. */
export const LINK_TYPES = ['released_by', 'held_by', 'blocked_by'] as const
export type LinkType = (typeof LINK_TYPES)[number]

const lowerCase = (words: readonly string[]): string[] => words.map((word) => word.toLowerCase())

/** What attributes with a closed set of values can say. */
export const ATTRIBUTE_VALUES: { readonly [key in AttributeKey]?: readonly string[] } = {
  [ATTRIBUTE.system]: ['sqlite'],
  // The conventions know the first two.
  [ATTRIBUTE.connectionState]: ['idle', 'used', 'zombie'],
  [ATTRIBUTE.role]: ['reader', 'writer'],
  [ATTRIBUTE.closeReason]: CLOSE_REASONS,
  [ATTRIBUTE.linkType]: LINK_TYPES,
  [ATTRIBUTE.frameState]: ['backfilled', 'pending'],
  [ATTRIBUTE.checkpointMode]: lowerCase(CHECKPOINT_MODES),
  [ATTRIBUTE.checkpointTrigger]: CHECKPOINT_TRIGGERS,
  [ATTRIBUTE.checkpointOutcome]: CHECKPOINT_OUTCOMES,
  [ATTRIBUTE.pinHolder]: WAL_HOLDER_KINDS,
  [ATTRIBUTE.backpressureReason]: BACKPRESSURE_REASONS,
}
