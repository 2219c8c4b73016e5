import { ATTRIBUTE, type AttributeKey } from './attributes.ts'

/** The release of the semantic conventions that every `db.*` name below is taken from. */
export const SCHEMA_URL = 'https://opentelemetry.io/schemas/1.45.0'
/** Of the tracer and the meter. A test holds it to package.json. */
export const SCOPE = { name: 'glasspool', version: '0.1.0' } as const

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

const pin = [...pool, ATTRIBUTE.pinHolder] as const

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
  walResets: {
    name: 'sqlite.wal.resets',
    instrument: 'counter',
    unit: '{reset}',
    description: 'Times that the write-ahead log started over.',
    attributes: pool,
    isInteger: true,
  },
  walStarvations: {
    name: 'sqlite.wal.starvations',
    instrument: 'counter',
    unit: '{episode}',
    description: 'Episodes in which frames piled up and none could be copied back.',
    attributes: pool,
    isInteger: true,
  },
  pinLag: {
    name: 'sqlite.wal.pin.lag',
    instrument: 'gauge',
    unit: '{frame}',
    description: 'Frames committed after the oldest snapshot in use, by who holds that.',
    attributes: pin,
    isInteger: true,
  },
  pinAge: {
    name: 'sqlite.wal.pin.age',
    instrument: 'gauge',
    unit: 's',
    description: 'How long the oldest snapshot in use has pinned the log, by who holds it.',
    attributes: pin,
  },
  readSlotCount: {
    name: 'sqlite.wal.read_slot.count',
    instrument: 'updowncounter',
    unit: '{slot}',
    description: 'Read slots of the write-ahead log in use, of five.',
    attributes: pool,
    isInteger: true,
  },
  diskHeadroom: {
    name: 'sqlite.wal.disk.headroom',
    instrument: 'gauge',
    unit: 'By',
    description: 'What the disk has left when everything pending is copied back.',
    attributes: pool,
    isInteger: true,
  },
  backpressure: {
    name: 'sqlite.wal.backpressure',
    instrument: 'updowncounter',
    unit: '1',
    description: 'Whether writers are held back (1) or not (0), by reason.',
    attributes: [...pool, ATTRIBUTE.backpressureReason],
    isInteger: true,
  },
  externalCheckpoints: {
    name: 'sqlite.wal.external_checkpoints',
    instrument: 'counter',
    unit: '{checkpoint}',
    description: 'Times that frames were copied back, and not by this pool.',
    attributes: pool,
    isInteger: true,
  },
  probeUnknown: {
    name: 'sqlite.wal.probe.unknown',
    instrument: 'counter',
    unit: '{probe}',
    description: 'Looks at the write-ahead log that SQLite could not answer.',
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
  writerStall: {
    name: 'sqlite.wal.checkpoint.writer_stall.duration',
    instrument: 'histogram',
    unit: 's',
    description: 'How long checkpoints held the writers of the pool back.',
    attributes: pool,
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
  | 'sqlite.wal.checkpoint.pass'
  | 'sqlite.wal.checkpoint.gate'
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

/** Who pins the log: a lease is named by its label and connection, another process by its id and program. */
const pinned = [
  ATTRIBUTE.pinHolder,
  ATTRIBUTE.pinSlot,
  ATTRIBUTE.pinFrame,
  ATTRIBUTE.pinLag,
  ATTRIBUTE.pinAge,
  ATTRIBUTE.connectionId,
  ATTRIBUTE.leaseLabel,
  ATTRIBUTE.processId,
  ATTRIBUTE.processName,
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
  'sqlite.wal.checkpoint': [
    ...pool,
    ...checkpoint,
    ...pinned,
    ATTRIBUTE.isHolderSampled,
    ...failure,
  ],
  'sqlite.wal.checkpoint.pass': [...pool, ATTRIBUTE.checkpointMode, ATTRIBUTE.framesMoved],
  'sqlite.wal.checkpoint.gate': pool,
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

export type SpanEventName = 'sqlite.wal.pinned'

/** Every event on a span, and its attributes. */
export const SPAN_EVENT_ATTRIBUTES: { readonly [name in SpanEventName]: readonly AttributeKey[] } =
  {
    'sqlite.wal.pinned': [ATTRIBUTE.pinHolder, ATTRIBUTE.pinLag, ATTRIBUTE.pinAge],
  }
