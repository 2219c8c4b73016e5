import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { classifySqliteError } from './errors.ts'

const cases = [
  ['SQLITE_BUSY', 'busy', true],
  ['SQLITE_BUSY_RECOVERY', 'busy', true],
  ['SQLITE_BUSY_SNAPSHOT', 'busy_snapshot', true],
  ['SQLITE_LOCKED_SHAREDCACHE', 'locked', false],
  ['SQLITE_CONSTRAINT_UNIQUE', 'constraint_unique', false],
  ['SQLITE_CONSTRAINT_PRIMARYKEY', 'constraint_unique', false],
  ['SQLITE_CONSTRAINT_FOREIGNKEY', 'constraint_foreign_key', false],
  ['SQLITE_CONSTRAINT_CHECK', 'constraint_check', false],
  ['SQLITE_CONSTRAINT_NOTNULL', 'constraint_not_null', false],
  ['SQLITE_CONSTRAINT_TRIGGER', 'constraint', false],
  ['SQLITE_FULL', 'full', false],
  ['SQLITE_IOERR', 'io', true],
  ['SQLITE_IOERR_FSYNC', 'io', true],
  ['SQLITE_IOERR_CORRUPTFS', 'corrupt', false],
  ['SQLITE_CORRUPT_INDEX', 'corrupt', false],
  ['SQLITE_NOTADB', 'corrupt', false],
  ['SQLITE_READONLY_DBMOVED', 'readonly', false],
  ['SQLITE_CANTOPEN_ISDIR', 'cantopen', true],
  ['SQLITE_TOOBIG', 'too_big', false],
  ['SQLITE_INTERRUPT', 'interrupt', false],
  ['SQLITE_ERROR', 'other', false],
  ['SQLITE_constructor', 'other', false],
  ['DB_WORKER_LOST', 'other', false],
  ['', 'other', false],
] as const

describe('classifySqliteError', () => {
  for (const [code, category, isRetryable] of cases) {
    it(`takes "${code}" for ${category}`, () => {
      assert.deepEqual(classifySqliteError(code), { category, isRetryable })
    })
  }
})
