import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { altersConnection } from './altering-sql.ts'

const altering = [
  'PRAGMA foreign_keys = OFF',
  'pragma main.cache_size=-1',
  'PRAGMA query_only(0)',
  '-- why\n  /* a; b */ PRAGMA foreign_keys=0',
  'SELECT 1; PRAGMA foreign_keys=0',
  `ATTACH 'x' AS y`,
  ';detach y',
  'CREATE TEMP TABLE t (a)',
  'create temporary view v as select 1',
  'CREATE TABLE IF NOT EXISTS temp.t (a)',
  'CREATE VIRTUAL TABLE "temp".t USING fts5(a)',
  'PRAGMA "foreign_keys" = 0',
  'EXPLAIN PRAGMA foreign_keys = 0',
]
const harmless = [
  'SELECT * FROM attach',
  'PRAGMA foreign_keys',
  'PRAGMA table_info(t)',
  'PRAGMA user_version = 3',
  'PRAGMA wal_checkpoint(PASSIVE)',
  'CREATE TABLE temperature (a)',
  'CREATE TABLE t (a)',
  `INSERT INTO t VALUES ('; PRAGMA foreign_keys = 0')`,
  'INSERT INTO t VALUES (1)',
  'BEGIN IMMEDIATE',
  '',
]

describe('altersConnection', () => {
  for (const sql of altering)
    it(`sees ${JSON.stringify(sql)}`, () => assert.ok(altersConnection(sql)))
  for (const sql of harmless) {
    it(`lets ${JSON.stringify(sql)} pass`, () => assert.ok(!altersConnection(sql)))
  }

  it('takes time in proportion to the text', () => {
    const startMs = performance.now()
    altersConnection(`SELECT '${'/* '.repeat(50_000)}'`)
    altersConnection(`${'-- \n'.repeat(50_000)}SELECT 1`)
    assert.ok(performance.now() - startMs < 1000)
  })
})
