import type { Row } from '../../pool/connection.ts'
import { rowFactory } from './row-factory.ts'

/** Rows as arrays of values with one list of column names. */
export type WireRows = readonly [
  columns: readonly string[],
  values: readonly (readonly unknown[])[],
  hasBlobs: boolean,
]

const NO_ROWS: WireRows = [[], [], false]

/**
 * Rows of the driver, taken apart. The columns are those of the first row, not `statement.columns()`,
 * which costs as much as two point reads and, cached, would be out of date after an ALTER TABLE.
 */
export function encodeRows(rows: readonly Row[]): WireRows {
  const first = rows[0]
  if (first === undefined) return NO_ROWS
  const values = rows.map((row) => Object.values(row))
  return [Object.keys(first), values, values.some((row) => row.some(isObject))]
}

export function decodeRows([columns, values, hasBlobs]: WireRows): Row[] {
  if (values.length === 0) return []
  const makeRow = rowFactory(columns)
  if (!hasBlobs) return values.map((row) => makeRow(row))
  return values.map((row) => makeRow(row.map(toBuffer)))
}

/** The only objects that SQLite returns are blobs. */
function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

/** A Buffer arrives as the Uint8Array that it is underneath. */
function toBuffer(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
