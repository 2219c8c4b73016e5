import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection } from '../pool/connection.ts'
import { PragmaRefusedError } from './errors.ts'
import { executions, openConnections, openWriter } from './testing/connections.ts'

const refused = [
  'PRAGMA journal_mode = DELETE',
  'pragma Journal_Mode=wal',
  'PRAGMA main.journal_mode = delete',
  'PRAGMA journal_mode(delete)',
  'PRAGMA locking_mode = EXCLUSIVE',
  'PRAGMA main.locking_mode(exclusive)',
  'PRAGMA "locking_mode" = exclusive',
  `PRAGMA 'locking_mode' = exclusive`,
  'PRAGMA [main].`locking_mode`(exclusive)',
  '-- why\n/* a; b */ PRAGMA/**/locking_mode -- x\n= exclusive',
  'EXPLAIN PRAGMA locking_mode = exclusive',
  '\ufeffPRAGMA locking_mode = exclusive',
]
const allowed = [
  'PRAGMA journal_mode',
  'PRAGMA main.locking_mode',
  'SELECT * FROM pragma_journal_mode',
  `SELECT 'x; PRAGMA journal_mode = delete'`,
  'SELECT 1 -- ; PRAGMA journal_mode = delete',
  'SELECT 1 AS journal_mode WHERE 1 = (1)',
]
const verbs: { name: string; call: (c: Connection, sql: string) => Promise<unknown> }[] = [
  { name: 'get', call: (c, sql) => c.get(sql, []) },
  { name: 'all', call: (c, sql) => c.all(sql, []) },
  { name: 'run', call: (c, sql) => c.run(sql, []) },
  { name: 'iterate', call: (c, sql) => c.iterate(sql, []) },
  { name: 'exec', call: (c, sql) => c.exec(sql) },
  { name: 'columns', call: (c, sql) => c.columns(sql) },
  { name: 'batch', call: (c, sql) => c.batch([{ sql }], { isAtomic: false }) },
]
const isRefusal = (error: unknown): true => {
  assert.ok(error instanceof PragmaRefusedError, String(error))
  assert.equal(error.code, 'PRAGMA_REFUSED')
  return true
}

for (const { name: execution, open } of executions) {
  describe(`${execution}: pragmas for the whole file`, () => {
    it('are refused by every verb, however they are written, on both roles', async (t) => {
      const connections = await openConnections(t, open, ['writer', 'reader'])
      for (const connection of connections) {
        for (const sql of refused) {
          for (const { name, call } of verbs) {
            await assert.rejects(call(connection, sql), isRefusal, `${name}: ${sql}`)
          }
        }
        const modes = { journal_mode: 'wal', locking_mode: 'normal' }
        for (const [pragma, mode] of Object.entries(modes)) {
          assert.deepEqual(await connection.get(`PRAGMA ${pragma}`, []), { [pragma]: mode })
        }
        assert.equal(connection.isAltered, false)
      }
    })

    for (const sql of allowed) {
      it(`may be asked: ${sql}`, async (t) => {
        const connection = await openWriter(t, open)
        assert.equal((await connection.all(sql, [])).length, 1)
        await connection.exec(sql)
      })
    }

    it('are refused before anything of their script or batch runs', async (t) => {
      const connection = await openWriter(t, open)
      const script = 'CREATE TABLE t (a); PRAGMA locking_mode = exclusive; CREATE TABLE u (a)'
      await assert.rejects(connection.exec(script), isRefusal)
      for (const isAtomic of [true, false]) {
        const statements = script.split(';').map((sql) => ({ sql }))
        await assert.rejects(connection.batch(statements, { isAtomic }), (error) => {
          assert.equal((error as { index?: number }).index, 1)
          return isRefusal(error)
        })
      }
      assert.deepEqual(await connection.all('SELECT name FROM sqlite_schema', []), [])
      assert.equal(connection.inTransaction, false)
    })
  })
}
