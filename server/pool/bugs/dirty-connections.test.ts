import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ConnectionPool } from '../../connection-pool.ts'
import { createPool } from '../../create-pool.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import type { AcquireMode } from '../acquire-request.ts'
import type { Row } from '../connection.ts'
import type { Lease } from '../lease.ts'
import { onEveryPool } from './testing/every-pool.ts'

onEveryPool(
  'what one caller leaves open is not there for the next',
  { size: 1, isChecked: true },
  async ({ acquire }) => {
    const first = await acquire()
    await first.connection.exec('BEGIN')
    await first.connection.iterate('SELECT', [])
    await first.release()
    const second = await acquire()
    assert.equal(second.connection.inTransaction, false, 'no transaction of another caller is open')
    assert.equal(second.connection.openCursorCount, 0)
  },
)

/** What a connection keeps between statements, as far as SQLite tells. */
const KEPT = [
  'automatic_index',
  'busy_timeout',
  'cache_size',
  'cache_spill',
  'database_list',
  'defer_foreign_keys',
  'foreign_keys',
  'ignore_check_constraints',
  'journal_mode',
  'journal_size_limit',
  'locking_mode',
  'query_only',
  'read_uncommitted',
  'recursive_triggers',
  'reverse_unordered_selects',
  'synchronous',
  'temp_store',
  'trusted_schema',
  'wal_autocheckpoint',
  'writable_schema',
]

async function fingerprint(pool: ConnectionPool, mode: AcquireMode): Promise<Row[]> {
  return pool.withConnection(
    async (db) => {
      const rows: Row[] = [{ isInTransaction: db.inTransaction }]
      // First, as looking for what is temporary makes a place for it.
      rows.push(...(await db.all('SELECT name FROM temp.sqlite_schema')))
      for (const name of KEPT) rows.push(...(await db.all(`PRAGMA ${name}`)))
      rows.push(...(await db.all("SELECT 'a' LIKE 'A' AS folds, count(*) AS count FROM entry")))
      return rows
    },
    { mode },
  )
}

interface Pollution {
  readonly name: string
  readonly modes?: readonly AcquireMode[]
  readonly pollute: string | ((db: Lease) => Promise<unknown>)
}

const halfRead = (db: Lease): Promise<unknown> => db.prepare('SELECT * FROM entry').iterate().next()
const failing = (db: Lease): Promise<unknown> =>
  db.exec('BEGIN; SELECT * FROM no_such_table').catch(() => undefined)

const pollutions: readonly Pollution[] = [
  { name: 'BEGIN', pollute: 'BEGIN' },
  { name: 'BEGIN and a read', pollute: 'BEGIN; SELECT 1 FROM entry' },
  {
    name: 'BEGIN IMMEDIATE and a write',
    modes: ['write'],
    pollute: 'BEGIN IMMEDIATE; DELETE FROM entry',
  },
  { name: 'SAVEPOINT', pollute: 'SAVEPOINT a' },
  { name: 'BEGIN and an error', pollute: failing },
  { name: 'an iterator read by half', pollute: halfRead },
  { name: 'foreign_keys off', pollute: 'PRAGMA foreign_keys = OFF' },
  { name: 'query_only off', pollute: 'PRAGMA query_only = OFF' },
  { name: 'query_only on', pollute: 'PRAGMA query_only = ON' },
  { name: 'case_sensitive_like', pollute: 'PRAGMA case_sensitive_like = ON' },
  { name: 'ignore_check_constraints', pollute: 'PRAGMA ignore_check_constraints = ON' },
  { name: 'cache_size', pollute: 'PRAGMA cache_size = 5' },
  { name: 'busy_timeout', pollute: 'PRAGMA busy_timeout = 1' },
  { name: 'synchronous', pollute: 'PRAGMA synchronous = OFF' },
  { name: 'a pragma after a comment', pollute: '/* quick */ pragma recursive_triggers(1)' },
  { name: 'ATTACH', pollute: "ATTACH ':memory:' AS other" },
  {
    name: 'a temporary table',
    modes: ['write'],
    pollute: 'CREATE TEMP TABLE entry AS SELECT 7 AS n',
  },
  {
    name: 'a temporary view where query_only was turned off',
    pollute: 'PRAGMA query_only = OFF; CREATE TEMP VIEW entry AS SELECT 7 AS n',
  },
  {
    name: 'a temporary trigger',
    modes: ['write'],
    pollute: 'CREATE TEMP TRIGGER a DELETE ON entry BEGIN SELECT RAISE(IGNORE); END',
  },
]

describe('a connection of glasspool is as good as a fresh one', () => {
  let pool: ConnectionPool
  const cleanups: (() => void)[] = []
  before(async () => {
    const path = tempDatabase({ after: (fn) => cleanups.push(fn) })
    // Of each lane one, so that the next caller gets what the one before had.
    pool = await createPool({ path, size: 2, minReaders: 1 })
    await pool.run('CREATE TABLE entry (n)')
    await pool.run(
      'INSERT INTO entry WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 1000) SELECT n FROM i',
    )
  })
  after(async () => {
    await pool.close({ timeoutMs: 0 })
    for (const cleanUp of cleanups) cleanUp()
  })

  for (const mode of ['read', 'write'] as const) {
    for (const { name, modes = ['read', 'write'], pollute } of pollutions) {
      if (!modes.includes(mode)) continue
      it(`after ${name}, on a lease to ${mode}`, async () => {
        const fresh = await fingerprint(pool, mode)
        await pool.withConnection(
          (db) => (typeof pollute === 'string' ? db.exec(pollute) : pollute(db)),
          { mode },
        )
        assert.deepEqual(await fingerprint(pool, mode), fresh)
        const count = 'SELECT count(*) AS count FROM entry'
        const counted = await pool.get<{ count: number }>(count, [], { mode })
        await pool.run('INSERT INTO entry VALUES (0)')
        const row = await pool.get(count, [], { mode })
        assert.deepEqual(row, { count: counted!.count + 1 }, 'the next one sees a later commit')
      })
    }
  }
})
