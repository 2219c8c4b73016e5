import type { CheckpointEvent, PoolEvent } from '../../telemetry/protocol.ts'
import { age, bytes, count, duration, group, plural, toText } from '../format.ts'

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

/** The mark of an event, or `null` for one that is only a number (a granted acquire, a statement). */
export function markOf(event: PoolEvent, bootId: string): Mark | null {
  const body = bodyOf(event)
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

function bodyOf(event: PoolEvent): Body | null {
  switch (event.type) {
    case 'checkpoint':
      return ofCheckpoint(event)
    case 'acquire':
      return ofAcquire(event)
    case 'leak':
      return ofLeak(event)
    case 'starvation':
      return ofStarvation(event)
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

/** What a checkpoint achieved, in words that need no manual. */
export const outcomeWords: Readonly<Record<CheckpointEvent['outcome'], string>> = {
  complete_reset: 'complete, the log starts over',
  complete: 'complete',
  partial_reader: 'partial: a reader kept the rest',
  partial_writer: 'partial: a writer added frames',
  busy_writer: 'busy: a writer was in the way',
  busy_checkpointer: 'busy: another checkpoint ran',
  noop: 'nothing to copy',
  error: 'failed',
}

/** `1,002 of 1,580 frames copied in 12.4 ms`. */
export function checkpointDetail(event: CheckpointEvent): string {
  const { logFrames, checkpointedFrames, durationMs } = event
  const took = `in ${toText(duration(durationMs))}`
  const copied =
    logFrames === null || checkpointedFrames === null
      ? `${plural(event.movedFrames, 'frame')} moved ${took}`
      : `${group(checkpointedFrames)} of ${plural(logFrames, 'frame')} copied ${took}`
  const { sizeBeforeBytes: before, sizeAfterBytes: after } = event
  const shrunk =
    before !== null && after !== null && after < before
      ? `; file ${toText(bytes(before))} → ${toText(bytes(after))}`
      : ''
  const [blocker] = event.blockedBy
  const blocked =
    isIncomplete(event) && blocker !== undefined
      ? `; connection ${blocker.connectionId} held ${toText(age(blocker.heldMs))}${byLabel(blocker.label)}`
      : ''
  const failed = event.errorCode === null ? '' : `; ${event.errorCode}`
  return copied + shrunk + blocked + failed
}

/** Whether it left something undone. */
export const isIncomplete = (event: CheckpointEvent): boolean =>
  !['complete_reset', 'complete', 'noop'].includes(event.outcome)

function ofCheckpoint(event: CheckpointEvent): Body {
  const isFault = event.outcome === 'error'
  const isPartial = isIncomplete(event)
  return {
    lane: 'checkpoint',
    tone: isFault ? 'crit' : isPartial ? 'warn' : 'ok',
    atMs: event.startedAtMs,
    endMs: event.startedAtMs + event.durationMs,
    isPartial,
    title: `${event.mode} checkpoint (${event.trigger}): ${outcomeWords[event.outcome] ?? event.outcome}`,
    detail: checkpointDetail(event),
    traceId: event.blockedBy[0]?.trace?.traceId ?? null,
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
  const { holder } = event
  const by =
    holder === null ? '' : `; reader on connection ${holder.connectionId}${byLabel(holder.label)}`
  return {
    lane: 'fault',
    tone: event.isStarved ? 'crit' : 'ok',
    title: event.isStarved ? 'Checkpoints are starved' : 'Checkpoints move again',
    detail: `${toText(count(event.pendingFrames))} frames pending${by}`,
    traceId: holder?.trace?.traceId ?? null,
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
