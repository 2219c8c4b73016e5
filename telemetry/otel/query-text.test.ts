import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_QUERY_TEXT_LENGTH, queryText } from './query-text.ts'
import { sqlTokens } from './sql-tokens.ts'

const cases: readonly (readonly [sql: string, text: string])[] = [
  ['SELECT * FROM product WHERE id = ?', 'SELECT * FROM product WHERE id = ?'],
  ['SELECT * FROM t WHERE a = :a LIMIT 10', 'SELECT * FROM t WHERE a = :a LIMIT 10'],
  ['SELECT * FROM t WHERE a = @a', 'SELECT * FROM t WHERE a = @a'],
  ['SELECT * FROM t WHERE a = $a', 'SELECT * FROM t WHERE a = $a'],
  ["INSERT INTO t VALUES ('it''s', 4.5e3, x'00ff')", 'INSERT INTO t VALUES (?, ?, ?)'],
  ["SELECT 1 -- the password is 'x'\n", 'SELECT ?  \n'],
  ['SELECT /* 42 */ a1 FROM "t 1"', 'SELECT   a1 FROM "t 1"'],
  ["SELECT 'never closed", 'SELECT ?'],
  ["SELECT '? is no parameter'", 'SELECT ?'],
]

describe('queryText', () => {
  for (const [sql, text] of cases) {
    it(`of ${JSON.stringify(sql)} is ${JSON.stringify(text)}`, () => {
      assert.equal(queryText(sql), text)
    })
  }

  it('is cut, and a literal that the cut leaves open is still replaced', () => {
    const text = queryText(`SELECT '${'secret'.repeat(MAX_QUERY_TEXT_LENGTH)}'`)
    assert.equal(text, 'SELECT ?…')
  })

  it('is made of tokens that are the text again, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (sql) => {
        assert.equal([...sqlTokens(sql)].map(({ text }) => text).join(''), sql)
      }),
    )
  })
})
