import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Role } from '../../telemetry/stats.ts'
import type { Connection, Row } from '../pool/connection.ts'
import { tempDatabase, tempDir } from '../testing/temp-db.ts'
import type { SqliteOptions } from './options.ts'
import {
  COUNT_TO,
  executions,
  openConnections,
  openWriter,
  sqliteOptions,
} from './testing/connections.ts'

for (const { name, open } of executions) {
  const opened = (t: TestContext, roles: readonly Role[]): Promise<Connection[]> =>
    openConnections(t, open, roles)
  const writer = (t: TestContext, overrides?: Partial<SqliteOptions>): Promise<Connection> =>
    openWriter(t, open, overrides)

  describe(name, () => {
    describe('values', () => {
      const values: { name: string; bound: unknown; back: unknown }[] = [
        { name: 'an integer', bound: 7, back: 7 },
        { name: 'a real', bound: 1.5, back: 1.5 },
        { name: 'a bigint', bound: 2n ** 52n, back: 2 ** 52 },
        { name: 'a text with NUL, quotes and emoji', bound: 'a\0"\'🐟', back: 'a\0"\'🐟' },
        { name: 'null', bound: null, back: null },
        { name: 'undefined', bound: undefined, back: null },
        { name: 'a Buffer', bound: Buffer.from([0, 255]), back: Buffer.from([0, 255]) },
        { name: 'an empty Buffer', bound: Buffer.alloc(0), back: Buffer.alloc(0) },
        { name: 'a Uint8Array', bound: new Uint8Array([1, 2]), back: Buffer.from([1, 2]) },
        {
          name: 'a window on a larger array',
          bound: new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
          back: Buffer.from([2, 3]),
        },
      ]
      for (const { name: value, bound, back } of values) {
        it(`takes and returns ${value}`, async (t) => {
          const connection = await writer(t)
          assert.deepEqual(await connection.get('SELECT ? AS x', [bound]), { x: back })
          assert.deepEqual(await connection.all('SELECT $x AS x', [{ x: bound }]), [{ x: back }])
          const cursor = await connection.iterate('SELECT ? AS x', [bound])
          assert.deepEqual(await cursor.next(), [{ x: back }])
        })
      }

      it('binds a bigint beyond 2⁵³ exactly', async (t) => {
        const connection = await writer(t)
        const row = await connection.get('SELECT CAST(? AS TEXT) AS x', [2n ** 62n + 1n])
        assert.deepEqual(row, { x: String(2n ** 62n + 1n) })
      })

      const unbindable: { name: string; value: unknown }[] = [
        { name: 'a function', value: () => 1 },
        { name: 'a symbol', value: Symbol('x') },
        { name: 'a Date', value: new Date(0) },
        { name: 'a Map', value: new Map() },
        {
          name: 'an instance of a class',
          value: new (class {
            x = 1
          })(),
        },
        { name: 'a boolean', value: true },
        { name: 'an object with a function', value: { x: () => 1 } },
      ]
      for (const { name: what, value } of unbindable) {
        it(`refuses ${what} with a TypeError and stays usable`, async (t) => {
          const connection = await writer(t)
          const [refused, beside] = await Promise.allSettled([
            connection.get('SELECT $x AS x', [value]),
            connection.get('SELECT 1 AS x', []),
          ])
          assert.equal(refused.status, 'rejected')
          assert.ok(refused.reason instanceof TypeError, String(refused.reason))
          assert.deepEqual(beside, { status: 'fulfilled', value: { x: 1 } })
        })
      }
    })

    describe('rows', () => {
      it('are plain objects in the order of the columns', async (t) => {
        const connection = await writer(t)
        const row = await connection.get('SELECT 2 AS b, 1 AS a', [])
        assert.deepEqual(Object.entries(row!), [
          ['b', 2],
          ['a', 1],
        ])
        assert.equal(Object.getPrototypeOf(row), Object.prototype)
      })

      it('have the last of two columns with one name', async (t) => {
        const connection = await writer(t)
        assert.deepEqual(await connection.all('SELECT 1 AS a, 2 AS a', []), [{ a: 2 }])
      })

      it('are not poisoned by a column named __proto__', async (t) => {
        const connection = await writer(t)
        const row = await connection.get('SELECT 1 AS "__proto__", 2 AS a', [])
        assert.equal(Object.getPrototypeOf(row), Object.prototype)
        assert.equal((row as Row)['a'], 2)
      })

      it('have names with quotes, spaces and line ends as they are', async (t) => {
        const connection = await writer(t)
        const row = await connection.get(`SELECT 1 AS "a""b' \n\`\${x}", 2 AS "\u2028"`, [])
        assert.deepEqual(row, { 'a"b\' \n`${x}': 1, '\u2028': 2 })
      })

      it('are absent when there are none', async (t) => {
        const connection = await writer(t)
        assert.equal(await connection.get('SELECT 1 WHERE 0', []), undefined)
        assert.deepEqual(await connection.all('SELECT 1 WHERE 0', []), [])
      })

      it('follow a change of the schema under a cached statement', async (t) => {
        const [first, second] = await opened(t, ['writer', 'reader'])
        await first!.exec('CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 2)')
        assert.deepEqual(await second!.all('SELECT * FROM t', []), [{ a: 1, b: 2 }])
        await first!.exec('ALTER TABLE t RENAME COLUMN b TO c')
        assert.deepEqual(await second!.all('SELECT * FROM t', []), [{ a: 1, c: 2 }])
      })
    })

    describe('statements', () => {
      it('take positional and named arguments', async (t) => {
        const connection = await writer(t)
        assert.deepEqual(await connection.get('SELECT ? AS a, ? AS b', [1, 'x']), { a: 1, b: 'x' })
        assert.deepEqual(await connection.get('SELECT $a AS a, @b AS b', [{ a: 1, b: 2 }]), {
          a: 1,
          b: 2,
        })
        assert.deepEqual(await connection.get('SELECT ? AS a, $b AS b', [1, { b: 2 }]), {
          a: 1,
          b: 2,
        })
      })

      it('tell how many rows they changed and the last row id', async (t) => {
        const connection = await writer(t)
        await connection.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, a)')
        const result = await connection.run('INSERT INTO t (a) VALUES (?), (?)', [1, 2])
        assert.deepEqual(result, { changes: 2, lastInsertRowid: 2 })
      })

      it('run in the order of their calls', async (t) => {
        const connection = await writer(t)
        await connection.exec('CREATE TABLE t (a)')
        const answers = await Promise.all([
          connection.run('INSERT INTO t VALUES (1)', []),
          connection.get('SELECT count(*) AS n FROM t', []),
          connection.exec('INSERT INTO t VALUES (2)'),
          connection.get('SELECT count(*) AS n FROM t', []),
        ])
        assert.deepEqual([answers[1], answers[3]], [{ n: 1 }, { n: 2 }])
      })

      it('answer a pragma through all()', async (t) => {
        const connection = await writer(t)
        assert.deepEqual(await connection.all('PRAGMA user_version', []), [{ user_version: 0 }])
      })

      it('serve more different texts than the cache holds', async (t) => {
        const connection = await writer(t, { statementCacheSize: 2 })
        for (const i of [1, 2, 3, 1, 2, 3]) {
          assert.deepEqual(await connection.get(`SELECT ${i} AS x`, []), { x: i })
        }
      })
    })

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

    describe('cursors', () => {
      it('give every row once, in batches of at most 256', async (t) => {
        const connection = await writer(t)
        const cursor = await connection.iterate(COUNT_TO, [1000])
        const sizes: number[] = []
        const rows: unknown[] = []
        for (let batch = await cursor.next(); batch !== undefined; batch = await cursor.next()) {
          sizes.push(batch.length)
          rows.push(...batch)
        }
        assert.deepEqual(
          rows.map((row) => (row as Row)['i']),
          Array.from({ length: 1000 }, (_, i) => i + 1),
        )
        assert.ok(Math.max(...sizes) <= 256 && sizes.length > 3, sizes.join())
        assert.equal(connection.openCursorCount, 0)
        assert.equal(await cursor.next(), undefined)
      })

      it('are not open when all rows came at once', async (t) => {
        const connection = await writer(t)
        const cursor = await connection.iterate(COUNT_TO, [3])
        assert.equal(connection.openCursorCount, 0)
        assert.equal((await cursor.next())?.length, 3)
        assert.equal(await cursor.next(), undefined)
      })

      it('free the connection for writing when closed early', async (t) => {
        const connection = await writer(t)
        await connection.exec('CREATE TABLE t (a)')
        const cursor = await connection.iterate(COUNT_TO, [1000])
        assert.equal(connection.openCursorCount, 1)
        await assert.rejects(connection.run('INSERT INTO t VALUES (1)', []), { name: 'TypeError' })
        await cursor.close()
        await cursor.close()
        assert.equal(connection.openCursorCount, 0)
        assert.equal(await cursor.next(), undefined)
        await connection.run('INSERT INTO t VALUES (1)', [])
      })

      it('do not disturb a second use of the same text', async (t) => {
        const connection = await writer(t)
        const first = await connection.iterate(COUNT_TO, [1000])
        const second = await connection.iterate(COUNT_TO, [500])
        assert.equal((await connection.all(COUNT_TO, [20])).length, 20)
        assert.deepEqual((await first.next())?.[0], { i: 1 })
        assert.deepEqual((await second.next())?.[0], { i: 1 })
      })

      it('end with the error of a row and leave nothing open', async (t) => {
        const connection = await writer(t)
        const cursor = await connection.iterate(
          `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
           SELECT CASE WHEN i < 100 THEN i ELSE abs(-9223372036854775808) END AS x FROM n`,
          [],
        )
        const drained = (async () => {
          while ((await cursor.next()) !== undefined);
        })()
        await assert.rejects(drained, { code: 'SQLITE_ERROR', message: /integer overflow/ })
        await connection.exec('CREATE TABLE t (a)')
        assert.equal(connection.openCursorCount, 0)
      })
    })

    describe('inTransaction', () => {
      it('follows BEGIN, COMMIT and a statement that rolls back by itself', async (t) => {
        const connection = await writer(t)
        await connection.exec('CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)')
        assert.equal(connection.inTransaction, false)
        await connection.exec('BEGIN IMMEDIATE')
        assert.equal(connection.inTransaction, true)
        await connection.exec('COMMIT')
        assert.equal(connection.inTransaction, false)
        await connection.exec('BEGIN')
        await assert.rejects(connection.run('INSERT OR ROLLBACK INTO t VALUES (1)', []))
        assert.equal(connection.inTransaction, false)
      })
    })

    describe('reset', () => {
      it('does nothing on a clean connection', async (t) => {
        const connection = await writer(t)
        const report = await connection.reset()
        assert.deepEqual(report, { hadTransaction: false, openCursorCount: 0 })
      })

      it('rolls back and closes every cursor', async (t) => {
        const connection = await writer(t)
        await connection.exec('CREATE TABLE t (a)')
        await connection.exec('BEGIN; INSERT INTO t VALUES (1)')
        const cursor = await connection.iterate(COUNT_TO, [1000])
        await connection.iterate(COUNT_TO, [1000])
        const report = await connection.reset()
        assert.deepEqual(report, { hadTransaction: true, openCursorCount: 2 })
        assert.equal(connection.inTransaction, false)
        assert.equal(connection.openCursorCount, 0)
        assert.deepEqual(await connection.get('SELECT count(*) AS n FROM t', []), { n: 0 })
        await connection.run('INSERT INTO t VALUES (2)', [])
        await cursor.next()
        await assert.rejects(cursor.next(), { name: 'TypeError', message: 'The cursor is closed' })
      })

      const traces = [
        {
          name: 'a changed pragma',
          leave: (c: Connection) =>
            c.all('PRAGMA foreign_keys = OFF', []).catch(() => c.exec('PRAGMA foreign_keys = OFF')),
          look: 'SELECT foreign_keys AS x FROM pragma_foreign_keys',
          clean: [{ x: 1 }],
        },
        {
          name: 'a temporary table',
          leave: (c: Connection) => c.exec('CREATE TEMP TABLE leftover (a)'),
          look: `SELECT name AS x FROM pragma_table_list WHERE name = 'leftover'`,
          clean: [],
        },
        {
          name: 'an attached database',
          leave: (c: Connection) => c.run(`ATTACH ':memory:' AS other`, []),
          look: `SELECT name AS x FROM pragma_database_list WHERE name = 'other'`,
          clean: [],
        },
      ]
      for (const { name: trace, leave, look, clean } of traces) {
        it(`removes ${trace}`, async (t) => {
          const connection = await writer(t)
          await leave(connection)
          assert.notDeepEqual(await connection.all(look, []), clean)
          await connection.reset()
          assert.deepEqual(await connection.all(look, []), clean)
        })
      }
    })

    describe('a reader', () => {
      const refused = [
        { sql: 'INSERT INTO t VALUES (1)', code: 'SQLITE_READONLY' },
        { sql: 'CREATE TABLE u (a)', code: 'SQLITE_READONLY' },
        { sql: 'CREATE TEMP TABLE u (a)', code: 'SQLITE_READONLY' },
        { sql: 'BEGIN IMMEDIATE', code: 'SQLITE_READONLY' },
      ]
      for (const { sql, code } of refused) {
        it(`refuses ${sql}`, async (t) => {
          const [first, reader] = await opened(t, ['writer', 'reader'])
          await first!.exec('CREATE TABLE t (a)')
          await assert.rejects(reader!.exec(sql), { name: 'SqliteError', code })
          await assert.rejects(reader!.run(sql, []), { name: 'SqliteError', code })
        })
      }

      it('cannot be talked into writing by switching query_only off', async (t) => {
        const [first, reader] = await opened(t, ['writer', 'reader'])
        await first!.exec('CREATE TABLE t (a)')
        await reader!.exec('PRAGMA query_only = OFF')
        await assert.rejects(reader!.exec('INSERT INTO t VALUES (1)'), { code: 'SQLITE_READONLY' })
        await reader!.reset()
        const row = await reader!.get('PRAGMA query_only', [])
        assert.deepEqual(row, { query_only: 1 })
      })

      it('reads what the writer committed before', async (t) => {
        const [first, reader] = await opened(t, ['writer', 'reader'])
        await first!.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
        assert.deepEqual(await reader!.all('SELECT a FROM t', []), [{ a: 1 }])
      })

      it('of a database in memory is refused', async () => {
        await assert.rejects(open('reader', sqliteOptions(':memory:')), {
          name: 'TypeError',
          message: /in memory/,
        })
      })

      it('does not create a database that does not exist', async (t) => {
        const opening = open('reader', sqliteOptions(tempDatabase(t)))
        await assert.rejects(opening, { name: 'SqliteError', code: 'SQLITE_CANTOPEN' })
      })
    })

    describe('opening', () => {
      const failures = [
        {
          name: 'a directory',
          path: (dir: string) => dir,
          error: { name: 'SqliteError', code: /^SQLITE_CANTOPEN/ },
        },
        {
          name: 'a file that is not a database',
          path: (dir: string) => {
            writeFileSync(join(dir, 'x'), 'not a database, not at all, but long enough'.repeat(50))
            return join(dir, 'x')
          },
          error: { name: 'SqliteError', code: 'SQLITE_NOTADB' },
        },
        {
          name: 'a directory that does not exist',
          path: (dir: string) => join(dir, 'nowhere', 'x'),
          error: { name: 'TypeError', message: /directory does not exist/ },
        },
        {
          name: 'a blank path',
          path: () => ' ',
          error: { name: 'TypeError', message: /in memory/ },
        },
      ]
      for (const { name: what, path, error } of failures) {
        it(`refuses ${what}`, async (t) => {
          const directory = join(tempDir(t), 'd')
          mkdirSync(directory)
          await assert.rejects(open('writer', sqliteOptions(path(directory))), (caught: object) => {
            for (const [key, value] of Object.entries(error)) {
              const actual = String((caught as Record<string, unknown>)[key])
              if (value instanceof RegExp) assert.match(actual, value)
              else assert.equal(actual, value)
            }
            return true
          })
        })
      }

      it('opens a reader on a database whose log is gone', async (t) => {
        const options = sqliteOptions(tempDatabase(t))
        const first = await open('writer', options)
        await first.exec('CREATE TABLE t (a)')
        await first.close()
        const [again, reader] = [await open('writer', options), await open('reader', options)]
        t.after(async () => {
          await reader.close()
          await again.close()
        })
        assert.deepEqual(await reader.all('SELECT * FROM t', []), [])
      })
    })

    describe('close', () => {
      it('is idempotent and leaves no log behind', async (t) => {
        const path = tempDatabase(t)
        const connection = await open('writer', sqliteOptions(path))
        await connection.exec('CREATE TABLE t (a)')
        await connection.iterate(COUNT_TO, [1000])
        await Promise.all([connection.close(), connection.close()])
        await connection.close()
        const { existsSync } = await import('node:fs')
        assert.equal(existsSync(`${path}-wal`), false)
      })

      it('answers the calls made before and refuses those made after', async (t) => {
        const connection = await open('writer', sqliteOptions(tempDatabase(t)))
        const before = connection.get('SELECT 1 AS x', [])
        const closed = connection.close()
        const error = { name: 'TypeError', message: 'The database connection is not open' }
        await assert.rejects(connection.get('SELECT 1', []), error)
        await assert.rejects(connection.exec('SELECT 1'), error)
        await assert.rejects(connection.reset(), error)
        assert.deepEqual(await before, { x: 1 })
        await closed
        assert.equal(connection.inTransaction, false)
      })

      it('keeps neither a transaction nor the lock', async (t) => {
        const options = sqliteOptions(tempDatabase(t))
        const first = await open('writer', options)
        await first.exec('CREATE TABLE t (a)')
        await first.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
        await first.close()
        const second = await open('writer', options)
        t.after(() => second.close())
        assert.deepEqual(await second.all('SELECT * FROM t', []), [])
        await second.exec('BEGIN IMMEDIATE')
      })
    })

    it('does not keep the process alive when nobody closes it', async (t) => {
      const path = tempDatabase(t)
      const script = `
        const { openInlineConnection } = await import('${new URL('./inline.ts', import.meta.url).href}')
        const { openThreadConnection } = await import('${new URL('./thread/client.ts', import.meta.url).href}')
        const c = await ${name}('writer', ${JSON.stringify(sqliteOptions(path))})
        await c.exec('CREATE TABLE t (a)')
        await c.iterate('SELECT 1 UNION SELECT 2', [])
        await Promise.allSettled([c.get('SELECT ' + 1, []), c.exec('nonsense'), c.get('SELECT ?', [() => 1])])
        process.stdout.write(JSON.stringify(await c.all('SELECT count(*) AS n FROM t', [])))`
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: 20_000,
      })
      let output = ''
      child.stdout.on('data', (chunk) => (output += String(chunk)))
      const [code] = await once(child, 'close')
      assert.equal(output, '[{"n":0}]')
      assert.equal(code, 0)
    })
  })
}
