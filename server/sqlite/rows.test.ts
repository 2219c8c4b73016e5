import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Role } from '../../telemetry/stats.ts'
import type { Connection, Row } from '../pool/connection.ts'
import { executions, openConnections, openWriter } from './testing/connections.ts'

for (const { name, open } of executions) {
  const opened = (t: TestContext, roles: readonly Role[]): Promise<Connection[]> =>
    openConnections(t, open, roles)
  const writer = (t: TestContext): Promise<Connection> => openWriter(t, open)

  describe(name, () => {
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
  })
}
