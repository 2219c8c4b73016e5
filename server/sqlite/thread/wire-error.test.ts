import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { StatementStopped } from '../../pool/cancellation.ts'
import { JournalModeError, PragmaRefusedError, ResultTooBigError } from '../errors.ts'
import { decodeError, encodeError } from './wire-error.ts'

const errors: Error[] = [
  new Database.SqliteError('locked', 'SQLITE_BUSY'),
  new TypeError('a type'),
  new RangeError('a range'),
  new SyntaxError('a syntax'),
  new Error('any'),
  Object.assign(new Error('coded'), { code: 'ERR_X' }),
  new ResultTooBigError('more than 5 rows'),
  new PragmaRefusedError('PRAGMA x'),
  new StatementStopped('not_started'),
  new StatementStopped('rolled_back'),
  Object.assign(new Database.SqliteError('unique', 'SQLITE_CONSTRAINT_UNIQUE'), { index: 0 }),
  Object.assign(new TypeError('a type'), { index: 3, outcome: 'unknown' }),
]

describe('encodeError and decodeError', () => {
  for (const error of errors) {
    it(`keep a ${error.name} "${error.message}"`, () => {
      const again = decodeError(structuredClone(encodeError(error)))
      assert.equal(again.constructor, error.constructor)
      assert.equal(again.message, error.message)
      assert.equal(again.name, error.name)
      const own = (of: Error): object => Object.fromEntries(Object.entries(of))
      assert.deepEqual(own(again), own(error))
    })
  }

  it('keep name, code and message of a class that they do not know', () => {
    const again = decodeError(encodeError(new JournalModeError('delete')))
    assert.deepEqual(
      [again.name, (again as NodeJS.ErrnoException).code],
      ['JournalModeError', 'WAL_NOT_ENABLED'],
    )
    assert.match(again.message, /"delete"/)
  })

  it('make an error of what is none', () => {
    assert.equal(decodeError(encodeError('text')).message, 'text')
  })
})
