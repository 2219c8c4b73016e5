import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Connection } from '../pool/connection.ts'
import { tempDatabase } from '../testing/temp-db.ts'
import { executions, openWriter, sqliteOptions } from './testing/connections.ts'

for (const { name, open } of executions) {
  const writer = (t: TestContext): Promise<Connection> => openWriter(t, open)

  describe(name, () => {
    describe('errors', () => {
      const SCHEMA = `
        CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
        CREATE TABLE child (
          parent_id INTEGER NOT NULL REFERENCES parent (id),
          price INTEGER CHECK (price >= 0)
        );
        INSERT INTO parent VALUES (1, 'one')`
      const failures = [
        { sql: `INSERT INTO parent VALUES (2, 'one')`, code: 'SQLITE_CONSTRAINT_UNIQUE' },
        { sql: `INSERT INTO parent VALUES (1, 'x')`, code: 'SQLITE_CONSTRAINT_PRIMARYKEY' },
        { sql: 'INSERT INTO child VALUES (9, 1)', code: 'SQLITE_CONSTRAINT_FOREIGNKEY' },
        { sql: 'INSERT INTO child VALUES (1, -1)', code: 'SQLITE_CONSTRAINT_CHECK' },
        { sql: 'INSERT INTO child VALUES (NULL, 1)', code: 'SQLITE_CONSTRAINT_NOTNULL' },
        { sql: 'INSERT INTO nowhere VALUES (1)', code: 'SQLITE_ERROR' },
      ]
      for (const { sql, code } of failures) {
        it(`have the code ${code} from run() and exec()`, async (t) => {
          const connection = await writer(t)
          await connection.exec(SCHEMA)
          const expected = { name: 'SqliteError', code, message: /constraint failed|no such table/ }
          await assert.rejects(connection.run(sql, []), expected)
          await assert.rejects(connection.exec(sql), expected)
          assert.deepEqual(await connection.get('SELECT count(*) AS n FROM parent', []), { n: 1 })
        })
      }

      const misuses: { name: string; call: (c: Connection) => Promise<unknown>; error: object }[] =
        [
          {
            name: 'all() of a statement without rows',
            call: (c) => c.all('CREATE TABLE u (a)', []),
            error: { name: 'TypeError', message: /does not return data/ },
          },
          {
            name: 'too few arguments',
            call: (c) => c.all('SELECT ?', []),
            error: { name: 'RangeError', message: /Too few/ },
          },
          {
            name: 'two statements in get()',
            call: (c) => c.get('SELECT 1; SELECT 2', []),
            error: { name: 'RangeError', message: /more than one statement/ },
          },
          {
            name: 'SQL that is not a string',
            call: (c) => c.all(7 as unknown as string, []),
            error: { name: 'TypeError' },
          },
        ]
      for (const { name: misuse, call, error } of misuses) {
        it(`keep the driver's class and words for ${misuse}`, async (t) => {
          const connection = await writer(t)
          await assert.rejects(call(connection), error)
          assert.deepEqual(await connection.get('SELECT 1 AS x', []), { x: 1 })
        })
      }

      it('are SQLITE_BUSY while another connection writes', async (t) => {
        const path = tempDatabase(t)
        const first = await open('writer', sqliteOptions(path))
        const second = await open('writer', sqliteOptions(path))
        t.after(() => Promise.all([first.close(), second.close()]))
        await first.exec('BEGIN IMMEDIATE')
        await assert.rejects(second.exec('BEGIN IMMEDIATE'), { code: 'SQLITE_BUSY' })
        await first.exec('COMMIT')
        await second.exec('BEGIN IMMEDIATE')
      })
    })
  })
}
