import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { Connection, Row } from '../../pool/connection.ts'
import { tempDatabase, tempDir } from '../../testing/temp-db.ts'
import { ConnectionLostError } from '../errors.ts'
import type { SqliteOptions } from '../options.ts'
import { openThreadConnection } from './client.ts'

const FOREVER = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n`
const SOME_SECONDS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT count(*) AS n FROM n`

function sqliteOptions(path: string): SqliteOptions {
  return {
    path,
    durability: 'normal',
    busyTimeoutMs: 5000,
    statementCacheSize: 200,
    cacheSizeBytes: 4 * 1024 * 1024,
  }
}

/** A writer, its thread as only a test may have it, and every message sent to it from now on. */
async function openWriter(
  t: TestContext,
  path = tempDatabase(t),
): Promise<{ connection: Connection; worker: Worker; sentCount: () => number }> {
  const connection = await openThreadConnection('writer', sqliteOptions(path))
  const { mock } = t.mock.method(Worker.prototype, 'postMessage')
  await connection.exec('CREATE TABLE IF NOT EXISTS t (a)')
  const worker = mock.calls.at(-1)!.this as Worker
  t.after(() => connection.close())
  mock.resetCalls()
  return { connection, worker, sentCount: () => mock.callCount() }
}

describe('openThreadConnection', () => {
  describe('messages', () => {
    it('carry the calls of one tick together, and their answers too', async (t) => {
      const { connection, worker, sentCount } = await openWriter(t)
      let answerMessages = 0
      worker.on('message', () => (answerMessages += 1))
      await connection.get('SELECT 1', [])
      answerMessages = 0
      const calls = Array.from({ length: 50 }, (_, i) => connection.get('SELECT ? AS i', [i]))
      const rows = await Promise.all(calls)
      assert.equal(sentCount(), 2)
      assert.deepEqual(
        rows.map((row) => (row as Row)['i']),
        Array.from({ length: 50 }, (_, i) => i),
      )
      assert.ok(answerMessages < 10, `${answerMessages} messages for 50 answers`)
    })

    it('do not wait for the answer of the tick before', async (t) => {
      const { connection, sentCount } = await openWriter(t)
      const slow = connection.get(SOME_SECONDS, [])
      await Promise.resolve()
      const fast = connection.get('SELECT 1 AS x', [])
      await Promise.resolve()
      assert.equal(sentCount(), 2)
      assert.deepEqual(await Promise.all([slow, fast]), [{ n: 3_000_000 }, { x: 1 }])
    })

    it('leave a slow answer behind', async (t) => {
      const { connection } = await openWriter(t)
      const order: string[] = []
      const note = (what: string) => () => void order.push(what)
      await Promise.all([
        connection.get(SOME_SECONDS, []).then(note('slow')),
        new Promise((resolve) => setImmediate(resolve)).then(note('the event loop turned')),
      ])
      assert.deepEqual(order, ['the event loop turned', 'slow'])
    })

    it('that cannot be sent fail their own calls only', async (t) => {
      const { connection, worker } = await openWriter(t)
      const before = connection.get('SELECT 1 AS x', [])
      await Promise.resolve()
      const failure = new RangeError('no memory for the copy')
      t.mock.method(
        worker,
        'postMessage',
        () => {
          throw failure
        },
        { times: 1 },
      )
      await assert.rejects(connection.get('SELECT 2 AS x', []), failure)
      assert.deepEqual(await before, { x: 1 })
      assert.deepEqual(await connection.get('SELECT 3 AS x', []), { x: 3 })
    })
  })

  describe('a thread that ends by itself', () => {
    const ways: { name: string; end: (worker: Worker) => unknown }[] = [
      { name: 'terminated', end: (worker) => worker.terminate() },
      // No request: the thread throws while it takes the message apart.
      { name: 'broken by an exception', end: (worker) => worker.postMessage(null) },
    ]
    for (const { name, end } of ways) {
      it(`(${name}) rejects what is in flight, then says so once`, async (t) => {
        const { connection, worker } = await openWriter(t)
        await connection.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
        const events: string[] = []
        connection.onLost = (error) => {
          assert.ok(error instanceof ConnectionLostError)
          // A turn later, so that the rejections, which are earlier, have been seen.
          setImmediate(() => events.push(`lost ${(error as ConnectionLostError).code}`))
        }
        void end(worker)
        const inFlight = [connection.run('INSERT INTO t VALUES (2)', []), connection.exec('COMMIT')]
        for (const [i, call] of inFlight.entries()) {
          call.catch((error: ConnectionLostError) =>
            events.push(`${i} ${error.code} ${error.outcome}`),
          )
        }
        await Promise.allSettled(inFlight)
        await new Promise((resolve) => setImmediate(resolve))
        assert.deepEqual(events, [
          '0 DB_WORKER_LOST unknown',
          '1 DB_WORKER_LOST unknown',
          'lost DB_WORKER_LOST',
        ])
        assert.equal(connection.inTransaction, false)
        await assert.rejects(connection.get('SELECT 1', []), { code: 'DB_WORKER_LOST' })
        await assert.rejects(connection.reset(), { code: 'DB_WORKER_LOST' })
        await connection.close()
        assert.equal(events.length, 3)
      })
    }

    it('keeps the exception as the cause', async (t) => {
      const { connection, worker } = await openWriter(t)
      worker.postMessage(null)
      await assert.rejects(connection.get('SELECT 1', []), (error: Error) => {
        assert.ok(error.cause instanceof TypeError)
        return true
      })
    })

    it('rolls back and frees the lock', async (t) => {
      const path = tempDatabase(t)
      const { connection, worker } = await openWriter(t, path)
      await connection.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
      await worker.terminate()
      const next = await openThreadConnection('writer', sqliteOptions(path))
      t.after(() => next.close())
      await next.exec('BEGIN IMMEDIATE')
      assert.deepEqual(await next.all('SELECT * FROM t', []), [])
    })

    it('loses a cursor that is open', async (t) => {
      const { connection, worker } = await openWriter(t)
      const cursor = await connection.iterate(FOREVER, [])
      await cursor.next()
      await worker.terminate()
      await assert.rejects(cursor.next(), { code: 'DB_WORKER_LOST' })
    })
  })

  it('leaves no thread behind when it cannot open', async (t) => {
    const created: Worker[] = []
    const onWorker = (worker: Worker): void => void created.push(worker)
    process.on('worker', onWorker)
    t.after(() => process.off('worker', onWorker))
    await assert.rejects(openThreadConnection('writer', sqliteOptions(tempDir(t))), {
      code: /^SQLITE_CANTOPEN/,
    })
    assert.equal(created.length, 1)
    assert.equal(created[0]!.threadId, -1)
  })

  it('closes while a statement runs, after its answer', async (t) => {
    const { connection, worker } = await openWriter(t)
    const exited = once(worker, 'exit')
    const slow = connection.get(SOME_SECONDS, [])
    await connection.close()
    assert.deepEqual(await slow, { n: 3_000_000 })
    assert.deepEqual(await exited, [0])
  })
})
