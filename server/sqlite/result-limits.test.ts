import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { StatementCall } from '../pool/connection.ts'
import { ResultTooBigError } from './errors.ts'
import { COUNT_TO, executions, openWriter } from './testing/connections.ts'

/** Without an end: only a statement that is stepped can be ended. */
const ENDLESS = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n'
const shapes = ['objects', 'raw', 'pluck'] as const

for (const { name: execution, open } of executions) {
  describe(`${execution}: limits of a result`, () => {
    for (const rows of shapes) {
      const within: { name: string; sql: string; call: StatementCall }[] = [
        { name: '3 of 3 rows', sql: 'VALUES (1), (2), (3)', call: { maxRows: 3 } },
        {
          name: '24 of 24 bytes of numbers',
          sql: 'VALUES (1), (2.5), (3)',
          call: { maxBytes: 24 },
        },
        { name: '6 of 6 bytes of text', sql: `VALUES ('é'), ('🐟')`, call: { maxBytes: 6 } },
        { name: '3 of 3 bytes of blobs', sql: `VALUES (x'0102'), (x'03')`, call: { maxBytes: 3 } },
        { name: 'nulls', sql: 'VALUES (NULL), (NULL)', call: { maxBytes: 1 } },
        { name: 'no limit', sql: 'VALUES (1), (2)', call: { maxRows: 0, maxBytes: 0 } },
      ]
      for (const { name, sql, call } of within) {
        it(`lets ${name} pass (${rows})`, async (t) => {
          const connection = await openWriter(t, open)
          const all = await connection.all(sql, [], { rows })
          assert.deepEqual(await connection.all(sql, [], { ...call, rows }), all)
          const cursor = await connection.iterate(sql, [], { ...call, rows })
          assert.deepEqual(await cursor.next(), all)
        })
      }

      const beyond: { name: string; sql: string; call: StatementCall; message: RegExp }[] = [
        { name: '100 rows', sql: ENDLESS, call: { maxRows: 100 }, message: /more than 100 rows/ },
        {
          name: '800 bytes',
          sql: ENDLESS,
          call: { maxBytes: 800 },
          message: /more than 800 bytes .*: 808 after 101 rows/,
        },
        {
          name: '5 bytes',
          sql: `VALUES ('é'), ('🐟')`,
          call: { maxBytes: 5 },
          message: /: 6 after 2/,
        },
        {
          name: '2 bytes',
          sql: `SELECT x'010203'`,
          call: { maxBytes: 2 },
          message: /: 3 after 1 row/,
        },
      ]
      for (const { name, sql, call, message } of beyond) {
        it(`refuses more than ${name} (${rows})`, async (t) => {
          const connection = await openWriter(t, open)
          await connection.exec('CREATE TABLE t (a)')
          const isRefusal = (error: unknown): true => {
            assert.ok(error instanceof ResultTooBigError)
            assert.equal(error.code, 'RESULT_TOO_BIG')
            assert.match(error.message, message)
            return true
          }
          await assert.rejects(connection.all(sql, [], { ...call, rows }), isRefusal)
          const drained = (async () => {
            const cursor = await connection.iterate(sql, [], { ...call, rows })
            while ((await cursor.next()) !== undefined);
          })()
          await assert.rejects(drained, isRefusal)
          assert.equal(connection.openCursorCount, 0)
          await connection.run('INSERT INTO t VALUES (1)', [])
        })
      }
    }

    it('are over all batches of a cursor', async (t) => {
      const connection = await openWriter(t, open)
      const cursor = await connection.iterate(COUNT_TO, [1000], { maxRows: 500 })
      let count = 0
      const drained = (async () => {
        for (let rows = await cursor.next(); rows !== undefined; rows = await cursor.next()) {
          count += rows.length
        }
      })()
      await assert.rejects(drained, { code: 'RESULT_TOO_BIG' })
      assert.equal(count, 16 + 64 + 256)
    })

    it('do not hold for a statement that writes, which has happened when its rows come', async (t) => {
      const connection = await openWriter(t, open)
      await connection.exec('CREATE TABLE t (a)')
      const sql = 'INSERT INTO t VALUES (1), (2), (3) RETURNING a'
      assert.equal((await connection.all(sql, [], { maxRows: 1 })).length, 3)
      const cursor = await connection.iterate(sql, [], { maxBytes: 1 })
      assert.equal(connection.openCursorCount, 0)
      assert.equal((await cursor.next())?.length, 3)
      assert.deepEqual(await connection.get('SELECT count(*) AS n FROM t', []), { n: 6 })
    })
  })
}
