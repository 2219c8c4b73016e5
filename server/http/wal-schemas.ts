import { Type, type Static } from 'typebox'
import {
  BACKPRESSURE_REASONS,
  CHECKPOINT_OUTCOMES,
  WAL_HOLDER_KINDS,
} from '../../telemetry/events.ts'
import { CHECKPOINT_MODES, CHECKPOINT_TRIGGERS } from '../../telemetry/stats.ts'

const closed = { additionalProperties: false } as const
const nullable = { description: 'null: not known.' } as const

const number = Type.Number()
const text = Type.String()
const maybeNumber = Type.Union([number, Type.Null()], nullable)
const maybeText = Type.Union([text, Type.Null()], nullable)
const mode = Type.Enum([...CHECKPOINT_MODES])
const trigger = Type.Enum([...CHECKPOINT_TRIGGERS])
const outcome = Type.Enum([...CHECKPOINT_OUTCOMES])

const trace = Type.Object({ traceId: text, spanId: text, isSampled: Type.Boolean() }, closed)

const holder = Type.Object(
  {
    connectionId: number,
    leaseId: number,
    heldMs: number,
    label: maybeText,
    sql: maybeText,
    trace: Type.Union([trace, Type.Null()]),
  },
  closed,
)

const blockedBy = Type.Array(holder, {
  description: 'Leases that may have kept it from finishing, oldest first.',
})

const walHolder = Type.Object(
  {
    kind: Type.Enum([...WAL_HOLDER_KINDS]),
    lease: Type.Union([holder, Type.Null()]),
    stack: maybeText,
    pid: maybeNumber,
    command: maybeText,
  },
  closed,
)

const pin = Type.Union(
  [
    Type.Object(
      {
        slot: maybeNumber,
        frame: maybeNumber,
        lagFrames: maybeNumber,
        heldMs: number,
        holder: walHolder,
      },
      closed,
    ),
    Type.Null(),
  ],
  { description: 'Whose snapshot keeps the log from being copied back past it. null: nobody’s.' },
)

const passes = Type.Array(
  Type.Object({ mode, startedAtMs: number, durationMs: number, movedFrames: number }, closed),
  { description: 'Each PRAGMA wal_checkpoint that it took.' },
)

const gate = Type.Union(
  [Type.Object({ startedAtMs: number, durationMs: number }, closed), Type.Null()],
  { description: 'While writers were held back. null: none was.' },
)

const checkpointEvent = Type.Object(
  {
    type: Type.Literal('checkpoint'),
    mode,
    trigger,
    outcome,
    startedAtMs: number,
    durationMs: number,
    isBusy: Type.Boolean(),
    logFrames: maybeNumber,
    checkpointedFrames: maybeNumber,
    movedFrames: number,
    sizeBeforeBytes: maybeNumber,
    sizeAfterBytes: maybeNumber,
    errorCode: maybeText,
    blockedBy,
    pin,
    passes,
    gate,
  },
  closed,
)

/** `WALInfo` as it leaves over HTTP. */
export const walInfoSchema = Type.Object(
  {
    journalMode: maybeText,
    frames: maybeNumber,
    backfilledFrames: maybeNumber,
    pendingFrames: maybeNumber,
    sizeBytes: maybeNumber,
    databaseSizeBytes: maybeNumber,
    pageSizeBytes: maybeNumber,
    oldestPendingMs: number,
    isStarved: Type.Boolean({ description: 'Frames pile up behind a reader that pins the log.' }),
    intervalMs: Type.Union([number, Type.Null()], {
      description: 'Between checkpoints by the clock. 0: none; null: nothing is automatic.',
    }),
    probedAtMs: maybeNumber,
    unknownProbes: number,
    lastCheckpoint: Type.Union([checkpointEvent, Type.Null()]),
    lastCompleteAtMs: maybeNumber,
    checkpointer: Type.Enum(['pool', 'sqlite', 'external']),
    resets: number,
    externalCheckpoints: number,
    pin,
    readSlots: Type.Union(
      [
        Type.Array(
          Type.Object({ slot: number, frame: maybeNumber, holders: Type.Array(walHolder) }, closed),
        ),
        Type.Null(),
      ],
      { description: 'What readers see of the log, and who reads. null: the platform hides it.' },
    ),
    limitBytes: number,
    backpressure: Type.Union([Type.Enum([...BACKPRESSURE_REASONS]), Type.Null()]),
    headroomBytes: maybeNumber,
  },
  closed,
)

export const checkpointBody = Type.Object(
  {
    mode,
    budgetMs: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000,
        default: 1000,
        description: 'How long a blocking mode may make writers wait, and wait for readers.',
      }),
    ),
  },
  closed,
)

/** `CheckpointResult` as it leaves over HTTP. Busy is an answer, not an error. */
export const checkpointReply = Type.Object(
  {
    mode,
    trigger,
    outcome,
    busy: Type.Union([Type.Literal(0), Type.Literal(1)], {
      description: '1: readers or a writer were in the way; see `outcome` and `blockedBy`.',
    }),
    log: maybeNumber,
    checkpointed: maybeNumber,
    movedFrames: number,
    startedAtMs: number,
    durationMs: number,
    sizeBeforeBytes: maybeNumber,
    sizeAfterBytes: maybeNumber,
    errorCode: maybeText,
    blockedBy,
    pin,
    passes,
    gate,
  },
  closed,
)

export type CheckpointBody = Static<typeof checkpointBody>
