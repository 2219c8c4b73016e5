import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { Cancellation, type StatementStopped } from '../../pool/cancellation.ts'
import type { Connection, StatementCall } from '../../pool/connection.ts'
import { Random } from '../../random.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { buildInterrupt, COUNT_TO, openWriter, sqliteOptions } from '../testing/connections.ts'
import { ENDLESS, ENDLESS_COUNT, stoppedInside, turns } from '../testing/stopping.ts'
import { openThreadConnection } from '../thread/client.ts'
import { interruptLibrary } from './extension.ts'

const directory = mkdtempSync(join(tmpdir(), 'glasspool-'))
const library = buildInterrupt(directory)
const skip = library === null ? 'there is no C compiler' : false
after(() => rmSync(directory, { recursive: true, force: true }))

const pluck = { rows: 'pluck' } as const
const COUNT = 'SELECT count(*) FROM t'

async function openTable(t: TestContext): Promise<Connection> {
  const connection = await openWriter(t, (role, options) =>
    openThreadConnection(role, options, library),
  )
  await connection.exec('CREATE TABLE t (a)')
  return connection
}

describe('openThreadConnection with the interrupt extension', { skip }, () => {
  const endless: {
    name: string
    call: (c: Connection, call: StatementCall) => Promise<unknown>
  }[] = [
    { name: 'get', call: (c, call) => c.get(ENDLESS_COUNT, [], call) },
    { name: 'all', call: (c, call) => c.all(ENDLESS_COUNT, [], call) },
    { name: 'iterate', call: (c, call) => c.iterate(ENDLESS_COUNT, [], call) },
    { name: 'run', call: (c, call) => c.run(`INSERT INTO t ${ENDLESS}`, [], call) },
    {
      name: 'RETURNING',
      call: (c, call) => c.all(`INSERT INTO t ${ENDLESS} RETURNING a`, [], call),
    },
    { name: 'exec', call: (c, call) => c.exec(`CREATE TABLE u AS ${ENDLESS}`, call) },
    {
      name: 'an atomic batch',
      call: (c, call) =>
        c.batch(
          [{ sql: 'INSERT INTO t VALUES (1)' }, { sql: ENDLESS_COUNT }],
          { isAtomic: true },
          call,
        ),
    },
    {
      name: 'a batch that has only read',
      call: (c, call) =>
        c.batch([{ sql: COUNT }, { sql: ENDLESS_COUNT }], { isAtomic: false }, call),
    },
  ]

  for (const { name, call } of endless) {
    it(`ends ${name} within SQLite and leaves nothing of it`, async (t) => {
      const connection = await openTable(t)
      assert.equal(connection.canInterrupt, true)
      await stoppedInside((cancellation) => call(connection, { cancellation }))
      assert.equal(connection.inTransaction, false)
      assert.equal(connection.openCursorCount, 0)
      assert.equal(await connection.get(COUNT, [], pluck), 0)
      await connection.run('INSERT INTO t VALUES (1)', [])
    })
  }

  it('ends the next rows of a cursor', async (t) => {
    const connection = await openTable(t)
    const sql = `SELECT i FROM (${ENDLESS}) WHERE i <= 16 OR i > 1e15`
    await stoppedInside(async (cancellation) => {
      const cursor = await connection.iterate(sql, [], { cancellation })
      await cursor.next()
      return cursor.next()
    })
    assert.equal(connection.openCursorCount, 0)
  })

  it('ends the other cursors of the connection too, because SQLite would', async (t) => {
    const connection = await openTable(t)
    const cursor = await connection.iterate(COUNT_TO, [1000])
    await stoppedInside((cancellation) => connection.get(ENDLESS_COUNT, [], { cancellation }))
    assert.equal(connection.openCursorCount, 0)
    await cursor.next()
    await assert.rejects(cursor.next(), { name: 'TypeError', message: 'The cursor is closed' })
    assert.equal(await connection.get('SELECT 1', [], pluck), 1)
  })

  it('rolls the whole transaction back with a write, and tells', async (t) => {
    const connection = await openTable(t)
    // Prepared now: a statement that is stopped while it is compiled has not touched the transaction.
    const sql = `INSERT INTO t ${COUNT_TO}`
    await connection.run(sql, [1])
    await connection.exec('DELETE FROM t')
    await stoppedInside(async (cancellation) => {
      await connection.reset()
      await connection.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
      return connection.run(sql, [1e15], { cancellation })
    })
    assert.equal(connection.inTransaction, false)
    assert.equal(await connection.get(COUNT, [], pluck), 0)
  })

  it('keeps the transaction when a read was ended', async (t) => {
    const connection = await openTable(t)
    await connection.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
    await stoppedInside((cancellation) => connection.get(ENDLESS_COUNT, [], { cancellation }))
    assert.equal(connection.inTransaction, true)
    await connection.exec('COMMIT')
    assert.equal(await connection.get(COUNT, [], pluck), 1)
  })

  it('does not end a script, of which a part would stay done', async (t) => {
    const connection = await openTable(t)
    const cancellation = new Cancellation()
    const script = `INSERT INTO t VALUES (1); INSERT INTO t ${COUNT_TO.replace('?', '200000')}`
    const ended = connection
      .exec(script, { cancellation })
      .catch((e: StatementStopped) => e.outcome)
    await turns(50)
    cancellation.cancel()
    const expected = (await ended) === 'not_started' ? 0 : 200_001
    assert.equal(await connection.get(COUNT, [], pluck), expected)
  })

  it('works after a reset that opened anew', async (t) => {
    const connection = await openTable(t)
    await connection.exec('PRAGMA cache_size = 7')
    await connection.reset()
    assert.equal(connection.canInterrupt, true)
    await stoppedInside((cancellation) => connection.get(ENDLESS_COUNT, [], { cancellation }))
  })

  it('gives each connection a number of its own, which is not given again', async (t) => {
    const path = tempDatabase(t)
    const open = (): Promise<Connection> =>
      openThreadConnection('writer', sqliteOptions(path), library)
    const numberOf = (connection: Connection): Promise<unknown> =>
      connection.get('SELECT glasspool_slot()', [], pluck)
    const interrupt = (number: unknown): Promise<unknown> =>
      first.get('SELECT glasspool_interrupt(?)', [number], pluck)
    const [first, second] = [await open(), await open()]
    t.after(() => first.close())
    const numbers = [await numberOf(first), await numberOf(second)]
    assert.equal(await interrupt(numbers[1]), 1)
    await second.close()
    assert.equal(await interrupt(numbers[1]), 0)
    const third = await open()
    t.after(() => third.close())
    const next = await numberOf(third)
    assert.ok(!numbers.includes(next), `${String(next)} of ${numbers.join()}`)
    assert.equal(await interrupt(numbers[1]), 0)
    assert.equal(await interrupt(next), 1)
  })

  it('cannot be called by a view or a trigger', async (t) => {
    const connection = await openTable(t)
    await connection.exec('CREATE VIEW v AS SELECT glasspool_slot() AS x')
    await assert.rejects(connection.get('SELECT * FROM v', []), /unsafe use of glasspool_slot/)
  })

  it('takes a number beyond the table for no slot', async (t) => {
    const connection = await openTable(t)
    for (const slot of [-1, 1023, 2 ** 40]) {
      assert.equal(await connection.get('SELECT glasspool_interrupt(?)', [slot], pluck), 0)
    }
  })

  it('never ends what was not meant, and always what was', async (t) => {
    const seed = Date.now() % 1e6
    t.diagnostic(`seed ${seed}`)
    const random = new Random(seed)
    const connection = await openTable(t)
    const counts = { not_started: 0, rolled_back: 0, result: 0 }
    for (let round = 0; round < 400; round += 1) {
      const before = connection.get(COUNT_TO, [1], pluck)
      const cancellation = new Cancellation()
      const isEndless = random.below(2) === 0
      const sql = isEndless ? ENDLESS_COUNT : `SELECT count(*) FROM (${COUNT_TO})`
      const victim = connection.get(sql, isEndless ? [] : [1 + random.below(3000)], {
        cancellation,
      })
      const ended = victim.then(
        () => 'result' as const,
        (error: StatementStopped) => error.outcome,
      )
      const innocent = connection.get(`SELECT count(*) FROM (${COUNT_TO})`, [500], {
        ...pluck,
        cancellation: new Cancellation(),
      })
      await turns(random.below(12))
      cancellation.cancel()
      const outcome = await ended
      assert.notEqual(outcome, isEndless ? 'result' : undefined)
      counts[outcome] += 1
      assert.deepEqual([await before, await innocent], [1, 500])
    }
    t.diagnostic(JSON.stringify(counts))
    assert.ok(counts.rolled_back > 0)
  })
})

describe('interruptLibrary', () => {
  it('is a path in dist/interrupt, or null when it was not built', () => {
    const path = interruptLibrary()
    if (path !== null) assert.match(path, /[/\\]dist[/\\]interrupt[/\\]interrupt-\w+-\w+\.so$/)
  })
})
