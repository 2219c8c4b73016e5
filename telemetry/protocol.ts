/**
 * The wire between server and dashboard. Isomorphic: no `node:`, no DOM.
 *
 * History comes over HTTP (`GET /api/v1/history`), everything after it over the websocket
 * (`/api/v1/live?boot=…&after=seq`), verbs only by HTTP POST. Each frame is a JSON array
 * `[type, seq, …]`. `seq` counts up by one with every tick, state and event frame and is the same for
 * all viewers: a hole means frames were skipped for this viewer, and the page then draws a gap and
 * asks for the history again. Hello, ping, gap and bye repeat the latest `seq` without using one up;
 * the hello of a connection that resumes repeats its `after` instead, and the replay follows.
 * Readers ignore frame types and trailing fields that they do not know.
 */
import type {
  BackpressureReason,
  CheckpointEvent,
  PoolEvent,
  PoolState,
  WALHolderKind,
} from './events.ts'
import type { Checkpointer, Role } from './stats.ts'

export type * from './events.ts'
export type { CheckpointMode, CheckpointTrigger, Role } from './stats.ts'

export const PROTOCOL_VERSION = 1
export const SUBPROTOCOL = 'glasspool.live.v1'

/** Websocket close codes of our own. */
export const CLOSE_CODES = {
  /** The session ended or lost its role. */
  unauthenticated: 4401,
  /** The viewer does not keep up; reconnect and read the history. */
  tooSlow: 4408,
  /** Too many inbound messages. */
  tooManyMessages: 4429,
} as const

/**
 * The columns of every tick and of the history, in this order. `null` means no data (nobody acquired
 * in this second, the WAL could not be probed): never zero, and drawn as a gap.
 */
export const SERIES = [
  { name: 'inUse', unit: 'connections' },
  { name: 'idle', unit: 'connections' },
  /** Connections the pool may hold: readers + writer. */
  { name: 'limit', unit: 'connections' },
  { name: 'waiting', unit: 'callers' },
  { name: 'readersInUse', unit: 'connections' },
  { name: 'writerInUse', unit: 'connections' },
  /** Quantiles of the acquires that ended within the last second. */
  { name: 'waitP50Ms', unit: 'ms' },
  { name: 'waitP95Ms', unit: 'ms' },
  { name: 'waitP99Ms', unit: 'ms' },
  { name: 'useP99Ms', unit: 'ms' },
  { name: 'acquiresPerSecond', unit: '1/s' },
  /** Acquires that failed by timeout, a full queue, or because they were shed. */
  { name: 'failuresPerSecond', unit: '1/s' },
  { name: 'statementsPerSecond', unit: '1/s' },
  { name: 'walBytes', unit: 'bytes' },
  { name: 'walFrames', unit: 'frames' },
  { name: 'walPendingFrames', unit: 'frames' },
  { name: 'eventLoopDelayP99Ms', unit: 'ms' },
] as const
export type SeriesName = (typeof SERIES)[number]['name']

/** One value per entry of `SERIES`. */
export type TickValues = readonly (number | null)[]

export type ConnectionState = 'opening' | 'idle' | 'in_use' | 'resetting' | 'zombie'

/** One connection and what it is doing. Times are epoch ms, so that ages can tick in the browser. */
export interface ConnectionRow {
  readonly id: number
  readonly role: Role
  readonly state: ConnectionState
  /** Since when it is in this state. */
  readonly sinceAtMs: number
  readonly leaseId: number | null
  /** What the holder calls itself, for instance `GET /api/products/:id`. */
  readonly label: string | null
  readonly traceId: string | null
  /** The statement that runs now, or the last one of this lease. */
  readonly sql: string | null
  readonly isRunning: boolean
  readonly statementSinceAtMs: number | null
  readonly hasTransaction: boolean
  /** The lease is older than the leak threshold. */
  readonly isLeakSuspect: boolean
}

export interface WaiterRow {
  readonly role: Role
  /** 1 is next. */
  readonly position: number
  readonly sinceAtMs: number
  readonly label: string | null
  readonly traceId: string | null
}

/** Whose snapshot keeps the log from being copied back past it. */
export interface PinView {
  /** Slot of SQLite's wal-index, and the newest frame that it sees; `null` where that cannot be seen. */
  readonly slot: number | null
  readonly frame: number | null
  /** Frames committed after that. */
  readonly lagFrames: number | null
  /** Epoch ms; since when it is known. */
  readonly sinceAtMs: number
  readonly kind: WALHolderKind
  /** Who it is, in a few words. */
  readonly who: string
  /** Of this pool; `null` otherwise. */
  readonly leaseId: number | null
  readonly connectionId: number | null
  readonly traceId: string | null
  readonly sql: string | null
}

/** One of the five places at which SQLite notes what readers see. */
export interface ReadSlotView {
  readonly slot: number
  readonly frame: number | null
  /** Who uses it now, in a few words; nobody: the mark is stale. */
  readonly holders: readonly string[]
}

/** What Litestream says of itself, where its metrics are configured. */
export interface LitestreamView {
  /** Epoch ms of the answer. */
  readonly readAtMs: number
  /** Why there is no newer answer. */
  readonly error: string | null
  readonly walBytes: number | null
  readonly checkpoints: number | null
  readonly syncErrors: number | null
  readonly txid: number | null
}

export interface WalView {
  readonly journalMode: string | null
  readonly pageSizeBytes: number | null
  readonly sizeBytes: number | null
  readonly databaseSizeBytes: number | null
  readonly frames: number | null
  readonly backfilledFrames: number | null
  /** Pending frames at which a checkpoint starts by itself; the reference line of the chart. */
  readonly checkpointFrames: number
  readonly lastCheckpoint: CheckpointEvent | null
  readonly lastCompleteAtMs: number | null
  readonly checkpointer: Checkpointer
  /** Times that the log started over. */
  readonly resets: number
  readonly isStarved: boolean
  readonly pin: PinView | null
  /** `null` where the platform does not show them. */
  readonly readSlots: readonly ReadSlotView[] | null
  /** Bytes of the log at which writers are held back; 0: no limit. */
  readonly limitBytes: number
  /** Why they are held back now. */
  readonly backpressure: BackpressureReason | null
  /** What the disk has left when everything is copied back. */
  readonly headroomBytes: number | null
  readonly litestream: LitestreamView | null
}

export type VerdictLevel = 'healthy' | 'watch' | 'act'

/** The one sentence that says whether the pool is well and, if not, who holds what. */
export interface Verdict {
  readonly level: VerdictLevel
  /** Stable name of the rule that spoke, for instance `saturated`. */
  readonly code: string
  readonly sentence: string
  readonly sinceAtMs: number
}

/** Everything that is not a number over time. Sent whole, and only when something in it changed. */
export interface StateBody {
  readonly poolState: PoolState
  readonly verdict: Verdict
  readonly connections: readonly ConnectionRow[]
  readonly waiters: readonly WaiterRow[]
  readonly wal: WalView
  /** Totals since start, to compare with `/api/admin/pool-stats`. */
  readonly totals: {
    readonly acquired: number
    readonly released: number
    readonly timedOut: number
    readonly queueFull: number
    readonly aborted: number
    readonly checkpoints: number
  }
  readonly viewers: number
}

export interface HelloBody {
  readonly version: number
  /** Changes at every start of the server. */
  readonly bootId: string
  readonly poolName: string
  readonly serverAtMs: number
  readonly startedAtMs: number
  readonly tickMs: number
  readonly pingMs: number
  readonly series: readonly { readonly name: string; readonly unit: string }[]
  readonly access: 'read' | 'admin'
  readonly limits: {
    readonly max: number
    readonly readers: number
    readonly maxWaiters: number
    readonly acquireTimeoutMs: number
  }
  readonly state: StateBody
}

export type HelloFrame = readonly ['hello', seq: number, body: HelloBody]
export type TickFrame = readonly ['tick', seq: number, atMs: number, values: TickValues]
export type StateFrame = readonly ['state', seq: number, body: StateBody]
/** `droppedCount`: events of its kind that were left out before it, because there were too many. */
export type EventFrame = readonly ['event', seq: number, event: PoolEvent, droppedCount?: number]
export type PingFrame = readonly ['ping', seq: number, serverAtMs: number]
/**
 * Frames up to `seq` are missing: what came after the viewer's `after` can no longer be replayed, or the
 * viewer did not keep up and `skippedCount` frames were left out. Read the history again.
 */
export type GapFrame = readonly ['gap', seq: number, skippedCount?: number]
export type ByeFrame = readonly ['bye', seq: number, reason: 'shutdown' | 'reload' | 'slow']

export type ServerFrame =
  | HelloFrame
  | TickFrame
  | StateFrame
  | EventFrame
  | PingFrame
  | GapFrame
  | ByeFrame

/** The only message a viewer sends: it has drawn everything up to `seq`. */
export type AckFrame = readonly ['ack', seq: number]

/** `GET /api/v1/history?fromMs=&toMs=&stepMs=` : columns, ready for the charts. */
export interface History {
  readonly bootId: string
  /** Open the websocket with `after` set to this. */
  readonly seq: number
  readonly serverAtMs: number
  readonly startedAtMs: number
  readonly stepMs: number
  readonly series: readonly string[]
  /** Epoch ms of each point. */
  readonly atMs: readonly number[]
  /** One array per series, each as long as `atMs`. */
  readonly columns: readonly (readonly (number | null)[])[]
  /** Marks inside the window: checkpoints, capacity, leaks, failures, state changes. */
  readonly events: readonly PoolEvent[]
  readonly state: StateBody
}

/** The server's frame in `text`, or `null` when it is not one that this version knows. */
export function parseServerFrame(text: string): ServerFrame | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (!Array.isArray(value) || typeof value[0] !== 'string' || !Number.isSafeInteger(value[1])) {
    return null
  }
  const isKnown = hasBody[value[0] as keyof typeof hasBody]
  return isKnown?.(value) === true ? (value as unknown as ServerFrame) : null
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null

const hasBody: Record<ServerFrame[0], (frame: readonly unknown[]) => boolean> = {
  hello: (frame) => isObject(frame[2]),
  tick: (frame) => typeof frame[2] === 'number' && Array.isArray(frame[3]),
  state: (frame) => isObject(frame[2]),
  event: (frame) => isObject(frame[2]),
  ping: (frame) => typeof frame[2] === 'number',
  gap: () => true,
  bye: (frame) => typeof frame[2] === 'string',
}
