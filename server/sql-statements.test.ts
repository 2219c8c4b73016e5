import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assignedPragma, isScript, statementHeads } from './sql-statements.ts'

const heads: { sql: string; expected: string[][] }[] = [
  { sql: '', expected: [] },
  { sql: ' ; -- x\n ;; /* y */', expected: [] },
  { sql: 'SELECT 1', expected: [['select', '1']] },
  { sql: 'a;b', expected: [['a'], ['b']] },
  {
    sql: `SELECT ';', "a;b", [c;d], \`e;f\``,
    expected: [['select', ';', ',', 'a;b', ',', 'c;d', ',', 'e;f']],
  },
  { sql: `SELECT 'it''s;'; b`, expected: [['select', 'it', 's;'], ['b']] },
  { sql: 'a -- b; c\nd', expected: [['a', 'd']] },
  { sql: 'a /* ; */ b /* ; ', expected: [['a', 'b']] },
  { sql: `a 'not closed; b`, expected: [['a', 'not closed; b']] },
  { sql: '\ufeffPRAGMA x', expected: [['pragma', 'x']] },
]

describe('statementHeads', () => {
  for (const { sql, expected } of heads) {
    it(`takes ${JSON.stringify(sql)} apart`, () => {
      assert.deepEqual([...statementHeads(sql)], expected)
    })
  }

  it('gives 10 tokens of each statement', () => {
    const long = `${'x '.repeat(20)};${'y '.repeat(20)}`
    assert.deepEqual(
      [...statementHeads(long)].map((head) => head.length),
      [10, 10],
    )
  })

  for (const part of ['/*', "'", '"', '[', '`', '-- \n', "''", ';', ' ', '/* */']) {
    it(`takes time in proportion to a text full of ${JSON.stringify(part)}`, () => {
      const startMs = performance.now()
      Array.from(statementHeads(part.repeat(200_000)))
      assert.ok(performance.now() - startMs < 2000)
    })
  }
})

describe('isScript', () => {
  const scripts = ['a; b', 'a;;b;', 'a; -- x\n b']
  const single = ['', 'a', 'a;', 'a; -- b; c', `a ';' `, ';;a']
  for (const sql of scripts)
    it(`is true for ${JSON.stringify(sql)}`, () => assert.ok(isScript(sql)))
  for (const sql of single)
    it(`is false for ${JSON.stringify(sql)}`, () => assert.ok(!isScript(sql)))
})

describe('assignedPragma', () => {
  const cases: { sql: string; expected: string | undefined }[] = [
    { sql: 'PRAGMA x = 1', expected: 'x' },
    { sql: 'pragma X(1)', expected: 'x' },
    { sql: 'PRAGMA main.x = 1', expected: 'x' },
    { sql: 'PRAGMA "main" . [x] (1)', expected: 'x' },
    { sql: `PRAGMA 'x'=1`, expected: 'x' },
    { sql: 'EXPLAIN PRAGMA x = 1', expected: 'x' },
    { sql: 'EXPLAIN QUERY PLAN PRAGMA main.x = 1', expected: 'x' },
    { sql: 'PRAGMA x', expected: undefined },
    { sql: 'PRAGMA main.x', expected: undefined },
    { sql: 'SELECT x = 1', expected: undefined },
  ]
  for (const { sql, expected } of cases) {
    it(`is ${expected} for ${sql}`, () => {
      assert.equal(assignedPragma([...statementHeads(sql)][0]!), expected)
    })
  }
})
