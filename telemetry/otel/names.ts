import { ACQUIRE_FAILURES, CHECKPOINT_MODES, CHECKPOINT_TRIGGERS, CLOSE_REASONS } from '../stats.ts'
import { CHECKPOINT_OUTCOMES } from '../events.ts'

/** The release of the semantic conventions that every `db.*` name below is taken from. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.45.0'
/** Of the tracer and the meter. A test holds it to package.json. */
export const SCOPE = { name: 'glasspool', version: '0.1.0' } as const

/** Keys of all attributes. `db.*` and `error.type` are the conventions', `sqlite.*` are ours. */
export const ATTRIBUTE = {
  poolName: 'db.client.connection.pool.name',
  system: 'db.system.name',
  namespace: 'db.namespace',
  connectionState: 'db.client.connection.state',
  queryText: 'db.query.text',
  querySummary: 'db.query.summary',
  statusCode: 'db.response.status_code',
  errorType: 'error.type',
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
}

/** `error.type` of an acquire. Of anything else it is SQLite's extended code or one of our error codes. */
export const ACQUIRE_ERROR_TYPES: readonly string[] = ACQUIRE_FAILURES

export type Instrument = 'counter' | 'updowncounter' | 'gauge' | 'histogram'

export interface Metric {
  readonly name: string
  readonly instrument: Instrument
  readonly unit: string
  readonly description: string
  readonly attributes: readonly AttributeKey[]
  /** Upper bounds of the buckets, in the unit. The SDK's own are made for milliseconds. */
  readonly boundaries?: readonly number[]
  /** Whole numbers; the SDK exports doubles unless told. */
  readonly isInteger?: true
}

const database = [ATTRIBUTE.system, ATTRIBUTE.namespace] as const
const pool = [ATTRIBUTE.poolName, ...database] as const
const lane = [...pool, ATTRIBUTE.role] as const
const failure = [ATTRIBUTE.errorType] as const

const slowBoundaries = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
]

/** Every metric. Where the conventions have a name for it, theirs; `sqlite.*` otherwise. */
export const METRIC = {
  connectionCount: {
    name: 'db.client.connection.count',
    instrument: 'updowncounter',
    unit: '{connection}',
    description:
      'The number of connections that are currently in state described by the `state` attribute.',
    attributes: [...lane, ATTRIBUTE.connectionState],
    isInteger: true,
  },
  connectionLimit: {
    name: 'db.client.connection.limit',
    instrument: 'updowncounter',
    unit: '{connection}',
    description: 'The maximum number of open connections allowed.',
    attributes: lane,
    isInteger: true,
  },
  connectionIdleMin: {
    name: 'db.client.connection.idle.min',
    instrument: 'updowncounter',
    unit: '{connection}',
    description: 'The minimum number of idle open connections allowed.',
    attributes: lane,
    isInteger: true,
  },
  pendingRequests: {
    name: 'db.client.connection.pending_requests',
    instrument: 'updowncounter',
    unit: '{request}',
    description: 'The number of current pending requests for an open connection.',
    attributes: lane,
    isInteger: true,
  },
  timeouts: {
    name: 'db.client.connection.timeouts',
    instrument: 'counter',
    unit: '{timeout}',
    description:
      'The number of connection timeouts that have occurred trying to obtain a connection from the pool.',
    attributes: lane,
    isInteger: true,
  },
  waitTime: {
    name: 'db.client.connection.wait_time',
    instrument: 'histogram',
    unit: 's',
    description: 'The time it took to obtain an open connection from the pool.',
    attributes: [...lane, ...failure],
    boundaries: [
      0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    ],
  },
  useTime: {
    name: 'db.client.connection.use_time',
    instrument: 'histogram',
    unit: 's',
    description: 'The time between borrowing a connection and returning it to the pool.',
    attributes: lane,
    boundaries: [0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60],
  },
  createTime: {
    name: 'db.client.connection.create_time',
    instrument: 'histogram',
    unit: 's',
    description: 'The time it took to create a new connection.',
    attributes: [...lane, ...failure],
    boundaries: slowBoundaries,
  },
  operationDuration: {
    name: 'db.client.operation.duration',
    instrument: 'histogram',
    unit: 's',
    description: 'Duration of database client operations.',
    attributes: [...database, ATTRIBUTE.statusCode, ...failure],
    // A superset of the boundaries that the conventions give: SQLite answers in microseconds.
    boundaries: [
      0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5,
      10,
    ],
  },
  queueLimit: {
    name: 'sqlite.pool.queue.limit',
    instrument: 'updowncounter',
    unit: '{request}',
    description: 'The number of callers that may wait for a connection, over both lanes.',
    attributes: pool,
    isInteger: true,
  },
  queueDepth: {
    name: 'sqlite.pool.queue.depth',
    instrument: 'histogram',
    unit: '{request}',
    description: 'Callers that were queued already when one more queued.',
    attributes: lane,
    // The first tells those who came to an empty queue.
    boundaries: [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144],
    isInteger: true,
  },
  leaseAge: {
    name: 'sqlite.pool.lease.age',
    instrument: 'gauge',
    unit: 's',
    description: 'How long the oldest lease has been out; 0 when none is.',
    attributes: lane,
  },
  leaseLeaks: {
    name: 'sqlite.pool.lease.leaks',
    instrument: 'counter',
    unit: '{lease}',
    description: 'Leases that were held for longer than the leak threshold.',
    attributes: lane,
    isInteger: true,
  },
  leaseUnclean: {
    name: 'sqlite.pool.lease.unclean',
    instrument: 'counter',
    unit: '{lease}',
    description: 'Leases given back with a transaction or an iterator still open.',
    attributes: lane,
    isInteger: true,
  },
  leaseRevoked: {
    name: 'sqlite.pool.lease.revoked',
    instrument: 'counter',
    unit: '{lease}',
    description: 'Leases that were taken away from their holders.',
    attributes: lane,
    isInteger: true,
  },
  leaseDoubleReleased: {
    name: 'sqlite.pool.lease.double_released',
    instrument: 'counter',
    unit: '{lease}',
    description: 'Releases of leases that were released before.',
    attributes: lane,
    isInteger: true,
  },
  busyRetries: {
    name: 'sqlite.pool.busy.retries',
    instrument: 'counter',
    unit: '{retry}',
    description: 'Statements sent again because another process held the lock.',
    attributes: lane,
    isInteger: true,
  },
  connectionClosed: {
    name: 'sqlite.pool.connection.closed',
    instrument: 'counter',
    unit: '{connection}',
    description: 'Connections closed, by reason.',
    attributes: [...lane, ATTRIBUTE.closeReason],
    isInteger: true,
  },
  walSize: {
    name: 'sqlite.wal.size',
    instrument: 'updowncounter',
    unit: 'By',
    description: 'Length of the write-ahead log file. Copying frames back does not shrink it.',
    attributes: pool,
    isInteger: true,
  },
  walFrameCount: {
    name: 'sqlite.wal.frame.count',
    instrument: 'updowncounter',
    unit: '{frame}',
    description: 'Committed frames in the write-ahead log; the pending ones are the backlog.',
    attributes: [...pool, ATTRIBUTE.frameState],
    isInteger: true,
  },
  databaseSize: {
    name: 'sqlite.database.size',
    instrument: 'updowncounter',
    unit: 'By',
    description: 'Length of the database file.',
    attributes: pool,
    isInteger: true,
  },
  checkpointDuration: {
    name: 'sqlite.wal.checkpoint.duration',
    instrument: 'histogram',
    unit: 's',
    description: 'Duration of checkpoints, from the first pass to the end of the last.',
    attributes: [...pool, ATTRIBUTE.checkpointMode, ATTRIBUTE.checkpointTrigger, ...failure],
    boundaries: slowBoundaries,
  },
  checkpointFrames: {
    name: 'sqlite.wal.checkpoint.frames',
    instrument: 'counter',
    unit: '{frame}',
    description: 'Frames that checkpoints moved into the database file.',
    attributes: pool,
    isInteger: true,
  },
  checkpointIncomplete: {
    name: 'sqlite.wal.checkpoint.incomplete',
    instrument: 'counter',
    unit: '{checkpoint}',
    description: 'Checkpoints that a reader, a writer or another checkpoint kept from finishing.',
    attributes: pool,
    isInteger: true,
  },
  checkpointFailed: {
    name: 'sqlite.wal.checkpoint.failed',
    instrument: 'counter',
    unit: '{checkpoint}',
    description: 'Checkpoints that ended with an error.',
    attributes: pool,
    isInteger: true,
  },
  checkpointAge: {
    name: 'sqlite.wal.checkpoint.age',
    instrument: 'gauge',
    unit: 's',
    description: 'Time since a checkpoint copied every frame, or since the pool started.',
    attributes: pool,
  },
} as const satisfies Record<string, Metric>
export type MetricName = keyof typeof METRIC

export type SpanName =
  | 'sqlite.pool.acquire'
  | 'sqlite.pool.lease'
  | 'sqlite.connection.open'
  | 'sqlite.wal.checkpoint'
  | 'sqlite'

const checkpoint = [
  ATTRIBUTE.checkpointMode,
  ATTRIBUTE.checkpointTrigger,
  ATTRIBUTE.checkpointOutcome,
  ATTRIBUTE.isCheckpointBusy,
  ATTRIBUTE.framesLogged,
  ATTRIBUTE.framesCheckpointed,
  ATTRIBUTE.framesMoved,
  ATTRIBUTE.sizeBefore,
  ATTRIBUTE.sizeAfter,
] as const

/** Every span and its attributes. A statement's is called after its summary, `sqlite` when it has none. */
export const SPAN_ATTRIBUTES: { readonly [name in SpanName]: readonly AttributeKey[] } = {
  'sqlite.pool.acquire': [
    ...lane,
    ATTRIBUTE.queueDepth,
    ATTRIBUTE.connectionId,
    ATTRIBUTE.hasOpened,
    ATTRIBUTE.isHolderSampled,
    ...failure,
  ],
  'sqlite.pool.lease': [
    ...lane,
    ATTRIBUTE.connectionId,
    ATTRIBUTE.leaseOperations,
    ATTRIBUTE.leaseWaiters,
  ],
  'sqlite.connection.open': [...lane, ATTRIBUTE.connectionId],
  'sqlite.wal.checkpoint': [...pool, ...checkpoint, ...failure],
  sqlite: [
    ...database,
    ATTRIBUTE.role,
    ATTRIBUTE.connectionId,
    ATTRIBUTE.querySummary,
    ATTRIBUTE.queryText,
    ATTRIBUTE.statusCode,
    ...failure,
  ],
}

/** Attributes of a link from a waiter, or a checkpoint, to whoever was in its way. */
export const LINK_ATTRIBUTES: readonly AttributeKey[] = [
  ATTRIBUTE.linkType,
  ATTRIBUTE.connectionId,
  ATTRIBUTE.leaseHeld,
  ATTRIBUTE.leaseLabel,
]
