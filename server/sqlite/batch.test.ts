import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BatchStatement } from '../pool/connection.ts'
import { executions, openConnections, openWriter } from './testing/connections.ts'

const SCHEMA = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, a UNIQUE);
  CREATE TABLE parent (id INTEGER PRIMARY KEY);
  CREATE TABLE child (id REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)`
const insert = (a: unknown): BatchStatement => ({ sql: 'INSERT INTO t (a) VALUES (?)', args: [a] })
const COUNT = 'SELECT count(*) FROM t'
const pluck = { rows: 'pluck' } as const

for (const { name: execution, open } of executions) {
  describe(`${execution}: batch()`, () => {
    for (const isAtomic of [true, false]) {
      it(`answers each statement in order (isAtomic ${isAtomic})`, async (t) => {
        const connection = await openWriter(t, open)
        await connection.exec(SCHEMA)
        const results = await connection.batch(
          [
            insert('x'),
            { sql: 'SELECT a FROM t' },
            { sql: 'INSERT INTO t (a) VALUES (@a), (@b) RETURNING id', args: [{ a: 1, b: 2 }] },
            { sql: 'UPDATE t SET a = a WHERE id > 1 AND id < 0 RETURNING id' },
            { sql: 'SELECT 1 WHERE 0' },
            { sql: 'DELETE FROM t' },
          ],
          { isAtomic },
        )
        assert.deepEqual(results, [
          { rows: [], changes: 1, lastInsertRowid: 1 },
          { rows: [{ a: 'x' }], changes: 0, lastInsertRowid: 0 },
          { rows: [{ id: 2 }, { id: 3 }], changes: 2, lastInsertRowid: 3 },
          { rows: [], changes: 0, lastInsertRowid: 3 },
          { rows: [], changes: 0, lastInsertRowid: 0 },
          { rows: [], changes: 3, lastInsertRowid: 3 },
        ])
        assert.equal(connection.inTransaction, false)
      })

      it(`is fine with no statement (isAtomic ${isAtomic})`, async (t) => {
        const connection = await openWriter(t, open)
        assert.deepEqual(await connection.batch([], { isAtomic }), [])
        assert.equal(connection.inTransaction, false)
      })

      const failures = [
        { name: 'a constraint', bad: insert('x'), error: { code: 'SQLITE_CONSTRAINT_UNIQUE' } },
        { name: 'bad SQL', bad: { sql: 'nonsense' }, error: { code: 'SQLITE_ERROR' } },
        {
          name: 'an error that rolls back by itself',
          bad: { sql: 'INSERT OR ROLLBACK INTO t (a) VALUES (?)', args: ['x'] },
          error: { code: 'SQLITE_CONSTRAINT_UNIQUE' },
        },
        { name: 'too few arguments', bad: { sql: 'SELECT ?' }, error: { name: 'RangeError' } },
        { name: 'a boolean', bad: insert(true), error: { name: 'TypeError' } },
      ]
      for (const { name, bad, error } of failures) {
        it(`ends at ${name} with its number (isAtomic ${isAtomic})`, async (t) => {
          const connection = await openWriter(t, open)
          await connection.exec(SCHEMA)
          const batch = connection.batch([insert('x'), bad, insert('y')], { isAtomic })
          await assert.rejects(batch, { ...error, index: 1 })
          assert.equal(connection.inTransaction, false)
          assert.equal(await connection.get(COUNT, [], pluck), isAtomic ? 0 : 1)
        })
      }

      it(`refuses a function as an argument with its number (isAtomic ${isAtomic})`, async (t) => {
        const connection = await openWriter(t, open)
        await connection.exec(SCHEMA)
        const batch = connection.batch([insert('x'), insert(() => 1)], { isAtomic })
        await assert.rejects(batch, { name: 'TypeError', index: 1 })
        assert.equal(await connection.get('SELECT 1', [], pluck), 1)
      })

      it(`sees that the connection is altered (isAtomic ${isAtomic})`, async (t) => {
        const connection = await openWriter(t, open)
        await connection.batch([{ sql: 'SELECT 1' }], { isAtomic })
        assert.equal(connection.isAltered, false)
        await connection.batch([{ sql: 'CREATE TEMP TABLE x (a)' }], { isAtomic })
        assert.equal(connection.isAltered, true)
      })
    }

    it('gives integers as BigInt if asked', async (t) => {
      const connection = await openWriter(t, open)
      await connection.exec(SCHEMA)
      const statements = [
        { sql: 'SELECT 1 AS a' },
        { sql: 'INSERT INTO t (a) VALUES (1) RETURNING id' },
      ]
      const results = await connection.batch(statements, { isAtomic: true }, { safeIntegers: true })
      assert.deepEqual(results, [
        { rows: [{ a: 1n }], changes: 0, lastInsertRowid: 0 },
        { rows: [{ id: 1n }], changes: 1, lastInsertRowid: 1n },
      ])
    })

    it('is not limited', async (t) => {
      const connection = await openWriter(t, open)
      const call = { maxRows: 1, maxBytes: 1 }
      const [result] = await connection.batch(
        [{ sql: 'VALUES (1), (2)' }],
        { isAtomic: true },
        call,
      )
      assert.equal(result?.rows.length, 2)
    })

    it('rolls back when COMMIT fails, and its error has no number', async (t) => {
      const connection = await openWriter(t, open)
      await connection.exec(SCHEMA)
      const orphan = { sql: 'INSERT INTO child VALUES (9)' }
      await assert.rejects(connection.batch([insert(1), orphan], { isAtomic: true }), (error) => {
        assert.equal((error as NodeJS.ErrnoException).code, 'SQLITE_CONSTRAINT_FOREIGNKEY')
        assert.equal(Object.hasOwn(error as object, 'index'), false)
        return true
      })
      assert.equal(connection.inTransaction, false)
      assert.equal(await connection.get(COUNT, [], pluck), 0)
    })

    it('leaves a transaction alone that it did not begin', async (t) => {
      const connection = await openWriter(t, open)
      await connection.exec(SCHEMA)
      await connection.exec('BEGIN; INSERT INTO t (a) VALUES (1)')
      await assert.rejects(connection.batch([insert(2)], { isAtomic: true }), (error) => {
        assert.match((error as Error).message, /within a transaction/)
        assert.equal(Object.hasOwn(error as object, 'index'), false)
        return true
      })
      assert.equal(connection.inTransaction, true)
      assert.equal(await connection.get(COUNT, [], pluck), 1)
    })

    it('reads one moment on a reader, which it leaves outside a transaction', async (t) => {
      const [writer, reader] = await openConnections(t, open, ['writer', 'reader'])
      await writer!.exec(SCHEMA)
      const reads = [{ sql: COUNT }, { sql: COUNT }]
      const results = await reader!.batch(reads, { isAtomic: true })
      assert.deepEqual(results[0], results[1])
      const write = reader!.batch([{ sql: COUNT }, insert(1)], { isAtomic: true })
      await assert.rejects(write, { code: 'SQLITE_READONLY', index: 1 })
      assert.equal(reader!.inTransaction, false)
    })
  })
}
