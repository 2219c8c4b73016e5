import type { Row } from '../../pool/connection.ts'
import { rowFactory } from './row-factory.ts'

/** Rows without the names of their columns, which come once; none (`null`) for rows that are arrays or single values. */
export type WireRows = readonly [
  columns: readonly string[] | null,
  values: readonly unknown[],
  hasBlobs: boolean,
]

const NO_ROWS: WireRows = [null, [], false]

/**
 * Rows of the driver in any shape, taken apart. The memory of their blobs is added to `transfer`, to be handed
 * over instead of copied, so the rows are used up.
 *
 * The columns are those of the first row, not `statement.columns()`, which costs as much as two point
 * reads and, cached, would be out of date after an ALTER TABLE.
 */
export function encodeRows(rows: readonly unknown[], transfer: Set<ArrayBuffer>): WireRows {
  const first = rows[0]
  if (first === undefined) return NO_ROWS
  const before = transfer.size
  if (Array.isArray(first)) {
    for (const row of rows as unknown[][]) takeBlobs(row, transfer)
    return [null, rows, transfer.size > before]
  }
  if (isObject(first) && !ArrayBuffer.isView(first)) {
    const values = rows.map((row) => Object.values(row as Row))
    for (const row of values) takeBlobs(row, transfer)
    return [Object.keys(first as Row), values, transfer.size > before]
  }
  takeBlobs(rows as unknown[], transfer)
  return [null, rows, transfer.size > before]
}

/** The same rows again. They are objects if they have columns. */
export function decodeRows([columns, values, hasBlobs]: WireRows): unknown[] {
  if (columns === null) return hasBlobs ? values.map(withBuffers) : (values as unknown[])
  const makeRow = rowFactory(columns)
  const rows = values as readonly (readonly unknown[])[]
  if (!hasBlobs) return rows.map((row) => makeRow(row))
  return rows.map((row) => makeRow(row.map(toBuffer)))
}

/** Puts the blobs of `values` on the list; one that is a window on a larger memory is copied out of it first. */
function takeBlobs(values: unknown[], transfer: Set<ArrayBuffer>): void {
  for (const [i, value] of values.entries()) {
    // The only objects that SQLite returns are blobs.
    if (!isObject(value)) continue
    const blob = value as Uint8Array<ArrayBuffer>
    const own = blob.byteLength === blob.buffer.byteLength ? blob : new Uint8Array(blob)
    values[i] = own
    transfer.add(own.buffer)
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function withBuffers(row: unknown): unknown {
  return Array.isArray(row) ? row.map(toBuffer) : toBuffer(row)
}

/** A Buffer arrives as the Uint8Array that it is underneath. */
function toBuffer(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
