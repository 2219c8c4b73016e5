import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { Role } from '../../telemetry/stats.ts'
import type { Connection } from '../pool/connection.ts'
import {
  COUNT_TO,
  executions,
  openConnections,
  sqliteOptions,
  type Open,
} from './testing/connections.ts'
import { fingerprint } from './testing/fingerprint.ts'

type Run = (connection: Connection, sql: string) => Promise<unknown>

const readFirst: Run = async (c, sql) => (await c.iterate(sql, [])).next()
const verbs: { name: string; run: Run }[] = [
  { name: 'get', run: (c, sql) => c.get(sql, []) },
  { name: 'all', run: (c, sql) => c.all(sql, []) },
  { name: 'run', run: (c, sql) => c.run(sql, []) },
  { name: 'exec', run: (c, sql) => c.exec(sql) },
  { name: 'iterate', run: readFirst },
  { name: 'batch', run: (c, sql) => c.batch([{ sql }], { isAtomic: false }) },
  { name: 'atomic batch', run: (c, sql) => c.batch([{ sql }], { isAtomic: true }) },
]

/** One statement each, done by every verb. A verb that refuses it may have done it nonetheless. */
const pollutions = [
  'BEGIN',
  'SAVEPOINT x',
  'PRAGMA foreign_keys = 0',
  'PRAGMA query_only = 0',
  'PRAGMA query_only = 1',
  'PRAGMA cache_size = 7',
  'PRAGMA recursive_triggers = 1',
  'PRAGMA case_sensitive_like = 1',
  'PRAGMA synchronous = OFF',
  'PRAGMA busy_timeout = 77',
  'PRAGMA temp_store = MEMORY',
  'PRAGMA writable_schema = 1',
  'PRAGMA wal_autocheckpoint = 5',
  `ATTACH ':memory:' AS other`,
  'CREATE TEMP TABLE leftover (a)',
  'CREATE VIRTUAL TABLE temp.leftover USING fts5(a)',
  'CREATE TEMP VIEW v AS SELECT 1',
]

const half: Run = (c) => readFirst(c, COUNT_TO.replace('?', '1000'))
const combinations: { name: string; pollute: (c: Connection) => Promise<unknown> }[] = [
  {
    name: 'BEGIN and a statement that fails',
    pollute: async (c) => {
      await c.exec('BEGIN')
      await assert.rejects(c.run('INSERT INTO nowhere VALUES (1)', []))
    },
  },
  {
    name: 'half-read iterators, in a transaction',
    pollute: async (c) => {
      await c.exec('BEGIN')
      await half(c, '')
      await half(c, '')
    },
  },
  {
    name: 'a statement after a pragma in one text',
    pollute: (c) => assert.rejects(c.all('PRAGMA foreign_keys = 0; SELECT 1', [])),
  },
  {
    name: 'the modes of a statement',
    pollute: async (c) => {
      for (const rows of ['raw', 'pluck'] as const) {
        await c.all('PRAGMA foreign_keys', [], { rows, safeIntegers: true })
      }
    },
  },
  {
    name: 'everything at once',
    pollute: async (c) => {
      for (const sql of pollutions.slice(2)) await c.exec(sql).catch(() => null)
      await c.exec('BEGIN')
      await half(c, '')
    },
  },
]

interface Pair {
  readonly used: Connection
  readonly fresh: Connection
}

/** One pair for all tests of the suite that calls this: each begins with what the reset of the last one left. */
function openPair(open: Open, role: Role): () => Pair {
  const cleanups: (() => void | Promise<void>)[] = []
  let pair: Pair | undefined
  before(async () => {
    const t = { after: (fn: () => void | Promise<void>) => void cleanups.push(fn) }
    const roles: Role[] = role === 'writer' ? ['writer', 'writer'] : ['writer', 'reader', 'reader']
    const connections = await openConnections(t, open, roles)
    await connections[0]!.exec('CREATE TABLE t (a)')
    const [used, fresh] = connections.slice(-2)
    pair = { used: used!, fresh: fresh! }
  })
  after(async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup()
  })
  return () => pair!
}

for (const { name: execution, open } of executions) {
  describe(`${execution}: reset()`, () => {
    for (const role of ['writer', 'reader'] as const) {
      describe(`makes a ${role} as fresh as a new one after`, () => {
        const pair = openPair(open, role)

        for (const sql of pollutions) {
          it(`${sql}, by any verb`, async () => {
            const { used, fresh } = pair()
            const expected = await fingerprint(fresh)
            let effectCount = 0
            for (const { name, run } of verbs) {
              await run(used, sql).catch(() => null)
              effectCount += used.isAltered || used.inTransaction ? 1 : 0
              await used.reset()
              assert.deepEqual(await fingerprint(used), expected, name)
            }
            assert.ok(effectCount > 2, `only ${effectCount} verbs did anything`)
          })
        }

        for (const { name, pollute } of combinations) {
          it(name, async () => {
            const { used, fresh } = pair()
            await pollute(used)
            await used.reset()
            assert.deepEqual(await fingerprint(used), await fingerprint(fresh))
          })
        }
      })
    }
  })

  describe(`${execution}: a database in memory`, () => {
    async function openMemory(t: TestContext): Promise<Connection> {
      const connection = await open('writer', sqliteOptions(' :memory: '))
      t.after(() => connection.close())
      await connection.exec('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
      return connection
    }

    it('is for one writer', async (t) => {
      const connection = await openMemory(t)
      assert.deepEqual(await connection.get('PRAGMA journal_mode', []), { journal_mode: 'memory' })
      assert.deepEqual(await connection.all('SELECT * FROM t', []), [{ a: 1 }])
      await assert.rejects(open('reader', sqliteOptions(':memory:')), /in memory/)
    })

    it('keeps its rows over a reset that undoes pragmas, attached and temporary things', async (t) => {
      const connection = await openMemory(t)
      const expected = await fingerprint(connection)
      await connection.exec(`
        PRAGMA foreign_keys = 0; PRAGMA cache_size = 7; PRAGMA synchronous = OFF; PRAGMA cell_size_check = 0;
        PRAGMA trusted_schema = 1;
        ATTACH ':memory:' AS "an ""other"; CREATE TABLE "an ""other".x (a);
        CREATE TEMP TABLE "a ""table" (a PRIMARY KEY); CREATE TEMP VIEW v AS SELECT * FROM t;
        CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END;
        CREATE INDEX temp.i ON "a ""table" (a);
        CREATE VIRTUAL TABLE temp.f USING fts5(a); INSERT INTO f VALUES ('x');
        PRAGMA query_only = 1; BEGIN`)
      const report = await connection.reset()
      assert.deepEqual(report, { hadTransaction: true, openCursorCount: 0 })
      const actual = await fingerprint(connection)
      const databases = actual['database_list'] as { name: string }[]
      actual['database_list'] = databases.filter(({ name }) => name !== 'temp')
      assert.deepEqual(actual, expected)
      assert.deepEqual(await connection.all('SELECT * FROM t', []), [{ a: 1 }])
      await connection.run('INSERT INTO t VALUES (2)', [])
    })
  })
}
