import type { Attributes, Link, SpanContext } from '@opentelemetry/api'
import type { HolderRef, TraceRef } from '../events.ts'
import { secondsOf } from '../units.ts'
import { ATTRIBUTE, type LinkType } from './attributes.ts'
import { spanContextOf } from './trace-ref.ts'

/** The ref, if its trace is kept: a link to one that nobody keeps leads nowhere. */
export function sampled(ref: TraceRef | null): TraceRef | null {
  return ref?.isSampled === true ? ref : null
}

/** A link to a span of a holder, saying who that is. */
export function holderLink(type: LinkType, holder: HolderRef, context: SpanContext): Link {
  const attributes: Attributes = {
    [ATTRIBUTE.linkType]: type,
    [ATTRIBUTE.connectionId]: holder.connectionId,
    [ATTRIBUTE.leaseHeld]: secondsOf(holder.heldMs),
  }
  if (holder.label !== null) attributes[ATTRIBUTE.leaseLabel] = holder.label
  return { context, attributes }
}

/** Links to what the holders were in when they acquired. */
export function linksTo(type: LinkType, holders: readonly HolderRef[]): Link[] {
  return holders.flatMap((holder) => {
    const target = sampled(holder.trace)
    return target === null ? [] : [holderLink(type, holder, spanContextOf(target))]
  })
}

export function hasUnsampled(holders: readonly (HolderRef | null)[]): boolean {
  return holders.some((holder) => holder?.trace?.isSampled === false)
}
