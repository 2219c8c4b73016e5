import { describePin } from '../../telemetry/pin-text.ts'
import type { CheckpointEvent, PoolEvent, WALPin } from '../../telemetry/protocol.ts'
import { age, bytes, count, duration, plural, toText } from '../format.ts'
import { checkpointDetail, isIncomplete, outcomeWords } from './checkpoint-words.ts'

export type Lane = 'checkpoint' | 'change' | 'fault'
export type Tone = 'neutral' | 'ok' | 'warn' | 'crit'

/** One thing that happened, as the lanes and the list of events show it. */
export interface Mark {
  readonly id: string
  readonly lane: Lane
  readonly tone: Tone
  /** When it began; with `endMs` it is drawn as long as it took. */
  readonly atMs: number
  readonly endMs: number
  /** A checkpoint that was kept from finishing. */
  readonly isPartial: boolean
  readonly title: string
  readonly detail: string
  readonly traceId: string | null
}

/** What a mark says beside its event. */
export interface MarkContext {
  readonly bootId: string
  /** Nothing could be copied back at that time. */
  readonly isStarved: boolean
}

/** The mark of an event, or `null` for one that is only a number (a granted acquire, a statement). */
export function markOf(event: PoolEvent, { bootId, isStarved }: MarkContext): Mark | null {
  const body = bodyOf(event, isStarved)
  if (body === null) return null
  return {
    id: `${bootId}:${event.seq}`,
    atMs: event.atMs,
    endMs: event.atMs,
    isPartial: false,
    traceId: null,
    ...body,
  }
}

/** The server came back with empty hands: what it remembers begins here. */
export const restartMark = (bootId: string, startedAtMs: number): Mark => ({
  id: `restart:${bootId}`,
  lane: 'change',
  tone: 'neutral',
  atMs: startedAtMs,
  endMs: startedAtMs,
  isPartial: false,
  title: 'Server restarted',
  detail: 'Everything before it comes from the run before.',
  traceId: null,
})

type Body = Pick<Mark, 'lane' | 'tone' | 'title' | 'detail'> & Partial<Mark>

function bodyOf(event: PoolEvent, isStarved: boolean): Body | null {
  switch (event.type) {
    case 'checkpoint':
      return ofCheckpoint(event, isStarved)
    case 'acquire':
      return ofAcquire(event)
    case 'leak':
      return ofLeak(event)
    case 'starvation':
      return ofStarvation(event)
    case 'backpressure':
      return ofBackpressure(event)
    case 'capacity':
      return ofCapacity(event)
    case 'pool':
      return ofPool(event)
    case 'statement':
      return ofStatement(event)
    case 'connection.closed':
      return ofClosed(event)
    case 'connection.opened':
    case 'lease':
      return null
    default:
      // A newer server may tell of things that this page does not know.
      return null
  }
}

function ofCheckpoint(event: CheckpointEvent, isStarved: boolean): Body {
  const isPartial = isIncomplete(event)
  return {
    lane: 'checkpoint',
    tone: toneOf(event, isStarved),
    atMs: event.startedAtMs,
    endMs: event.startedAtMs + event.durationMs,
    isPartial,
    title: `${event.mode} checkpoint (${event.trigger}): ${outcomeWords[event.outcome] ?? event.outcome}`,
    detail: checkpointDetail(event),
    traceId: event.pin?.holder.lease?.trace?.traceId ?? event.blockedBy[0]?.trace?.traceId ?? null,
  }
}

/** One that stops at a reader or a writer is nothing: under overlapping readers nearly all of them do. */
function toneOf({ outcome }: CheckpointEvent, isStarved: boolean): Tone {
  switch (outcome) {
    case 'error':
      return 'crit'
    case 'partial_reader':
    case 'partial_writer':
    case 'blocked_read0':
      return isStarved ? 'warn' : 'neutral'
    case 'busy_writer':
    case 'busy_checkpointer':
    case 'complete_pinned':
      return 'neutral'
    case 'complete_reset':
    case 'complete':
    case 'noop':
      return 'ok'
    default:
      // Of a newer server.
      return 'neutral'
  }
}

const failureWords = {
  timeout: 'Acquire timed out',
  queue_full: 'Acquire refused: the queue is full',
  shed: 'Acquire refused: the line has been slow for too long',
  deadlock: 'Acquire refused: the caller waited for itself',
  aborted: 'Caller gave up waiting',
  pool_closed: 'Acquire refused: the pool is closed',
  open_failed: 'A connection could not be opened',
  wal_full: 'Write refused: the log or the disk is full',
} as const

function ofAcquire(event: PoolEvent & { readonly type: 'acquire' }): Body | null {
  if (event.outcome === 'granted') return null
  const [holder] = event.holders
  const behind =
    holder === undefined
      ? ''
      : `; connection ${holder.connectionId} held ${toText(age(holder.heldMs))}${byLabel(holder.label)}`
  return {
    lane: 'fault',
    tone: event.outcome === 'aborted' ? 'warn' : 'crit',
    title: failureWords[event.outcome] ?? event.outcome,
    detail: `${event.label ?? `a ${event.role}`} waited ${toText(duration(event.waitMs))} behind ${plural(event.queueDepth, 'caller')}${behind}`,
    traceId: event.trace?.traceId ?? null,
  }
}

function ofLeak(event: PoolEvent & { readonly type: 'leak' }): Body {
  const { holder, isRecovered, isReclaimed } = event
  return {
    lane: 'fault',
    tone: isReclaimed ? 'warn' : isRecovered ? 'ok' : 'crit',
    title: isReclaimed
      ? 'Leaked lease was taken back'
      : isRecovered
        ? 'Leak suspect was released'
        : 'Leak suspected',
    detail: `connection ${holder.connectionId} held ${toText(age(holder.heldMs))}${byLabel(holder.label)}`,
    traceId: holder.trace?.traceId ?? null,
  }
}

function ofStarvation(event: PoolEvent & { readonly type: 'starvation' }): Body {
  const { isStarved, isRepeated, durationMs, pin } = event
  const title = !isStarved
    ? 'Checkpoints move again'
    : isRepeated
      ? 'Checkpoints are still starved'
      : 'Checkpoints are starved'
  const lasted =
    durationMs === 0 ? '' : `, ${isStarved ? 'for' : 'after'} ${toText(age(durationMs))}`
  return {
    lane: 'fault',
    tone: isStarved ? 'crit' : 'ok',
    title,
    detail: `${toText(count(event.pendingFrames))} frames pending${lasted}${byPin(pin)}`,
    traceId: pin?.holder.lease?.trace?.traceId ?? null,
  }
}

function ofBackpressure(event: PoolEvent & { readonly type: 'backpressure' }): Body {
  const { isOn, reason, sizeBytes, limitBytes, headroomBytes, pin } = event
  const why =
    reason === 'disk'
      ? `disk has ${toText(bytes(headroomBytes))} left`
      : `log at ${toText(bytes(sizeBytes))} of ${toText(bytes(limitBytes))}`
  return {
    lane: 'fault',
    tone: isOn ? 'crit' : 'ok',
    title: isOn ? 'Writers are held back' : 'Writers go on',
    detail: why + byPin(pin),
    traceId: pin?.holder.lease?.trace?.traceId ?? null,
  }
}

function ofCapacity(event: PoolEvent & { readonly type: 'capacity' }): Body {
  return {
    lane: 'change',
    tone: event.isNear ? 'warn' : 'ok',
    title: event.isNear ? 'Near capacity' : 'Capacity is back',
    detail: `${event.inUse} of ${event.max} in use, ${event.waiting} waiting`,
  }
}

function ofPool(event: PoolEvent & { readonly type: 'pool' }): Body {
  const isBad = event.state === 'degraded' || event.state === 'failed'
  return {
    lane: isBad ? 'fault' : 'change',
    tone: isBad ? 'crit' : event.state === 'suspended' ? 'warn' : 'neutral',
    title: `Pool is ${event.state}`,
    detail: event.reason ?? '',
  }
}

function ofStatement(event: PoolEvent & { readonly type: 'statement' }): Body | null {
  if (event.errorCode === null) return null
  return {
    lane: 'fault',
    tone: 'warn',
    title: `Statement failed: ${event.errorCode}`,
    detail: `connection ${event.connectionId}: ${event.sql}`,
    traceId: event.trace?.traceId ?? null,
  }
}

function ofClosed(event: PoolEvent & { readonly type: 'connection.closed' }): Body | null {
  if (event.reason !== 'error' && event.reason !== 'lost') return null
  return {
    lane: 'fault',
    tone: 'crit',
    title: `Connection ${event.connectionId} was lost`,
    detail: event.error ?? event.reason,
  }
}

const byLabel = (label: string | null): string => (label === null ? '' : ` by ${label}`)

const byPin = (pin: WALPin | null): string => (pin === null ? '' : `; kept by ${describePin(pin)}`)
