import type { RowShape, StatementCall } from '../../pool/connection.ts'
import type { SessionCall } from '../session-call.ts'

/** `null` when everything is as by default. */
export type WireCall =
  | readonly [
      isStoppable: boolean,
      rows: RowShape,
      safeIntegers: boolean,
      maxRows: number,
      maxBytes: number,
    ]
  | null

export function encodeCall(call: StatementCall | undefined): WireCall {
  if (call === undefined) return null
  const { rows = 'objects', safeIntegers = false, maxRows = 0, maxBytes = 0, cancellation } = call
  return [cancellation !== undefined, rows, safeIntegers, maxRows, maxBytes]
}

export function decodeCall(wire: WireCall): SessionCall {
  if (wire === null) return {}
  const [, rows, safeIntegers, maxRows, maxBytes] = wire
  return { rows, safeIntegers, maxRows, maxBytes }
}
