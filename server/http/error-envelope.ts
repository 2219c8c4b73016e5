import type { FastifyError } from 'fastify'
import { classifySqliteError, type SqliteErrorCategory } from '../sqlite/errors.ts'
import { errorTable, isErrorCode, type ErrorCode } from './error-table.ts'

/** The body of every answer that is not a success. */
export interface ErrorEnvelope {
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    readonly requestId: string
    /** The same request may succeed later. */
    readonly retryable: boolean
    /** What became of a write: `not_started`, `rolled_back`, or `unknown`. */
    readonly outcome?: string
    readonly details?: Readonly<Record<string, unknown>>
  }
}

export interface ErrorReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: ErrorEnvelope
}

/** What a request was, as far as its error needs to know. */
export interface ErrorContext {
  readonly requestId: string
  /** GET and HEAD: doing it again does no harm. */
  readonly isRead: boolean
}

const RETRY_AFTER_SECONDS = 1
const outcomes = ['not_started', 'rolled_back', 'unknown']

/** Turns whatever was thrown into the one envelope. Nothing of an unknown error gets through. */
export function toErrorReply(error: unknown, context: ErrorContext): ErrorReply {
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as Thrown
  const code = codeOf(thrown)
  const { status, message } = errorTable[code]
  // What a lost connection was reading can be read again; what it was writing may have happened.
  const isRereadable = context.isRead && (code === 'DB_WORKER_LOST' || code === 'STATEMENT_TIMEOUT')
  const retryable = errorTable[code].retryable || isRereadable
  const outcome = outcomeOf(thrown, code, context)
  const details = status < 500 ? detailsOf(thrown) : numbersOf(thrown.details)
  return {
    status,
    headers: headersOf(code, retryable),
    body: {
      error: {
        code,
        message: message ?? textOf(thrown, code),
        requestId: context.requestId,
        retryable,
        ...(outcome !== undefined && { outcome }),
        ...(details !== undefined && { details }),
      },
    },
  }
}

type Thrown = Partial<FastifyError> & { readonly outcome?: unknown; readonly details?: unknown }

/** Refusals of Fastify and of the pool under names of their own. */
const otherCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_VALIDATION: 'VALIDATION',
  FST_ERR_CTP_BODY_TOO_LARGE: 'TOO_BIG',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  FST_ERR_MAX_PARAM_LENGTH: 'URI_TOO_LONG',
  FST_ERR_NOT_FOUND: 'NOT_FOUND',
  // Whatever the handler waits for goes on without it.
  FST_ERR_HANDLER_TIMEOUT: 'STATEMENT_TIMEOUT',
  POOL_OPEN_FAILED: 'DB_UNAVAILABLE',
}

const sqliteCodes: Readonly<Record<SqliteErrorCategory, ErrorCode>> = {
  busy: 'DB_BUSY',
  busy_snapshot: 'DB_CONFLICT',
  locked: 'DB_LOCKED',
  constraint_unique: 'CONSTRAINT_UNIQUE',
  constraint_foreign_key: 'CONSTRAINT_FOREIGN_KEY',
  constraint_check: 'CONSTRAINT_CHECK',
  constraint_not_null: 'CONSTRAINT_NOT_NULL',
  constraint: 'CONSTRAINT_CHECK',
  full: 'DB_FULL',
  io: 'DB_IO',
  corrupt: 'DB_CORRUPT',
  readonly: 'DB_READONLY',
  cantopen: 'DB_UNAVAILABLE',
  too_big: 'TOO_BIG',
  interrupt: 'STATEMENT_TIMEOUT',
  other: 'INTERNAL',
}

const statusCodes: Readonly<Record<number, ErrorCode>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  408: 'REQUEST_TIMEOUT',
  413: 'TOO_BIG',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  416: 'RANGE_NOT_SATISFIABLE',
  429: 'RATE_LIMITED',
  431: 'HEADERS_TOO_BIG',
}

function codeOf(thrown: Thrown): ErrorCode {
  const { code } = thrown
  if (isErrorCode(code)) return code
  if (typeof code === 'string') {
    if (code.startsWith('SQLITE_')) return sqliteCodes[classifySqliteError(code).category]
    const known = Object.hasOwn(otherCodes, code) ? otherCodes[code] : undefined
    if (known !== undefined) return known
  }
  if (thrown.validation !== undefined) return 'VALIDATION'
  const { statusCode } = thrown
  return statusCode === undefined ? 'INTERNAL' : (statusCodes[statusCode] ?? 'INTERNAL')
}

function outcomeOf(thrown: Thrown, code: ErrorCode, { isRead }: ErrorContext): string | undefined {
  // Nothing can stop a statement in SQLite: it may still commit.
  if (code === 'STATEMENT_TIMEOUT' && !isRead && thrown.outcome === undefined) return 'unknown'
  return outcomes.find((known) => known === thrown.outcome)
}

function headersOf(code: ErrorCode, retryable: boolean): Record<string, string> {
  const { status } = errorTable[code]
  const headers: Record<string, string> = {}
  if (status === 503 && retryable) headers['retry-after'] = String(RETRY_AFTER_SECONDS)
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  if (code === 'POOL_DRAINING' || code === 'POOL_CLOSED') headers['connection'] = 'close'
  return headers
}

/** The message of a 4xx, if it was written for the client: that of a library may hold a path. */
const textOf = (thrown: Thrown, code: ErrorCode): string => {
  const isOurs = thrown.code === code || thrown.validation !== undefined
  return isOurs && thrown.message !== undefined ? thrown.message : 'The request is refused.'
}

function detailsOf(thrown: Thrown): Readonly<Record<string, unknown>> | undefined {
  if (thrown.validation !== undefined) return validationDetails(thrown)
  const { details } = thrown
  if (!isErrorCode(thrown.code)) return undefined
  return typeof details === 'object' && details !== null
    ? (details as Record<string, unknown>)
    : undefined
}

/** Which field of which part of the request is wrong, and why. */
function validationDetails(thrown: Thrown): Readonly<Record<string, unknown>> {
  const fields = thrown.validation!.map(({ instancePath, keyword, params, message }) => ({
    field: fieldOf(instancePath, params),
    rule: keyword,
    message: message ?? 'is not valid',
  }))
  return { part: thrown.validationContext ?? 'body', fields }
}

/** `/price` → `price`; a missing or unknown field is named by the rule, not by the path. */
function fieldOf(instancePath: string, params: Readonly<Record<string, unknown>>): string {
  const path = instancePath.split('/').slice(1)
  const named = params['missingProperty'] ?? params['additionalProperty']
  if (typeof named === 'string') path.push(named)
  return path.join('.')
}

/** From 500 on only numbers and facts: how many waited, how long, and never whose SQL. */
function numbersOf(details: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof details !== 'object' || details === null) return undefined
  const entries = Object.entries(details).filter(
    ([, value]) => typeof value === 'number' || typeof value === 'boolean',
  )
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
