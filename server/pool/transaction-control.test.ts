import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasControl, isControl } from './transaction-control.ts'

const trigger = 'CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET n = 1; DELETE FROM c; END'

describe('transaction control', () => {
  const ends = [
    'COMMIT',
    ' ; commit',
    '-- why\nEND',
    '/* a */ ROLLBACK',
    'begin immediate',
    'rollback transaction',
  ]
  for (const sql of ends) {
    it(`is ${JSON.stringify(sql)}, alone and in a script`, () => {
      assert.equal(isControl(sql), true)
      assert.equal(hasControl(sql), true)
      assert.equal(hasControl(`INSERT INTO t VALUES (1); ${sql}; SELECT 1`), true)
    })
  }

  const others = [
    'ROLLBACK TO a',
    'rollback transaction to savepoint a',
    'SAVEPOINT commit_point',
    'RELEASE a',
    "INSERT INTO t VALUES ('; COMMIT')",
    'SELECT 1 -- ; COMMIT',
    'SELECT CASE n WHEN 1 THEN 2 END FROM t',
    trigger,
    `${trigger}; INSERT INTO a VALUES (1)`,
  ]
  for (const sql of others) {
    it(`is not ${JSON.stringify(sql)}`, () => {
      assert.equal(hasControl(sql), false)
    })
  }

  it('is what comes after the body of a trigger', () => {
    assert.equal(hasControl(`${trigger}; COMMIT`), true)
  })
})
