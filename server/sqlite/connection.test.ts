import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Connection } from '../pool/connection.ts'
import { tempDatabase, tempDir } from '../testing/temp-db.ts'
import type { SqliteOptions } from './options.ts'
import { COUNT_TO, executions, openWriter, sqliteOptions } from './testing/connections.ts'

for (const { name, open } of executions) {
  const writer = (t: TestContext, overrides?: Partial<SqliteOptions>): Promise<Connection> =>
    openWriter(t, open, overrides)

  describe(name, () => {
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
