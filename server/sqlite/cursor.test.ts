import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Connection, Row } from '../pool/connection.ts'
import { COUNT_TO, executions, openWriter } from './testing/connections.ts'

for (const { name, open } of executions) {
  const writer = (t: TestContext): Promise<Connection> => openWriter(t, open)

  describe(name, () => {
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
  })
}
