import Database from 'better-sqlite3'
import { StatementStopped, type StoppedOutcome } from '../../pool/cancellation.ts'
import { PragmaRefusedError, ResultTooBigError } from '../errors.ts'

/**
 * An error as it crosses threads. By hand, because a structured clone of an SqliteError keeps neither
 * its `name` nor its `code`. The stack stays behind: the caller's own says more.
 */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly code: string | null
  /** Which statement of a batch. */
  readonly index: number | null
  readonly outcome: string | null
}

interface ErrorDetails extends Error {
  code?: unknown
  index?: unknown
  outcome?: unknown
}

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  TypeError,
  RangeError,
  SyntaxError,
  PragmaRefusedError,
  ResultTooBigError,
}

export function encodeError(error: unknown): WireError {
  const { name, message, code, index, outcome }: ErrorDetails =
    error instanceof Error ? error : new Error(String(error))
  return {
    name,
    message,
    code: typeof code === 'string' ? code : null,
    index: typeof index === 'number' ? index : null,
    outcome: typeof outcome === 'string' ? outcome : null,
  }
}

/** The same error again: of its class where it has one of the driver's, of the language's or of ours. */
export function decodeError(wire: WireError): Error {
  const error: ErrorDetails = create(wire)
  if (error.name !== wire.name) error.name = wire.name
  if (wire.code !== null && error.code !== wire.code) error.code = wire.code
  if (wire.outcome !== null && error.outcome !== wire.outcome) error.outcome = wire.outcome
  if (wire.index !== null) error.index = wire.index
  return error
}

function create({ name, message, code, outcome }: WireError): Error {
  if (name === 'SqliteError' && code !== null) return new Database.SqliteError(message, code)
  if (name === 'StatementStopped') return new StatementStopped(outcome as StoppedOutcome)
  const ErrorClass = Object.hasOwn(CLASSES, name) ? CLASSES[name]! : Error
  return new ErrorClass(message)
}
