import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { openWriter } from '../testing/connections.ts'
import { openThreadConnection } from './client.ts'
import { encodeArguments } from './wire-arguments.ts'
import { decodeRows, encodeRows } from './wire-rows.ts'

const SQL = `VALUES (x'01', 'a'), (x'0203', zeroblob(9000)), (NULL, x'')`

const shapes = ['objects', 'raw', 'pluck'] as const

describe('encodeRows', () => {
  for (const shape of shapes) {
    it(`hands over every blob of ${shape} rows instead of a copy`, () => {
      const statement = new Database(':memory:').prepare(SQL)
      if (shape !== 'objects') statement[shape]()
      const expected = statement.all()
      const transfer = new Set<ArrayBuffer>()
      const wire = encodeRows(statement.all(), transfer)
      assert.equal(transfer.size, shape === 'pluck' ? 2 : 4)
      const received = structuredClone(wire, { transfer: [...transfer] })
      for (const buffer of transfer) assert.ok(buffer.detached)
      assert.deepEqual(decodeRows(received), expected)
    })
  }

  it('copies a window out of a larger memory, which others may use', () => {
    const slab = new Uint8Array([1, 2, 3, 4, 5, 6])
    const rows = [[Buffer.from(slab.buffer, 0, 2), Buffer.from(slab.buffer, 3, 2)]]
    const transfer = new Set<ArrayBuffer>()
    const wire = encodeRows(rows, transfer)
    assert.ok(!transfer.has(slab.buffer))
    const received = structuredClone(wire, { transfer: [...transfer] })
    assert.deepEqual(decodeRows(received), [[Buffer.from([1, 2]), Buffer.from([4, 5])]])
    assert.equal(slab[5], 6)
  })

  it('lists a memory once that two blobs are', () => {
    const blob = Buffer.from(new ArrayBuffer(3))
    const transfer = new Set<ArrayBuffer>()
    const wire = encodeRows([{ a: blob, b: blob }], transfer)
    const received = structuredClone(wire, { transfer: [...transfer] })
    assert.deepEqual(decodeRows(received), [{ a: Buffer.alloc(3), b: Buffer.alloc(3) }])
  })
})

describe('encodeArguments', () => {
  it('hands over copies, so that the caller keeps its own', () => {
    const whole = new Uint8Array([1, 2, 3])
    const small = Buffer.from('on a slab')
    const view = new DataView(new ArrayBuffer(4))
    const transfer = new Set<ArrayBuffer>()
    const args = encodeArguments([whole, small, { a: whole, b: 1 }, [view]], transfer)
    assert.equal(transfer.size, 4)
    const received = structuredClone(args, { transfer: [...transfer] })
    assert.deepEqual(received, [
      whole,
      new Uint8Array(small),
      { a: whole, b: 1 },
      [new Uint8Array(4)],
    ])
    assert.equal(whole.byteLength, 3)
  })

  it('hands over nothing when there is no blob', () => {
    const transfer = new Set<ArrayBuffer>()
    encodeArguments([1, 'a', { a: null }], transfer)
    assert.equal(transfer.size, 0)
  })
})

describe('openThreadConnection', () => {
  it('sends blobs there and back whole, and leaves those of the caller alone', async (t) => {
    const connection = await openWriter(t, openThreadConnection)
    await connection.exec('CREATE TABLE t (a, b)')
    const { mock } = t.mock.method(Worker.prototype, 'postMessage')
    const own = Buffer.alloc(100_000, 7)
    const small = Buffer.from('small')
    const insert = { sql: 'INSERT INTO t VALUES (?, @b)', args: [own, { b: small }] }
    const answers = await Promise.all([
      connection.run(insert.sql, insert.args),
      connection.batch([insert, { sql: 'SELECT * FROM t LIMIT 1' }], { isAtomic: true }),
      connection.all('SELECT * FROM t', []),
      connection.all('SELECT a FROM t', [], { rows: 'pluck' }),
      connection.get('SELECT a, a, b FROM t', [], { rows: 'raw' }),
    ])
    assert.equal((mock.calls[0]!.arguments[1] as unknown[]).length, 4)
    const row = { a: own, b: small }
    assert.deepEqual(answers[1]![1]!.rows, [row])
    assert.deepEqual(answers.slice(2), [
      [row, row],
      [own, own],
      [own, own, small],
    ])
    assert.ok(Buffer.isBuffer((answers[4] as unknown[])[0]))
    assert.equal(own.byteLength, 100_000)
  })
})
