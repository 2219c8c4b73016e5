import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { querySummary } from './query-summary.ts'

const cases: readonly (readonly [sql: string, summary: string])[] = [
  ['SELECT * FROM product WHERE id = ?', 'SELECT product'],
  ['select name\n  from main.product\n limit 5', 'select main.product'],
  ['SELECT * FROM a JOIN b ON b.a = a.id LEFT JOIN "c" USING (id)', 'SELECT a b "c"'],
  ['SELECT count(*) FROM (SELECT 1 FROM orders)', 'SELECT SELECT orders'],
  ['WITH recent AS (SELECT * FROM orders) SELECT * FROM recent', 'SELECT orders SELECT recent'],
  ['INSERT INTO note (text) VALUES (?)', 'INSERT note'],
  ['INSERT OR REPLACE INTO note SELECT * FROM draft', 'INSERT note SELECT draft'],
  ['INSERT INTO n VALUES (?) ON CONFLICT DO UPDATE SET a = 1', 'INSERT n'],
  ['REPLACE INTO note VALUES (?)', 'REPLACE note'],
  ["SELECT replace(name, 'FROM secret', '') FROM product", 'SELECT product'],
  [
    'UPDATE OR IGNORE product SET price = ? WHERE id IN (SELECT id FROM sale)',
    'UPDATE product SELECT sale',
  ],
  ['DELETE FROM product', 'DELETE product'],
  ['SELECT a IS DISTINCT FROM b FROM t', 'SELECT t'],
  ['CREATE TABLE IF NOT EXISTS note (id INTEGER)', 'CREATE TABLE note'],
  ['CREATE UNIQUE INDEX by_name ON product (name)', 'CREATE INDEX by_name'],
  ['CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END', 'CREATE TRIGGER t'],
  ['CREATE VIEW v AS SELECT * FROM a', 'CREATE VIEW v'],
  ['ALTER TABLE note ADD COLUMN x', 'ALTER TABLE note'],
  ['DROP TABLE a; DROP TABLE b', 'DROP TABLE a DROP TABLE b'],
  ['PRAGMA wal_checkpoint(NOOP)', 'PRAGMA wal_checkpoint'],
  ['VALUES (1)', 'VALUES'],
  ['EXPLAIN QUERY PLAN SELECT * FROM a', 'EXPLAIN SELECT a'],
  ['BEGIN IMMEDIATE', 'BEGIN'],
  ['COMMIT', 'COMMIT'],
  ['VACUUM', 'VACUUM'],
  ['-- SELECT x FROM secret\nSELECT 1', 'SELECT'],
  ['/* FROM secret */ SELECT * FROM "a"', 'SELECT "a"'],
  ["SELECT 'unclosed FROM secret", 'SELECT'],
  ['', ''],
  ['nonsense', ''],
]

describe('querySummary', () => {
  for (const [sql, summary] of cases) {
    it(`says ${JSON.stringify(summary)} of ${JSON.stringify(sql)}`, () => {
      assert.equal(querySummary(sql), summary)
    })
  }

  it('is the same the second time', () => {
    assert.equal(querySummary('SELECT * FROM twice'), querySummary('SELECT * FROM twice'))
  })

  it('is cut between words at 255 characters', () => {
    const sql = Array.from({ length: 100 }, (_, i) => `SELECT * FROM table_${i}`).join(' UNION ')
    const summary = querySummary(sql)
    assert.ok(summary.length <= 255 && summary.length > 240, String(summary.length))
    assert.match(summary, /^(?:SELECT table_\d+ ?)+(?: SELECT)?$/)
  })

  it('takes any text, and never says a value', () => {
    const value = fc.string().map((text) => `'secret${text.replaceAll("'", "''")}'`)
    const code = fc.constantFrom(
      'SELECT',
      'FROM',
      'INTO',
      'UPDATE',
      't',
      '"n"',
      '--',
      '/*',
      ';',
      '.',
    )
    const pieces = fc.array(fc.oneof(value, code, fc.string()), { maxLength: 12 })
    fc.assert(
      fc.property(pieces, (parts) => {
        const summary = querySummary(parts.join(' '))
        assert.ok(summary.length <= 255)
      }),
    )
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            value,
            code.filter((c) => !/[-/]/.test(c)),
          ),
        ),
        (parts) => {
          assert.doesNotMatch(querySummary(parts.join(' ')), /secret/)
        },
      ),
    )
  })
})
