import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolError } from '../pool/errors.ts'
import { ConnectionLostError, PragmaRefusedError, ResultTooBigError } from '../sqlite/errors.ts'
import { WALError } from '../wal/errors.ts'
import { toErrorReply } from './error-envelope.ts'
import { errorTable, isErrorCode, type ErrorCode } from './error-table.ts'
import { HttpError } from './http-error.ts'

const context = { requestId: 'r-1', isRead: true }
const coded = (code: string, fields: object = {}): Error =>
  Object.assign(new Error('SELECT secret FROM t /* /var/lib/db */'), { code, ...fields })

describe('toErrorReply', () => {
  const cases: readonly (readonly [error: unknown, code: ErrorCode, status: number])[] = [
    [new HttpError('NOT_FOUND', 'gone'), 'NOT_FOUND', 404],
    [new PoolError('POOL_ACQUIRE_TIMEOUT', 'x'), 'POOL_ACQUIRE_TIMEOUT', 503],
    [new PoolError('POOL_QUEUE_FULL', 'x'), 'POOL_QUEUE_FULL', 503],
    [new PoolError('POOL_CLOSED', 'x'), 'POOL_CLOSED', 503],
    [new PoolError('POOL_OPEN_FAILED', 'x'), 'DB_UNAVAILABLE', 503],
    [new PoolError('POOL_OVERLOADED', 'x'), 'POOL_OVERLOADED', 503],
    [new PoolError('POOL_DEADLOCK', 'x'), 'POOL_DEADLOCK', 500],
    [new PoolError('POOL_ALREADY_OPEN', 'x'), 'INTERNAL', 500],
    [new PoolError('LEASE_RELEASED', 'x'), 'INTERNAL', 500],
    [new PoolError('LEASE_REVOKED', 'x'), 'LEASE_REVOKED', 500],
    [new PoolError('STATEMENT_TIMEOUT', 'x'), 'STATEMENT_TIMEOUT', 504],
    [new PoolError('STATEMENT_CANCELLED', 'x'), 'STATEMENT_CANCELLED', 503],
    [new PoolError('TRANSACTION_CONTROL', 'x'), 'INTERNAL', 500],
    [new PoolError('TRANSACTION_TIMEOUT', 'x'), 'TRANSACTION_TIMEOUT', 504],
    [new PoolError('TRANSACTION_IDLE', 'x'), 'TRANSACTION_IDLE', 504],
    [new PoolError('SNAPSHOT_EXPIRED', 'x'), 'SNAPSHOT_EXPIRED', 500],
    [new PoolError('DB_BUSY', 'x'), 'DB_BUSY', 503],
    [new PoolError('DB_REPLACED', 'x'), 'DB_REPLACED', 503],
    [new ResultTooBigError('SELECT secret'), 'RESULT_TOO_BIG', 413],
    [new PragmaRefusedError('SELECT secret'), 'INTERNAL', 500],
    [new WALError('WAL_INVALID_MODE', 'x'), 'WAL_INVALID_MODE', 400],
    [new WALError('WAL_EXTERNAL_CHECKPOINTER', 'x'), 'WAL_EXTERNAL_CHECKPOINTER', 409],
    [new WALError('WAL_CLOSED', 'x'), 'WAL_CLOSED', 503],
    [new ConnectionLostError(), 'DB_WORKER_LOST', 503],
    [coded('SQLITE_BUSY'), 'DB_BUSY', 503],
    [coded('SQLITE_BUSY_SNAPSHOT'), 'DB_CONFLICT', 503],
    [coded('SQLITE_CONSTRAINT_UNIQUE'), 'CONSTRAINT_UNIQUE', 409],
    [coded('SQLITE_CONSTRAINT_NOTNULL'), 'CONSTRAINT_NOT_NULL', 422],
    [coded('SQLITE_FULL'), 'DB_FULL', 507],
    [coded('SQLITE_IOERR_WRITE'), 'DB_IO', 503],
    [coded('SQLITE_CORRUPT_VTAB'), 'DB_CORRUPT', 503],
    [coded('SQLITE_NOTADB'), 'DB_CORRUPT', 503],
    [coded('SQLITE_ERROR'), 'INTERNAL', 500],
    [coded('SQLITE_TOOBIG'), 'TOO_BIG', 413],
    [coded('FST_ERR_CTP_BODY_TOO_LARGE'), 'TOO_BIG', 413],
    [coded('FST_ERR_HANDLER_TIMEOUT'), 'STATEMENT_TIMEOUT', 504],
    [coded('ENOENT'), 'INTERNAL', 500],
    [coded('ENOENT', { statusCode: 404 }), 'NOT_FOUND', 404],
    [coded('x', { statusCode: 416 }), 'RANGE_NOT_SATISFIABLE', 416],
    [coded('x', { statusCode: 418 }), 'INTERNAL', 500],
    [coded('toString'), 'INTERNAL', 500],
    [new TypeError('x is not a function'), 'INTERNAL', 500],
    ['a string', 'INTERNAL', 500],
    [null, 'INTERNAL', 500],
    [undefined, 'INTERNAL', 500],
  ]
  for (const [error, code, status] of cases) {
    const name =
      error instanceof Error ? `${error.name} ${(error as { code?: string }).code}` : String(error)
    it(`makes ${code} of ${name}`, () => {
      const reply = toErrorReply(error, context)
      assert.deepEqual([reply.body.error.code, reply.status], [code, status])
      assert.equal(reply.body.error.requestId, 'r-1')
      assert.doesNotMatch(JSON.stringify(reply.body), /SELECT|\/var|secret/)
    })
  }

  it('passes on what was written for the client, with its details', () => {
    const { error } = toErrorReply(
      new HttpError('CONFLICT', 'Taken.', { field: 'name' }),
      context,
    ).body
    assert.deepEqual([error.message, error.details], ['Taken.', { field: 'name' }])
  })

  it('passes on nothing but numbers from 500 on', () => {
    const error = new PoolError('POOL_ACQUIRE_TIMEOUT', 'SELECT secret', {
      details: { waitedMs: 5000, sql: 'SELECT secret' as unknown as number },
      outcome: 'not_started',
    })
    const { body } = toErrorReply(error, context)
    assert.deepEqual(body.error.details, { waitedMs: 5000 })
    assert.equal(body.error.outcome, 'not_started')
  })

  it('says when to come back, and not to reuse the connection of a server that ends', () => {
    assert.equal(toErrorReply(coded('POOL_QUEUE_FULL'), context).headers['retry-after'], '1')
    assert.equal(toErrorReply(coded('POOL_OVERLOADED'), context).headers['retry-after'], '1')
    for (const code of ['DB_CORRUPT', 'DB_REPLACED', 'STATEMENT_CANCELLED', 'POOL_DEADLOCK']) {
      const reply = toErrorReply(coded(code), context)
      assert.deepEqual(
        [reply.headers['retry-after'], reply.body.error.retryable],
        [undefined, false],
      )
    }
    assert.equal(toErrorReply(coded('POOL_DRAINING'), context).headers['connection'], 'close')
    assert.equal(
      toErrorReply(coded('UNAUTHENTICATED'), context).headers['www-authenticate'],
      'Bearer',
    )
  })

  it('calls a write that was cut off unknown, and only a read repeatable', () => {
    for (const code of ['FST_ERR_HANDLER_TIMEOUT', 'STATEMENT_TIMEOUT']) {
      const read = toErrorReply(coded(code), context).body.error
      const write = toErrorReply(coded(code), { ...context, isRead: false }).body.error
      assert.deepEqual([read.retryable, read.outcome], [true, undefined])
      assert.deepEqual([write.retryable, write.outcome], [false, 'unknown'])
    }
    const lost = toErrorReply(new ConnectionLostError(), { ...context, isRead: false }).body.error
    assert.deepEqual([lost.retryable, lost.outcome], [false, 'unknown'])
  })
})

describe('errorTable', () => {
  it('has a fixed text for everything from 500 on, and none for a success', () => {
    for (const [code, { status, message }] of Object.entries(errorTable)) {
      assert.ok(status >= 400 && status < 600, code)
      if (status >= 500) assert.equal(typeof message, 'string', code)
    }
  })

  it('knows its codes and nothing of its prototype', () => {
    assert.equal(isErrorCode('INTERNAL'), true)
    for (const code of ['toString', '__proto__', '', 500, null])
      assert.equal(isErrorCode(code), false)
  })
})
