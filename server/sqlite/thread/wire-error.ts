import Database from 'better-sqlite3'

/**
 * An error as it crosses threads. By hand, because a structured clone of an SqliteError keeps neither
 * its `name` nor its `code`. The stack stays behind: the caller's own says more.
 */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly code: string | null
}

const CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  TypeError,
  RangeError,
  SyntaxError,
}

export function encodeError(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: null }
  const code = (error as NodeJS.ErrnoException).code
  return { name: error.name, message: error.message, code: typeof code === 'string' ? code : null }
}

/** The same error again: an SqliteError with its code, a TypeError or RangeError of its class. */
export function decodeError(wire: WireError): Error {
  if (wire.name === 'SqliteError' && wire.code !== null) {
    return new Database.SqliteError(wire.message, wire.code)
  }
  const ErrorClass = Object.hasOwn(CLASSES, wire.name) ? CLASSES[wire.name]! : Error
  const error: NodeJS.ErrnoException = new ErrorClass(wire.message)
  if (error.name !== wire.name) error.name = wire.name
  if (wire.code !== null) error.code = wire.code
  return error
}
