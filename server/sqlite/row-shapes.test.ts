import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection, StatementOptions } from '../pool/connection.ts'
import { COUNT_TO, executions, openConnections, openWriter } from './testing/connections.ts'

const BIG = 2n ** 62n + 1n
const SQL = `SELECT ${BIG} AS a, 'x' AS b, x'01' AS c`
const blob = Buffer.from([1])

const shapes: { name: string; call: StatementOptions; row: unknown }[] = [
  { name: 'the default', call: {}, row: { a: Number(BIG), b: 'x', c: blob } },
  { name: 'objects', call: { rows: 'objects' }, row: { a: Number(BIG), b: 'x', c: blob } },
  { name: 'raw', call: { rows: 'raw' }, row: [Number(BIG), 'x', blob] },
  { name: 'pluck', call: { rows: 'pluck' }, row: Number(BIG) },
  { name: 'safe integers', call: { safeIntegers: true }, row: { a: BIG, b: 'x', c: blob } },
  {
    name: 'raw safe integers',
    call: { rows: 'raw', safeIntegers: true },
    row: [BIG, 'x', blob],
  },
  { name: 'plucked safe integers', call: { rows: 'pluck', safeIntegers: true }, row: BIG },
]

const verbs: {
  name: string
  first: (c: Connection, call: StatementOptions) => Promise<unknown>
}[] = [
  { name: 'get', first: (c, call) => c.get(SQL, [], call) },
  { name: 'all', first: async (c, call) => (await c.all(SQL, [], call))[0] },
  {
    name: 'iterate',
    first: async (c, call) => (await (await c.iterate(SQL, [], call)).next())?.[0],
  },
]

for (const { name: execution, open } of executions) {
  describe(`${execution}: the shape of rows`, () => {
    for (const verb of verbs) {
      it(`is that of each use of ${verb.name}(), whatever the one before was`, async (t) => {
        const connection = await openWriter(t, open)
        for (const before of shapes) {
          for (const { name, call, row } of shapes) {
            await verb.first(connection, before.call)
            assert.deepEqual(
              await verb.first(connection, call),
              row,
              `${name} after ${before.name}`,
            )
          }
        }
      })
    }

    it('plucks null, blobs and texts, and nothing from no row', async (t) => {
      const connection = await openWriter(t, open)
      const pluck = { rows: 'pluck' } as const
      const rows = await connection.all(`VALUES (NULL), (x'0102'), ('a'), (1.5)`, [], pluck)
      assert.deepEqual(rows, [null, Buffer.from([1, 2]), 'a', 1.5])
      assert.equal(await connection.get('SELECT NULL', [], pluck), null)
      assert.equal(await connection.get('SELECT 1 WHERE 0', [], pluck), undefined)
      assert.deepEqual(await connection.all('SELECT 1 WHERE 0', [], pluck), [])
    })

    it('keeps both of two columns with one name when raw', async (t) => {
      const connection = await openWriter(t, open)
      assert.deepEqual(await connection.get('SELECT 1 AS a, 2 AS a', [], { rows: 'raw' }), [1, 2])
    })

    it('is kept by a cursor while the same text is used otherwise', async (t) => {
      const connection = await openWriter(t, open)
      const cursor = await connection.iterate(COUNT_TO, [40], { rows: 'pluck' })
      assert.deepEqual(await connection.all(COUNT_TO, [1], { rows: 'raw' }), [[1]])
      assert.equal((await cursor.next())?.[0], 1)
      assert.deepEqual(await connection.all(COUNT_TO, [1]), [{ i: 1 }])
      assert.equal((await cursor.next())?.[0], 17)
    })

    it('leaves a statement without rows alone; its row id is a BigInt if asked', async (t) => {
      const connection = await openWriter(t, open)
      await connection.exec('CREATE TABLE t (id INTEGER PRIMARY KEY)')
      const insert = 'INSERT INTO t VALUES (?)'
      const safe = await connection.run(insert, [BIG], { rows: 'raw', safeIntegers: true })
      assert.deepEqual(safe, { changes: 1, lastInsertRowid: BIG })
      const plain = await connection.run(insert, [1])
      assert.deepEqual(plain, { changes: 1, lastInsertRowid: 1 })
    })
  })

  describe(`${execution}: columns()`, () => {
    it('tells where each column comes from', async (t) => {
      const connection = await openWriter(t, open)
      await connection.exec('CREATE TABLE t (a INTEGER)')
      assert.deepEqual(await connection.columns('SELECT a AS x, a + 1 AS y FROM t'), [
        { name: 'x', column: 'a', table: 't', database: 'main', type: 'INTEGER' },
        { name: 'y', column: null, table: null, database: null, type: null },
      ])
    })

    it('does not run the statement', async (t) => {
      const connection = await openWriter(t, open)
      await connection.exec('CREATE TABLE t (a)')
      await connection.columns('INSERT INTO t VALUES (1) RETURNING a')
      assert.deepEqual(await connection.all('SELECT * FROM t', []), [])
    })

    it('follows a change of the schema', async (t) => {
      const [writer, reader] = await openConnections(t, open, ['writer', 'reader'])
      await writer!.exec('CREATE TABLE t (a)')
      assert.equal((await reader!.columns('SELECT * FROM t')).length, 1)
      await writer!.exec('ALTER TABLE t ADD COLUMN b')
      assert.equal((await reader!.columns('SELECT * FROM t')).length, 2)
    })

    const failures = [
      {
        sql: 'CREATE TABLE u (a)',
        error: { name: 'TypeError', message: /statements that return data/ },
      },
      { sql: 'SELECT * FROM nowhere', error: { code: 'SQLITE_ERROR' } },
      { sql: 'PRAGMA locking_mode = exclusive', error: { code: 'PRAGMA_REFUSED' } },
      { sql: 7 as unknown as string, error: { name: 'TypeError' } },
    ]
    for (const { sql, error } of failures) {
      it(`refuses ${JSON.stringify(sql)}`, async (t) => {
        await assert.rejects((await openWriter(t, open)).columns(sql), error)
      })
    }

    it('knows that compiling a pragma may be enough to change it', async (t) => {
      const connection = await openWriter(t, open)
      await connection.columns('PRAGMA foreign_keys = 0').catch(() => null)
      assert.deepEqual(await connection.get('PRAGMA foreign_keys', []), { foreign_keys: 0 })
      assert.ok(connection.isAltered)
    })
  })
}
