import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { Cancellation, StatementStopped } from '../pool/cancellation.ts'
import type { Connection, StatementCall } from '../pool/connection.ts'
import { tempDir } from '../testing/temp-db.ts'
import { COUNT_TO, executions, openWriter, type Open } from './testing/connections.ts'
import { ENDLESS, stoppedInside, turns } from './testing/stopping.ts'
import { WINDOW } from './thread/call-board.ts'
import { openThreadConnection } from './thread/client.ts'

const pluck = { rows: 'pluck' } as const
const COUNT = 'SELECT count(*) FROM t'

const verbs: { name: string; call: (c: Connection, call: StatementCall) => Promise<unknown> }[] = [
  { name: 'get', call: (c, call) => c.get('INSERT INTO t VALUES (1) RETURNING a', [], call) },
  { name: 'all', call: (c, call) => c.all('INSERT INTO t VALUES (1) RETURNING a', [], call) },
  { name: 'run', call: (c, call) => c.run('INSERT INTO t VALUES (1)', [], call) },
  { name: 'exec', call: (c, call) => c.exec('INSERT INTO t VALUES (1)', call) },
  {
    name: 'iterate',
    call: (c, call) => c.iterate('INSERT INTO t VALUES (1) RETURNING a', [], call),
  },
  {
    name: 'batch',
    call: (c, call) => c.batch([{ sql: 'INSERT INTO t VALUES (1)' }], { isAtomic: true }, call),
  },
]
const notStarted = { name: 'StatementStopped', code: 'STATEMENT_STOPPED', outcome: 'not_started' }
const rolledBack = { ...notStarted, outcome: 'rolled_back' }

async function openTable(t: TestContext, open: Open): Promise<Connection> {
  const connection = await openWriter(t, open)
  await connection.exec('CREATE TABLE t (a)')
  return connection
}

function cancelled(): Cancellation {
  const cancellation = new Cancellation()
  cancellation.cancel()
  return cancellation
}

for (const { name: execution, open } of executions) {
  describe(`${execution}: cancellation`, () => {
    for (const { name, call } of verbs) {
      it(`before ${name}() leaves it undone`, async (t) => {
        const connection = await openTable(t, open)
        const stopped = call(connection, { cancellation: cancelled() })
        await assert.rejects(stopped, (error) => {
          assert.ok(error instanceof StatementStopped)
          assert.equal(error.outcome, 'not_started')
          return true
        })
        assert.equal(await connection.get(COUNT, [], pluck), 0)
      })

      it(`after ${name}() is answered changes nothing, then or later`, async (t) => {
        const connection = await openTable(t, open)
        const cancellation = new Cancellation()
        const settled = t.mock.method(cancellation, 'settled')
        await call(connection, { cancellation })
        assert.equal(settled.mock.callCount(), 1)
        cancellation.cancel()
        await call(connection, { cancellation: new Cancellation() })
        assert.equal(await connection.get(COUNT, [], pluck), 2)
      })
    }

    it('of a cursor between two batches closes it', async (t) => {
      const connection = await openTable(t, open)
      const cancellation = new Cancellation()
      const cursor = await connection.iterate(COUNT_TO, [1000], { cancellation })
      await cursor.next()
      await cursor.next()
      cancellation.cancel()
      await assert.rejects(cursor.next(), rolledBack)
      assert.equal(connection.openCursorCount, 0)
      await connection.run('INSERT INTO t VALUES (1)', [])
    })

    it('of a cursor whose rows are all here lets them be read', async (t) => {
      const connection = await openTable(t, open)
      const cancellation = new Cancellation()
      const cursor = await connection.iterate(COUNT_TO, [3], { ...pluck, cancellation })
      cancellation.cancel()
      assert.deepEqual(await cursor.next(), [1, 2, 3])
      assert.equal(await cursor.next(), undefined)
    })
  })
}

describe('openInlineConnection', () => {
  it('cannot interrupt', async (t) => {
    const connection = await openTable(t, executions[0]!.open)
    assert.equal(connection.canInterrupt, false)
  })
})

describe('openThreadConnection without the interrupt extension: cancellation', () => {
  const open: Open = (role, options) => openThreadConnection(role, options, null)

  it('in the tick of the call takes it back unsent', async (t) => {
    const connection = await openTable(t, open)
    const cancellation = new Cancellation()
    const stopped = connection.run('INSERT INTO t VALUES (1)', [], { cancellation })
    const beside = connection.get('SELECT 7', [], pluck)
    cancellation.cancel()
    await assert.rejects(stopped, notStarted)
    assert.equal(await beside, 7)
    assert.equal(await connection.get(COUNT, [], pluck), 0)
  })

  const rowBound: {
    name: string
    call: (c: Connection, call: StatementCall) => Promise<unknown>
  }[] = [
    { name: 'all()', call: (c, call) => c.all(ENDLESS, [], call) },
    {
      name: 'iterate() and next()',
      call: async (c, call) => {
        const cursor = await c.iterate(ENDLESS, [], call)
        while ((await cursor.next()) !== undefined);
      },
    },
  ]
  for (const { name, call } of rowBound) {
    it(`ends ${name} between two rows`, async (t) => {
      const connection = await openTable(t, open)
      await stoppedInside((cancellation) => call(connection, { cancellation }))
      assert.equal(connection.openCursorCount, 0)
      await connection.run('INSERT INTO t VALUES (1)', [])
    })
  }

  it('lets a statement run to its end that cannot be stepped', async (t) => {
    const connection = await openTable(t, open)
    assert.equal(connection.canInterrupt, false)
    const cancellation = new Cancellation()
    const sql = `INSERT INTO t ${COUNT_TO}`
    const run = connection.run(sql, [200_000], { cancellation })
    const next = connection.get('SELECT 1', [], { ...pluck, cancellation: new Cancellation() })
    await turns(50)
    cancellation.cancel()
    const outcome = await run.catch((error: StatementStopped) => error.outcome)
    // It had begun or not; nothing in between.
    const expected = outcome === 'not_started' ? 0 : 200_000
    assert.equal(await connection.get(COUNT, [], pluck), expected)
    assert.equal(await next, 1)
  })

  it('of an atomic batch undoes it', async (t) => {
    const connection = await openTable(t, open)
    const statements = [{ sql: 'INSERT INTO t VALUES (1)' }, { sql: ENDLESS }]
    await stoppedInside((cancellation) =>
      connection.batch(statements, { isAtomic: true }, { cancellation }),
    )
    assert.equal(connection.inTransaction, false)
    assert.equal(await connection.get(COUNT, [], pluck), 0)
  })

  it('of a loose batch is too late once it has written', async (t) => {
    const connection = await openTable(t, open)
    const insert = { sql: 'INSERT INTO t VALUES (1)' }
    const statements = Array.from({ length: 300 }, () => insert)
    const cancellation = new Cancellation()
    const batch = connection.batch(statements, { isAtomic: false }, { cancellation })
    await turns(20)
    cancellation.cancel()
    const isStopped = await batch.then(
      () => false,
      () => true,
    )
    // All or nothing, even here: it was stopped before its first statement or not at all.
    const expected = isStopped ? 0 : 300
    assert.equal(await connection.get(COUNT, [], pluck), expected)
  })

  for (const order of ['oldest', 'newest'] as const) {
    it(`reaches each of many more calls than are sent at once, ${order} first`, async (t) => {
      const connection = await openTable(t, open)
      const begin = (call: (cancellation: Cancellation) => Promise<unknown>) => {
        const cancellation = new Cancellation()
        const outcome = call(cancellation).then(
          () => 'done',
          (error: StatementStopped) => error.outcome,
        )
        return { cancellation, outcome }
      }
      const first = begin((cancellation) => connection.all(ENDLESS, [], { cancellation }))
      const others = Array.from({ length: 3 * WINDOW }, () =>
        begin((cancellation) => connection.run('INSERT INTO t VALUES (1)', [], { cancellation })),
      )
      await turns(20)
      for (const { cancellation } of order === 'oldest' ? others : others.toReversed()) {
        cancellation.cancel()
      }
      first.cancellation.cancel()
      await first.outcome
      const outcomes = new Set(await Promise.all(others.map(({ outcome }) => outcome)))
      assert.deepEqual([...outcomes], ['not_started'])
      assert.equal(await connection.get(COUNT, [], pluck), 0)
    })
  }

  it('is the same with a library that cannot be loaded', async (t) => {
    const library = join(tempDir(t), 'x.so')
    writeFileSync(library, 'not a library')
    const connection = await openTable(t, (role, options) =>
      openThreadConnection(role, options, library),
    )
    assert.equal(connection.canInterrupt, false)
    await stoppedInside((cancellation) => connection.all(ENDLESS, [], { cancellation }))
  })

  it('of a call that fails by itself leaves its error', async (t) => {
    const connection = await openTable(t, open)
    const call = { cancellation: new Cancellation() }
    await assert.rejects(connection.all('nonsense', [], call), { code: 'SQLITE_ERROR' })
  })
})
