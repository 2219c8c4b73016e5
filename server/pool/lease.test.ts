import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import type { ScriptedConnection } from '../testing/scripted-connection.ts'
import { watch } from '../testing/watched.ts'
import type { Lease } from './lease.ts'

interface Scene {
  readonly rig: PoolRig
  readonly lease: Lease
  readonly connection: ScriptedConnection
}

async function scene(): Promise<Scene> {
  const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
  return { rig, lease: await rig.pool.acquire(), connection: rig.database.of('reader')[0]! }
}

describe('Lease', () => {
  const calls: readonly { name: string; call: (lease: Lease) => Promise<unknown> }[] = [
    { name: 'all', call: (lease) => lease.all('SELECT') },
    { name: 'get', call: (lease) => lease.get('SELECT') },
    { name: 'run', call: (lease) => lease.run('SELECT') },
    { name: 'exec', call: (lease) => lease.exec('SELECT') },
    { name: 'iterate', call: (lease) => lease.iterate('SELECT') },
    { name: 'release', call: (lease) => lease.release() },
    { name: 'destroy', call: (lease) => lease.destroy() },
    { name: 'prepare', call: async (lease) => lease.prepare('SELECT') },
  ]
  for (const { name, call } of calls) {
    it(`refuses ${name} after its release, and asks nothing of the connection`, async () => {
      const { lease, connection } = await scene()
      await lease.release()
      await assert.rejects(call(lease), { code: 'LEASE_RELEASED' })
      assert.deepEqual(connection.calls, [])
    })
  }

  it('refuses a statement that was prepared before its release', async () => {
    const { lease } = await scene()
    const statement = lease.prepare('SELECT')
    await lease.release()
    await assert.rejects(statement.all(), { code: 'LEASE_RELEASED' })
  })

  //  step  A                B                 C             reader (max 1)
  //   1    acquire ✓        acquire …         acquire …
  //   2    release       →  ✓ same connection
  //   3    release again ✗                                  still B's; C still waits
  it('released twice does not free the connection that the next one holds', async () => {
    const { rig, lease } = await scene()
    const b = watch(rig.pool.acquire())
    const c = watch(rig.pool.acquire())
    await lease.release()
    await assert.rejects(lease.release(), { code: 'LEASE_RELEASED' })
    await assert.rejects(rig.pool.release(lease), { code: 'LEASE_RELEASED' })
    await rig.settle()
    assert.deepEqual([b.state, c.state], ['fulfilled', 'pending'])
    assert.equal((await b.value.all('SELECT')).length, 3)
    assert.equal(rig.stats.reader.released, 1)
  })

  it('waits at release for the calls in flight, and refuses those that come later', async () => {
    const { rig, lease, connection } = await scene()
    const running = connection.hold('SELECT slow')
    const call = watch(lease.all('SELECT slow'))
    const released = watch(lease.release())
    await assert.rejects(lease.all('SELECT late'), { code: 'LEASE_RELEASED' })
    await rig.settle()
    assert.equal(released.state, 'pending')
    assert.deepEqual([rig.stats.reader.inUse, rig.stats.reader.released], [1, 0])
    running.resolve([])
    await rig.settle()
    assert.deepEqual([call.state, released.state], ['fulfilled', 'fulfilled'])
    assert.equal(rig.stats.reader.idle, 1)
  })

  it('asks in the order of its calls', async () => {
    const { lease, connection } = await scene()
    await Promise.all([lease.run('1'), lease.get('2'), lease.exec('3'), lease.prepare('4').all()])
    assert.deepEqual(connection.calls, ['1', '2', '3', '4'])
    assert.equal(lease.statementCount, 4)
    assert.equal(lease.lastSql, '4')
  })

  it('is released by `await using` on every way out', async () => {
    const { rig, lease } = await scene()
    await lease.release()
    const fail = async (): Promise<void> => {
      await using held = await rig.pool.acquire()
      assert.equal(held.isReleased, false)
      throw new Error('on the way')
    }
    await assert.rejects(fail(), /on the way/)
    assert.equal(rig.stats.reader.idle, 1)
  })

  it('disposed twice, or after its release, says nothing', async () => {
    const { rig, lease } = await scene()
    await lease.release()
    await lease[Symbol.asyncDispose]()
    await lease[Symbol.asyncDispose]()
    assert.equal(rig.stats.reader.released, 1)
  })

  it('passes an error of the database on untouched, and counts it', async () => {
    const { rig, lease, connection } = await scene()
    const failure = Object.assign(new Error('no such table'), { code: 'SQLITE_ERROR' })
    connection.next('SELECT', failure)
    const call = watch(lease.all('SELECT'))
    await rig.settle()
    assert.equal(call.error, failure)
    const [event] = rig.eventsOf('statement')
    assert.deepEqual([event?.sql, event?.errorCode], ['SELECT', 'SQLITE_ERROR'])
    assert.equal(rig.stats.operationMs.count, 1)
  })

  it('on a reader says what to do about a statement that writes', async () => {
    const { rig, lease, connection } = await scene()
    const failure = Object.assign(new Error('attempt to write a readonly database'), {
      code: 'SQLITE_READONLY',
    })
    connection.next('INSERT', failure)
    await assert.rejects(lease.run('INSERT'), {
      code: 'LEASE_READ_ONLY',
      cause: failure,
      outcome: 'not_started',
    })
    const writer = await rig.pool.acquire({ mode: 'write' })
    rig.writer.next('INSERT', failure)
    await assert.rejects(writer.run('INSERT'), failure)
  })
})

describe('what a lease says of itself', () => {
  it('is who it is, and which connection it has', async () => {
    const { rig, lease } = await scene()
    const writer = await rig.pool.acquire({ mode: 'write', label: 'import' })
    assert.deepEqual(
      [lease.id, lease.role, lease.connectionId, lease.label, lease.trace],
      [1, 'reader', 2, null, null],
    )
    assert.deepEqual(
      [writer.id, writer.role, writer.connectionId, writer.label],
      [2, 'writer', 1, 'import'],
    )
  })

  it('is what was asked last, and whether a transaction is open, until its release', async () => {
    const { lease } = await scene()
    assert.deepEqual([lease.statementCount, lease.lastSql, lease.inTransaction], [0, null, false])
    await lease.exec('BEGIN')
    assert.deepEqual([lease.statementCount, lease.lastSql, lease.inTransaction], [1, 'BEGIN', true])
    await lease.release()
    assert.deepEqual([lease.isReleased, lease.inTransaction], [true, false])
  })
})

describe('the end of a lease', () => {
  it('by destroy costs the connection', async () => {
    const { rig, lease, connection } = await scene()
    await lease.destroy()
    await rig.settle()
    assert.equal(connection.isClosed, true)
    assert.equal(rig.stats.reader.closed.discarded, 1)
  })

  it('by disposal waits for a release that is under way', async () => {
    const { rig, lease, connection } = await scene()
    await lease.exec('BEGIN')
    const held = connection.hold('reset')
    const ends = [watch(lease.release()), watch(lease[Symbol.asyncDispose]())]
    await rig.settle()
    assert.deepEqual(
      ends.map(({ state }) => state),
      ['pending', 'pending'],
    )
    assert.equal(lease.inTransaction, false, 'what is being cleaned is its no more')
    held.resolve(undefined)
    await rig.settle()
    assert.deepEqual(
      ends.map(({ state }) => state),
      ['fulfilled', 'fulfilled'],
    )
  })

  it('a second time is counted, unless it was taken away', async () => {
    const { rig, lease } = await scene()
    await lease.release()
    await assert.rejects(lease.release())
    await assert.rejects(lease.destroy())
    assert.equal(rig.stats.reader.doubleReleased, 2)
    const other = await rig.pool.acquire()
    watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(0)
    await assert.rejects(other.release(), { code: 'POOL_CLOSED' })
    assert.equal(rig.stats.reader.doubleReleased, 2)
  })
})

describe('a cursor of a lease', () => {
  it('is closed by hand, before the release or after it', async () => {
    for (const isReleased of [true, false]) {
      const { lease, connection } = await scene()
      const cursor = await lease.iterate('SELECT')
      assert.equal((await cursor.next())?.length, 2)
      if (isReleased) await lease.release()
      await cursor.close()
      assert.equal(connection.openCursorCount, 0)
      assert.equal(connection.calls.includes('closeCursor'), !isReleased)
    }
  })
})

describe('Statement.iterate', () => {
  it('yields every row and leaves no cursor', async () => {
    const { lease, connection } = await scene()
    const ids: unknown[] = []
    for await (const row of lease.prepare('SELECT').iterate()) ids.push(row['id'])
    assert.deepEqual(ids, [1, 2, 3])
    assert.equal(connection.openCursorCount, 0)
  })

  const exits: readonly { name: string; leave: () => void; error?: RegExp }[] = [
    { name: 'break', leave: () => undefined },
    {
      name: 'throw',
      leave: () => {
        throw new Error('enough')
      },
      error: /enough/,
    },
  ]
  for (const { name, leave, error } of exits) {
    it(`closes its cursor when the loop is left by ${name}`, async () => {
      const { lease, connection } = await scene()
      const read = async (): Promise<void> => {
        for await (const row of lease.prepare('SELECT').iterate()) {
          assert.equal(row['id'], 1)
          leave()
          break
        }
      }
      if (error === undefined) await read()
      else await assert.rejects(read(), error)
      assert.equal(connection.openCursorCount, 0)
      await lease.release()
      assert.equal(connection.calls.includes('reset'), false, 'nothing was left to clean')
    })
  }

  it('refuses to go on after the release, and its end is quiet', async () => {
    const { rig, lease, connection } = await scene()
    const rows = lease.prepare('SELECT').iterate()
    await rows.next()
    await rows.next()
    await lease.release()
    assert.equal(connection.calls.at(-1), 'reset')
    await assert.rejects(rows.next(), { code: 'LEASE_RELEASED' })
    assert.deepEqual(await rows.next(), { done: true, value: undefined })
    assert.equal(rig.stats.reader.dirtyReleased, 1)
  })

  it('left for good costs a reset and nothing else', async () => {
    const { rig, lease } = await scene()
    await lease.prepare('SELECT').iterate().next()
    await lease.release()
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.dirtyReleased], [1, 1])
  })
})
