import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Role } from '../../telemetry/stats.ts'
import type { Connection } from '../pool/connection.ts'
import { tempDatabase } from '../testing/temp-db.ts'
import { executions, openConnections, sqliteOptions } from './testing/connections.ts'

for (const { name, open } of executions) {
  const opened = (t: TestContext, roles: readonly Role[]): Promise<Connection[]> =>
    openConnections(t, open, roles)

  describe(name, () => {
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
  })
}
