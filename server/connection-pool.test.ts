import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { PoolEvent } from '../telemetry/events.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { createPool } from './create-pool.ts'
import type { PoolError } from './pool/errors.ts'
import type { PoolOptions } from './pool/options.ts'
import { closeConnectionPool, getConnectionPool } from './shared-pool.ts'
import { tempDatabase, tempDir } from './testing/temp-db.ts'

const executions = ['inline', 'thread'] as const
const isThread = (kind: string): boolean => kind === 'MessagePort' || kind === 'Worker'

async function openPool(
  t: TestContext,
  options: Partial<PoolOptions> & Pick<PoolOptions, 'execution'>,
): Promise<ConnectionPool> {
  const pool = await createPool({ path: tempDatabase(t), leakThresholdMs: 0, ...options })
  t.after(() => pool.close({ timeoutMs: 0 }))
  await pool.transaction(async (db) => {
    await db.exec('CREATE TABLE entry (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)')
    await db.exec(
      'INSERT INTO entry (n) WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 1000) SELECT n FROM i',
    )
  })
  return pool
}

async function countOf(pool: ConnectionPool): Promise<number> {
  const row = await pool.get<{ count: number }>('SELECT count(*) AS count FROM entry')
  return row!.count
}

/** Resolves at the first event, from now on, that is wanted. */
function heard(pool: ConnectionPool, isWanted: (event: PoolEvent) => boolean): Promise<PoolEvent> {
  return new Promise((resolve) => {
    const stop = pool.onEvent((event) => {
      if (!isWanted(event)) return
      stop()
      resolve(event)
    })
  })
}

/** A script in a process of its own; what it printed, when it has ended by itself. */
async function runScript(t: TestContext, script: string, path: string): Promise<string> {
  const url = new URL('./index.ts', import.meta.url).href
  const child = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import * as glasspool from ${JSON.stringify(url)}\n${script}`,
    ],
    { env: { PATH: process.env['PATH'], DATABASE_PATH: path }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  t.after(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.equal(code, 0, output)
  return output
}

for (const execution of executions) {
  describe(`createPool with execution '${execution}'`, () => {
    it('opens the file in WAL mode, one writer and the readers that stay open', async (t) => {
      const pool = await openPool(t, { execution, size: 4, minReaders: 2 })
      const row = await pool.get<{ mode: string }>(
        'SELECT journal_mode AS mode FROM pragma_journal_mode',
      )
      assert.equal(row?.mode, 'wal')
      const { state, available, total, max } = pool.stats()
      assert.deepEqual(
        { state, available, total, max },
        { state: 'ready', available: 3, total: 3, max: 4 },
      )
      assert.deepEqual(pool.getStats(), pool.stats())
      assert.deepEqual(JSON.parse(JSON.stringify(pool.stats())), pool.stats())
    })

    it('lets 20 writers in at once, none of them BUSY, none of them lost', async (t) => {
      const pool = await openPool(t, { execution })
      const addOne = async (): Promise<void> => {
        for (let i = 0; i < 10; i += 1) {
          await pool.transaction(async (db) => {
            const row = await db.get<{ n: number }>('SELECT n FROM entry WHERE id = 1')
            await db.run('UPDATE entry SET n = ? WHERE id = 1', [row!.n + 1])
          })
        }
      }
      await Promise.all(Array.from({ length: 20 }, addOne))
      const row = await pool.get<{ n: number }>('SELECT n FROM entry WHERE id = 1')
      assert.equal(row?.n, 201)
      assert.equal(pool.stats().writer.dirtyReleased, 0)
    })

    it('reads one moment in a read, whatever is written meanwhile', async (t) => {
      const pool = await openPool(t, { execution })
      await pool.read(async (db) => {
        await pool.run('DELETE FROM entry')
        const first = await db.get<{ count: number }>('SELECT count(*) AS count FROM entry')
        await pool.run('INSERT INTO entry (n) VALUES (1)')
        const second = await db.get<{ count: number }>('SELECT count(*) AS count FROM entry')
        assert.deepEqual([first?.count, second?.count], [1000, 1000])
      })
      assert.equal(await countOf(pool), 1)
    })

    it('reads what was written before', async (t) => {
      const pool = await openPool(t, { execution })
      for (let i = 1; i <= 20; i += 1) {
        await pool.run('INSERT INTO entry (n) VALUES (?)', [i])
        assert.equal(await countOf(pool), 1000 + i)
      }
    })

    it('rolls back when fn throws, and keeps nothing of it', async (t) => {
      const pool = await openPool(t, { execution })
      await assert.rejects(
        pool.transaction(async (db) => {
          await db.exec('DELETE FROM entry')
          throw new Error('mine')
        }),
        /mine/,
      )
      assert.equal(await countOf(pool), 1000)
    })

    it('commits nothing when a deferred constraint fails at COMMIT, and writes on', async (t) => {
      const pool = await openPool(t, { execution })
      await pool.transaction((db) =>
        db.exec(
          'CREATE TABLE child (entry INTEGER REFERENCES entry (id) DEFERRABLE INITIALLY DEFERRED)',
        ),
      )
      await assert.rejects(
        pool.transaction(async (db) => {
          await db.run('INSERT INTO child VALUES (99999)')
          await db.run('INSERT INTO entry (n) VALUES (1)')
        }),
        { code: 'SQLITE_CONSTRAINT_FOREIGNKEY' },
      )
      assert.equal(await countOf(pool), 1000)
      await pool.run('INSERT INTO child VALUES (1)')
    })

    it('reports no success when SQLite has rolled back in the middle of fn', async (t) => {
      const pool = await openPool(t, { execution })
      await assert.rejects(
        pool.transaction(async (db) => {
          await db.run('DELETE FROM entry WHERE id > 1')
          await db.run('INSERT OR ROLLBACK INTO entry (id, n) VALUES (1, 1)').catch(() => undefined)
        }),
        { code: 'TRANSACTION_ENDED' },
      )
      assert.equal(await countOf(pool), 1000)
    })

    it('refuses a write on a reader, and says what to do', async (t) => {
      const pool = await openPool(t, { execution })
      for (const sql of ['DELETE FROM entry', 'CREATE TEMP TABLE x (a)']) {
        await assert.rejects(
          pool.withConnection((db) => db.prepare(sql).run()),
          (error: PoolError) => {
            assert.equal(error.code, 'LEASE_READ_ONLY')
            assert.match(error.hint, /mode: 'write'/)
            return true
          },
        )
      }
      assert.equal(await countOf(pool), 1000)
    })

    const pollutions: readonly { name: string; sql: string }[] = [
      { name: 'BEGIN', sql: 'BEGIN' },
      { name: 'BEGIN and a write', sql: 'BEGIN; DELETE FROM entry' },
      { name: 'SAVEPOINT', sql: 'SAVEPOINT s' },
      { name: 'foreign_keys', sql: 'PRAGMA foreign_keys = OFF' },
      { name: 'cache_size', sql: 'PRAGMA cache_size = 5' },
      { name: 'ATTACH', sql: "ATTACH ':memory:' AS other" },
      { name: 'a temporary table', sql: 'CREATE TEMP TABLE entry AS SELECT 7 AS n' },
    ]
    const FINGERPRINT = `SELECT (SELECT foreign_keys FROM pragma_foreign_keys) AS keys,
      (SELECT cache_size FROM pragma_cache_size) AS cache, (SELECT group_concat(name) FROM pragma_database_list) AS files,
      (SELECT count(*) FROM entry) AS count, (SELECT count(*) FROM temp.sqlite_schema) AS temporaries`
    for (const { name, sql } of pollutions) {
      it(`hands a connection on as if it were fresh after ${name}`, async (t) => {
        const pool = await openPool(t, { execution })
        const fresh = await pool.get(FINGERPRINT, [], { mode: 'write' })
        await pool.withConnection((db) => db.exec(sql), { mode: 'write' })
        assert.deepEqual(await pool.get(FINGERPRINT, [], { mode: 'write' }), fresh)
        await pool.transaction((db) => db.run('INSERT INTO entry (n) VALUES (1)'))
        assert.equal(await countOf(pool), 1001)
      })
    }

    it('works on after 1,000 abandoned iterators on each connection', async (t) => {
      const pool = await openPool(t, { execution, size: 3, minReaders: 2 })
      for (const mode of ['read', 'write'] as const) {
        for (let round = 0; round < 10; round += 1) {
          const leases = await Promise.all(
            Array.from({ length: mode === 'read' ? 2 : 1 }, () => pool.acquire({ mode })),
          )
          for (const lease of leases) {
            const rows = lease.prepare('SELECT * FROM entry')
            for (let i = 0; i < 100; i += 1) await rows.iterate().next()
          }
          for (const lease of leases) await lease.release()
        }
      }
      await pool.run('INSERT INTO entry (n) VALUES (1)')
      await pool.transaction((db) => db.exec('CREATE TABLE later (a)'))
      const counts = await Promise.all([countOf(pool), countOf(pool)])
      assert.deepEqual(counts, [1001, 1001])
      assert.deepEqual(
        [pool.stats().readers.dirtyReleased, pool.stats().writer.dirtyReleased],
        [20, 10],
      )
      await pool.close()
    })

    it('streams rows and closes the cursor when the loop is left', async (t) => {
      const pool = await openPool(t, { execution })
      const ids = await pool.withConnection(async (db) => {
        const seen: unknown[] = []
        for await (const row of db.prepare('SELECT id FROM entry WHERE id <= ?').iterate(600)) {
          seen.push(row['id'])
          if (seen.length === 500) break
        }
        return seen
      })
      assert.deepEqual([ids.length, ids.at(-1)], [500, 500])
      assert.equal(pool.stats().readers.dirtyReleased, 0)
    })

    it('leaves the log to SQLite, inside commits, only when told so', async (t) => {
      for (const [checkpointer, frames] of [
        ['pool', 0],
        ['external', 0],
        ['sqlite', 1000],
      ] as const) {
        const pool = await openPool(t, { execution, checkpointer })
        const row = await pool.get('PRAGMA wal_autocheckpoint', [], { mode: 'write' })
        assert.deepEqual(row, { wal_autocheckpoint: frames }, checkpointer)
        await pool.close()
      }
    })

    it('reads and writes on the one connection of a pool of size 1', async (t) => {
      const pool = await openPool(t, { execution, size: 1 })
      await pool.transaction((db) => db.run('DELETE FROM entry WHERE id > 5'))
      assert.equal(await pool.read(async (db) => (await db.all('SELECT * FROM entry')).length), 5)
      assert.deepEqual([pool.stats().max, pool.stats().total], [1, 1])
    })

    it('closes at any time, leaving the database file alone, and all that was committed in it', async (t) => {
      const pool = await openPool(t, { execution })
      const path = pool.view.stats.namespace
      assert.equal(path, 'database.sqlite')
      const held = await pool.acquire()
      await held.exec('BEGIN')
      await held.all('SELECT count(*) FROM entry')
      const file = (await held.get<{ file: string }>('SELECT file FROM pragma_database_list'))!.file
      await pool.run('DELETE FROM entry WHERE id > 10')
      assert.ok(existsSync(`${file}-wal`))
      await pool.close({ timeoutMs: 0 })
      assert.deepEqual(readdirSync(dirname(file)), ['database.sqlite'])
      await assert.rejects(held.all('SELECT 1'), { code: 'POOL_CLOSED' })
      await assert.rejects(pool.get('SELECT 1'), { code: 'POOL_CLOSED' })
      const again = await createPool({ path: file, execution })
      assert.equal(await countOf(again), 10)
      await again.close()
    })

    const places: readonly { name: string; pathIn: (directory: string) => string; code: RegExp }[] =
      [
        { name: 'a directory', pathIn: (directory) => directory, code: /^SQLITE_CANTOPEN/ },
        {
          name: 'a directory that is not there',
          pathIn: (directory) => join(directory, 'no', 'db'),
          // The driver looks by itself, and its error has no code.
          code: /^undefined$/,
        },
        {
          name: 'a file that is no database',
          pathIn: (directory) => {
            writeFileSync(join(directory, 'db'), 'Dear diary, I am not a database. '.repeat(100))
            return join(directory, 'db')
          },
          code: /^SQLITE_NOTADB$/,
        },
        {
          name: 'a path below a file',
          pathIn: (directory) => {
            writeFileSync(join(directory, 'file'), '')
            return join(directory, 'file', 'db')
          },
          code: /^SQLITE_CANTOPEN/,
        },
        {
          name: 'a place where its -wal cannot be written',
          pathIn: (directory) => {
            mkdirSync(join(directory, 'db-wal'))
            return join(directory, 'db')
          },
          code: /^SQLITE_(IOERR|CANTOPEN)/,
        },
      ]
    for (const { name, pathIn, code } of places) {
      it(`refuses ${name} with the reason, and leaves nothing behind`, async (t) => {
        const directory = tempDir(t)
        const path = pathIn(directory)
        const sidecars = (): string[] =>
          readdirSync(directory).filter((file) => /-(wal|shm|journal)$/.test(file))
        const before = sidecars()
        await assert.rejects(createPool({ path, execution }), (error: PoolError) => {
          assert.equal(error.code, 'POOL_OPEN_FAILED')
          assert.ok(error.cause instanceof Error)
          assert.match(String((error.cause as { code?: unknown }).code), code, error.message)
          assert.notEqual(error.hint, '')
          return true
        })
        assert.deepEqual(process.getActiveResourcesInfo().filter(isThread), [])
        assert.deepEqual(sidecars(), before)
      })
    }

    it('lets the process end by itself, closed or not', async (t) => {
      const path = tempDatabase(t)
      const script = `
        const pool = await glasspool.createPool({ path: process.env.DATABASE_PATH, execution: '${execution}' })
        await pool.transaction((db) => db.exec('CREATE TABLE IF NOT EXISTS t (a)'))
        await Promise.all(Array.from({ length: 20 }, () => pool.run('INSERT INTO t VALUES (1)')))
        await Promise.all(Array.from({ length: 20 }, () => pool.all('SELECT * FROM t')))
      `
      assert.equal(
        await runScript(t, `${script}\nawait pool.close()\nconsole.log('closed')`, path),
        'closed\n',
      )
      assert.deepEqual(readdirSync(dirname(path)), ['database.sqlite'])
      assert.equal(await runScript(t, `${script}\nconsole.log('left open')`, path), 'left open\n')
    })

    it('does not let the process end while somebody waits', async (t) => {
      const path = tempDatabase(t)
      const script = `
        const pool = await glasspool.createPool({ path: process.env.DATABASE_PATH, execution: '${execution}', size: 1 })
        const lease = await pool.acquire()
        setTimeout(() => lease.release(), 50).unref()
        await (await pool.acquire({ timeoutMs: Infinity })).release()
        console.log('served')
      `
      assert.equal(await runScript(t, script, path), 'served\n')
    })
  })
}

describe('a connection thread that dies', () => {
  /** The threads that are asked something while `fn` runs. */
  async function threadsOf(t: TestContext, fn: () => Promise<unknown>): Promise<Set<Worker>> {
    const { mock } = t.mock.method(Worker.prototype, 'postMessage')
    await fn()
    const workers = mock.calls.map((call) => call.this as Worker)
    mock.restore()
    return new Set(workers)
  }

  for (const mode of ['read', 'write'] as const) {
    it(`under a ${mode === 'read' ? 'reader' : 'writer'}: its call fails, the connection is replaced, the others never notice`, async (t) => {
      const pool = await openPool(t, { execution: 'thread', size: 2 })
      const lease = await pool.acquire({ mode })
      const [worker] = await threadsOf(t, () => lease.get('SELECT 1'))
      const lost = heard(pool, (event) => event.type === 'connection.closed')
      if (mode === 'write') await lease.exec('BEGIN IMMEDIATE; DELETE FROM entry')
      const waiter = pool.get('SELECT count(*) AS count FROM entry', [], { mode })
      void worker!.terminate()
      const call = lease.get('SELECT count(*) FROM entry')
      await assert.rejects(call, { code: 'DB_WORKER_LOST' })
      const event = await lost
      assert.ok(event.type === 'connection.closed' && event.reason === 'lost')
      await pool.release(lease)
      assert.deepEqual(await waiter, { count: 1000 })
      await pool.run('INSERT INTO entry (n) VALUES (1)')
      assert.equal(await countOf(pool), 1001)
    })
  }
})

describe('the shared pool', () => {
  it('is one for all callers, and a new one after it was closed', async (t) => {
    const path = tempDatabase(t)
    const [a, b] = await Promise.all([
      getConnectionPool({ path, execution: 'inline' }),
      getConnectionPool(),
    ])
    assert.equal(a, b)
    await closeConnectionPool()
    assert.equal(a.state, 'closed')
    const c = await getConnectionPool({ path, execution: 'inline' })
    assert.notEqual(c, a)
    await closeConnectionPool()
  })

  it('is closed for every caller of close, and a new one waits for that', async (t) => {
    const path = tempDatabase(t)
    const pool = await getConnectionPool({ path, execution: 'inline' })
    const lease = await pool.acquire()
    const order: string[] = []
    const note = (what: string) => () => void order.push(what)
    const ends = [
      closeConnectionPool().then(note('closed')),
      closeConnectionPool().then(note('closed')),
      getConnectionPool({ path, execution: 'inline' }).then(note('opened')),
    ]
    await Promise.resolve()
    assert.deepEqual(order, [])
    await lease.release()
    await Promise.all(ends)
    assert.deepEqual(order, ['closed', 'closed', 'opened'])
    await closeConnectionPool()
  })

  it('that could not be opened is not kept', async (t) => {
    await assert.rejects(getConnectionPool({ path: tempDir(t), execution: 'inline' }), {
      code: 'POOL_OPEN_FAILED',
    })
    const pool = await getConnectionPool({ path: tempDatabase(t), execution: 'inline' })
    assert.equal(pool.state, 'ready')
    await closeConnectionPool()
  })

  it('needs no closing when there is none', async () => {
    await closeConnectionPool()
  })
})
