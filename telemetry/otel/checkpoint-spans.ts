import { ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import type { Attributes, Context, Link, Tracer } from '@opentelemetry/api'
import type { CheckpointEvent, HolderRef, WALPin } from '../events.ts'
import type { PoolView } from '../pool-view.ts'
import { secondsOf } from '../units.ts'
import { ATTRIBUTE } from './attributes.ts'
import { hasUnsampled, holderLink } from './holder-links.ts'
import type { LeaseSpans } from './lease-spans.ts'
import { poolAttributes } from './pool-attributes.ts'
import { writeSpan } from './retrospect.ts'

/** What checkpoints are written with. */
export interface CheckpointSpanParts {
  readonly tracer: Tracer
  readonly view: PoolView
  readonly leases: LeaseSpans
}

/**
 * A checkpoint as a trace of its own: nobody's child, with its passes and the time for which it held writers back below
 * it. It links to the spans of the leases in its way, and says who pinned the log.
 */
export function writeCheckpoint(event: CheckpointEvent, parts: CheckpointSpanParts): void {
  const { tracer, view } = parts
  const blockers = blockersOf(event)
  const attributes: Attributes = {
    ...poolAttributes(view),
    ...checkpointAttributes(event),
    ...(event.pin === null ? {} : pinAttributes(event.pin)),
  }
  if (hasUnsampled(blockers)) attributes[ATTRIBUTE.isHolderSampled] = false
  const span = writeSpan(tracer, ROOT_CONTEXT, {
    name: 'sqlite.wal.checkpoint',
    kind: SpanKind.INTERNAL,
    startedAtMs: event.startedAtMs,
    durationMs: event.durationMs,
    attributes,
    links: linksToLeases(blockers, parts.leases),
    errorType: event.errorCode,
  })
  writeParts(event, parts, trace.setSpan(ROOT_CONTEXT, span))
}

function writeParts(
  { passes, gate }: CheckpointEvent,
  { tracer, view }: CheckpointSpanParts,
  parent: Context,
): void {
  const pool = poolAttributes(view)
  for (const { mode, startedAtMs, durationMs, movedFrames } of passes) {
    writeSpan(tracer, parent, {
      name: 'sqlite.wal.checkpoint.pass',
      kind: SpanKind.INTERNAL,
      startedAtMs,
      durationMs,
      attributes: {
        ...pool,
        [ATTRIBUTE.checkpointMode]: mode.toLowerCase(),
        [ATTRIBUTE.framesMoved]: movedFrames,
      },
      errorType: null,
    })
  }
  if (gate === null) return
  writeSpan(tracer, parent, {
    name: 'sqlite.wal.checkpoint.gate',
    kind: SpanKind.INTERNAL,
    startedAtMs: gate.startedAtMs,
    durationMs: gate.durationMs,
    attributes: pool,
    errorType: null,
  })
}

/** Each once: who pins the log is mostly who was in the way. */
function blockersOf({ blockedBy, pin }: CheckpointEvent): readonly HolderRef[] {
  const lease = pin?.holder.lease ?? null
  if (lease === null || blockedBy.some(({ leaseId }) => leaseId === lease.leaseId)) return blockedBy
  return [lease, ...blockedBy]
}

function linksToLeases(holders: readonly HolderRef[], leases: LeaseSpans): Link[] {
  return holders.flatMap((holder) => {
    const context = leases.contextOf(holder)
    return context === null ? [] : [holderLink('blocked_by', holder, context)]
  })
}

function checkpointAttributes(event: CheckpointEvent): Attributes {
  return {
    [ATTRIBUTE.checkpointMode]: event.mode.toLowerCase(),
    [ATTRIBUTE.checkpointTrigger]: event.trigger,
    [ATTRIBUTE.checkpointOutcome]: event.outcome,
    [ATTRIBUTE.isCheckpointBusy]: event.isBusy,
    [ATTRIBUTE.framesMoved]: event.movedFrames,
    ...known({
      [ATTRIBUTE.framesLogged]: event.logFrames,
      [ATTRIBUTE.framesCheckpointed]: event.checkpointedFrames,
      [ATTRIBUTE.sizeBefore]: event.sizeBeforeBytes,
      [ATTRIBUTE.sizeAfter]: event.sizeAfterBytes,
    }),
  }
}

function pinAttributes({ slot, frame, lagFrames, heldMs, holder }: WALPin): Attributes {
  const { kind, lease, pid, command } = holder
  return {
    [ATTRIBUTE.pinHolder]: kind,
    [ATTRIBUTE.pinAge]: secondsOf(heldMs),
    ...known({
      [ATTRIBUTE.pinSlot]: slot,
      [ATTRIBUTE.pinFrame]: frame,
      [ATTRIBUTE.pinLag]: lagFrames,
      [ATTRIBUTE.connectionId]: lease?.connectionId ?? null,
      [ATTRIBUTE.leaseLabel]: lease?.label ?? null,
      [ATTRIBUTE.processId]: lease === null ? pid : null,
      [ATTRIBUTE.processName]: command === null ? null : programOf(command),
    }),
  }
}

/** Of a command line its program alone: the rest may hold secrets, and a trace goes far. */
function programOf(command: string): string {
  const [program = ''] = command.split(' ', 1)
  return program.slice(program.lastIndexOf('/') + 1)
}

/** Unknown is left out, never zero. */
function known(values: Readonly<Record<string, string | number | null>>): Attributes {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null),
  ) as Attributes
}
