import { errorTable, type ErrorCode } from './error-table.ts'

/** A refusal by this server: its code decides the status, its message is for the client to read. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly code: ErrorCode
  readonly statusCode: number
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message)
    this.code = code
    this.statusCode = errorTable[code].status
    this.details = details
  }
}
