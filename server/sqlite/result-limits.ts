import type { StatementCall } from '../pool/connection.ts'
import { ResultTooBigError } from './errors.ts'

const NUMBER_BYTES = 8

/** What one result may hold; counts its rows while they are read. */
export class ResultLimits {
  readonly #maxRows: number
  readonly #maxBytes: number
  #rowCount = 0
  #sizeBytes = 0

  private constructor(maxRows: number, maxBytes: number) {
    this.#maxRows = maxRows
    this.#maxBytes = maxBytes
  }

  /** `null` when the call has no limit. */
  static of({ maxRows = 0, maxBytes = 0 }: Limited): ResultLimits | null {
    return maxRows > 0 || maxBytes > 0 ? new ResultLimits(maxRows, maxBytes) : null
  }

  /** @throws {RESULT_TOO_BIG} when `row` is one too many. */
  add(row: unknown): void {
    this.#rowCount += 1
    if (this.#maxRows > 0 && this.#rowCount > this.#maxRows) {
      throw new ResultTooBigError(`the result has more than ${this.#maxRows} rows (maxRows)`)
    }
    if (this.#maxBytes === 0) return
    this.#sizeBytes += rowBytes(row)
    if (this.#sizeBytes > this.#maxBytes) {
      throw new ResultTooBigError(
        `the result has more than ${this.#maxBytes} bytes (maxBytes): ${this.#sizeBytes} after ${this.#rowCount} rows`,
      )
    }
  }
}

type Limited = Pick<StatementCall, 'maxRows' | 'maxBytes'>

/** Of a row in any shape. */
function rowBytes(row: unknown): number {
  if (typeof row !== 'object' || row === null || ArrayBuffer.isView(row)) return valueBytes(row)
  let sizeBytes = 0
  for (const value of Object.values(row)) sizeBytes += valueBytes(value)
  return sizeBytes
}

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (ArrayBuffer.isView(value)) return value.byteLength
  return value === null ? 0 : NUMBER_BYTES
}
