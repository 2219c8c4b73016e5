import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ACQUIRE_FAILURES, LaneStats } from '../../telemetry/stats.ts'
import { acquireFailure, openFailure } from './acquire-failure.ts'
import { type Holder, PoolError } from './errors.ts'

const holder: Holder = {
  connectionId: 4,
  leaseId: 17,
  heldMs: 1234.6,
  label: null,
  sql: 'SELECT 1',
  trace: null,
  stack: '    at somewhere',
}

function lane(): LaneStats {
  const stats = new LaneStats('reader', { min: 0, max: 9 })
  Object.assign(stats, { inUse: 3, idle: 1, opening: 2, resetting: 1, zombie: 2, waiting: 7 })
  return stats
}

const moment = {
  stats: lane(),
  maxWaiters: 7,
  holders: [holder],
  waitMs: 49.6,
  position: 2,
  cause: undefined,
}

describe('the error of an acquire that got no connection', () => {
  const held = '; connection 4 held 1235 ms by lease 17'
  const cases = [
    {
      failure: 'timeout',
      code: 'POOL_ACQUIRE_TIMEOUT',
      message: `no reader became free in 50 ms: 3 of 9 in use, 7 waiting${held}`,
    },
    {
      failure: 'queue_full',
      code: 'POOL_QUEUE_FULL',
      message: `7 callers wait already: 3 of 9 reader in use${held}`,
    },
    {
      failure: 'shed',
      code: 'POOL_OVERLOADED',
      message: `turned away after 50 ms: the line has been slow for too long${held}`,
    },
    {
      failure: 'deadlock',
      code: 'POOL_DEADLOCK',
      message: `no reader can become free: whoever holds one waits for this call${held}`,
    },
    {
      failure: 'open_failed',
      code: 'POOL_OPEN_FAILED',
      message: 'the database could not be opened: undefined',
    },
    {
      failure: 'wal_full',
      code: 'WAL_FULL',
      message: 'the write-ahead log has reached its limit',
    },
    { failure: 'pool_closed', code: 'POOL_CLOSED', message: 'the pool is closed or closing' },
    { failure: 'aborted', code: 'POOL_CLOSED', message: 'the pool is closed or closing' },
  ] as const

  it('has a case here for every failure', () => {
    assert.deepEqual(
      cases.map(({ failure }) => failure).toSorted(),
      [...ACQUIRE_FAILURES].toSorted(),
    )
  })

  for (const { failure, code, message } of cases) {
    it(`${failure} is ${code}, with the numbers, a hint, and nothing started`, () => {
      const error = acquireFailure(failure, moment)
      assert.deepEqual([error.code, error.message], [code, message])
      assert.equal(error.outcome, 'not_started')
      assert.notEqual(error.hint, '')
      assert.deepEqual(error.holders, [holder])
      assert.deepEqual(error.details, {
        waitedMs: 50,
        position: 2,
        waiting: 7,
        inUse: 3,
        idle: 1,
        opening: 2,
        resetting: 1,
        zombie: 2,
        max: 9,
        longestHeldMs: 1235,
      })
      assert.equal('cause' in error, false)
    })
  }

  it('calls the holder by the label it gave itself', () => {
    const holders = [{ ...holder, label: 'nightly import' }]
    const { message } = acquireFailure('shed', { ...moment, holders })
    assert.match(message, / held 1235 ms by "nightly import"$/)
  })

  it('names nobody when nobody holds anything', () => {
    const { message, details } = acquireFailure('shed', { ...moment, holders: [] })
    assert.match(message, /too long$/)
    assert.equal(details['longestHeldMs'], 0)
  })

  it('carries why connections cannot be opened as its cause', () => {
    const cause = new Error('no such disk')
    for (const failure of ['timeout', 'queue_full', 'shed', 'deadlock', 'pool_closed'] as const) {
      assert.equal(acquireFailure(failure, { ...moment, cause }).cause, cause, failure)
    }
  })

  it('is what ended the pool, where that has a code of its own', () => {
    const cause = new PoolError('DB_REPLACED', 'another file is there')
    assert.equal(acquireFailure('pool_closed', { ...moment, cause }), cause)
    assert.equal(acquireFailure('open_failed', { ...moment, cause }), cause)
    const full = new PoolError('WAL_FULL', 'because of whom')
    assert.equal(acquireFailure('wal_full', { ...moment, cause: full }), full)
  })
})

describe('openFailure', () => {
  const causes = [
    { name: 'an error', cause: new Error('disk full'), says: 'disk full' },
    { name: 'what is no error', cause: 'disk full', says: 'disk full' },
    { name: 'nothing at all', cause: undefined, says: 'undefined' },
  ]
  for (const { name, cause, says } of causes) {
    it(`wraps ${name}`, () => {
      const error = openFailure(cause)
      assert.equal(error.code, 'POOL_OPEN_FAILED')
      assert.equal(error.message, `the database could not be opened: ${says}`)
      assert.equal(error.cause, cause)
      assert.equal(error.outcome, 'not_started')
    })
  }

  it('leaves an error of the pool as it is', () => {
    const cause = new PoolError('DB_REPLACED', 'another file is there')
    assert.equal(openFailure(cause), cause)
  })
})
