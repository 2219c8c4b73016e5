import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import type { Role } from '../../telemetry/stats.ts'
import { tempDatabase } from '../testing/temp-db.ts'
import { openInlineConnection } from './inline.ts'
import type { Durability, SqliteOptions } from './options.ts'
import { applyPragmas, PRAGMAS } from './pragmas.ts'

const NORMAL = 1
const FULL = 2

function options(path: string, durability: Durability): SqliteOptions {
  return {
    path,
    durability,
    busyTimeoutMs: 123,
    statementCacheSize: 10,
    cacheSizeBytes: 5 * 1024 * 1024,
  }
}

const cases: { role: Role; durability: Durability; expected: Record<string, unknown> }[] = [
  {
    role: 'writer',
    durability: 'normal',
    expected: { synchronous: NORMAL, query_only: 0, journal_size_limit: -1 },
  },
  { role: 'writer', durability: 'full', expected: { synchronous: FULL, query_only: 0 } },
  { role: 'reader', durability: 'normal', expected: { synchronous: NORMAL, query_only: 1 } },
  { role: 'reader', durability: 'full', expected: { synchronous: FULL, query_only: 1 } },
]
const everywhere = {
  journal_mode: 'wal',
  wal_autocheckpoint: 0,
  foreign_keys: 1,
  trusted_schema: 0,
  cell_size_check: 1,
  mmap_size: 0,
  cache_size: -5120,
  busy_timeout: 123,
}

describe('applyPragmas', () => {
  it('bounds the file only where SQLite itself checkpoints: the commit that shortens it waits for that', (t) => {
    const path = tempDatabase(t)
    const database = new Database(path)
    t.after(() => database.close())
    applyPragmas(database, 'writer', { ...options(path, 'normal'), autocheckpointFrames: 1000 })
    const limit = database.pragma('journal_size_limit', { simple: true })
    assert.equal(limit, 64 * 1024 * 1024)
  })

  for (const { role, durability, expected } of cases) {
    it(`sets a ${role} of durability "${durability}", also on a brand-new file`, async (t) => {
      const path = tempDatabase(t)
      const writer = await openInlineConnection('writer', options(path, durability))
      const connection =
        role === 'writer' ? writer : await openInlineConnection(role, options(path, durability))
      t.after(async () => {
        if (connection !== writer) await connection.close()
        await writer.close()
      })
      for (const [name, value] of Object.entries({ ...everywhere, ...expected })) {
        const row = await connection.get(`PRAGMA ${name}`, [])
        assert.deepEqual(Object.values(row!), [value], name)
      }
      await writer.exec('CREATE TABLE t (a)')
      const row = await connection.get('PRAGMA synchronous', [])
      assert.deepEqual(row, { synchronous: expected['synchronous'] }, 'after the first write')
    })
  }

  it('refuses a database that stays in another journal mode', () => {
    const database = new Database(':memory:')
    assert.throws(() => applyPragmas(database, 'writer', options('x', 'normal')), {
      code: 'WAL_NOT_ENABLED',
      message: /"memory"/,
    })
    database.close()
  })

  it('gives a reason for every pragma', () => {
    for (const { name, reason } of PRAGMAS) assert.ok(reason.length > 20, name)
  })
})
