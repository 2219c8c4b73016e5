/** What a viewer's message means. */
export type Inbound =
  | { readonly type: 'ack'; readonly seq: number }
  | { readonly type: 'unknown' }
  | { readonly type: 'broken' }

const unknown: Inbound = { type: 'unknown' }
const broken: Inbound = { type: 'broken' }

/**
 * Reads a viewer's message. `['ack', seq]` is the only one there is. A well-formed frame of another type is
 * `unknown`: a newer page may send it to an older server, and it is ignored. All else is `broken`.
 */
export function parseInbound(data: unknown, isBinary: boolean): Inbound {
  if (isBinary || !Buffer.isBuffer(data)) return broken
  let frame: unknown
  try {
    frame = JSON.parse(data.toString())
  } catch {
    return broken
  }
  if (!Array.isArray(frame) || typeof frame[0] !== 'string') return broken
  if (frame[0] !== 'ack') return unknown
  const seq: unknown = frame[1]
  return typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0
    ? { type: 'ack', seq }
    : broken
}
