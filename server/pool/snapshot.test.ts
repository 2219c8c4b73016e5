import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const SNAPSHOT = 'BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1'

describe('Pool.snapshot', () => {
  it('is a lease on a reader whose moment is the one of the call', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const { timerCount } = rig.clock
    const lease = await rig.pool.snapshot({ maxAgeMs: 1000, label: 'export' })
    assert.deepEqual([lease.role, lease.label, lease.inTransaction], ['reader', 'export', true])
    await lease.all('SELECT')
    await lease.release()
    assert.deepEqual(rig.database.of('reader')[0]?.calls, [SNAPSHOT, 'SELECT', 'reset'])
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.dirtyReleased], [1, 0])
    assert.equal(rig.clock.timerCount, timerCount)
  })

  it('ends by itself at its age, however much it is used', async () => {
    const rig = await PoolRig.open({ ...ONE_READER, idleInTransactionTimeoutMs: 10 })
    const { timerCount } = rig.clock
    const lease = await rig.pool.snapshot({ maxAgeMs: 1000 })
    await rig.advance(999)
    await lease.all('SELECT')
    await rig.advance(1)
    assert.equal(lease.isReleased, true)
    for (const call of [lease.all('SELECT'), lease.release()]) {
      await assert.rejects(call, { code: 'SNAPSHOT_EXPIRED', outcome: 'rolled_back' })
    }
    await lease[Symbol.asyncDispose]()
    const { idle, dirtyReleased, revoked, doubleReleased } = rig.stats.reader
    assert.deepEqual([idle, dirtyReleased, revoked, doubleReleased], [1, 0, 1, 0])
    assert.equal(rig.clock.timerCount, timerCount)
  })

  it('is the pool’s to end, and has savepoints inside of it', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await using lease = await rig.pool.snapshot({ maxAgeMs: 1000 })
    await assert.rejects(lease.exec('COMMIT'), { code: 'TRANSACTION_CONTROL' })
    await lease.transaction((db) => db.all('SELECT'))
    const verbs = rig.database.of('reader')[0]!.calls.map((sql) => sql.split(/[ ;]/)[0])
    assert.deepEqual(verbs, ['BEGIN', 'SAVEPOINT', 'SELECT', 'RELEASE'])
  })

  for (const maxAgeMs of [undefined, 0, -1, 1.5, Number.NaN, Infinity, '1000', 2 ** 31]) {
    it(`refuses maxAgeMs ${String(maxAgeMs)}, and acquires nothing`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      const call = rig.pool.snapshot({ maxAgeMs: maxAgeMs as number })
      await assert.rejects(call, { code: 'POOL_INVALID_OPTION' })
      assert.equal(rig.stats.reader.acquired, 0)
    })
  }

  it('takes the longest time that a timer takes', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await (await rig.pool.snapshot({ maxAgeMs: 2 ** 31 - 1 })).release()
  })

  it('refuses nothing at all as its options', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await assert.rejects(rig.pool.snapshot(undefined as never), { code: 'POOL_INVALID_OPTION' })
  })

  it('that cannot begin gives its reader back', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const failure = Object.assign(new Error('no'), { code: 'SQLITE_IOERR' })
    rig.database.of('reader')[0]!.next(SNAPSHOT, failure)
    await assert.rejects(rig.pool.snapshot({ maxAgeMs: 1000 }), failure)
    assert.equal(rig.stats.reader.idle, 1)
  })
})

describe('Pool.readAfterWrite', () => {
  it('reads after every write that was asked for before, and not after later ones', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const [reader] = rig.database.of('reader')
    const held = [rig.writer.hold('INSERT 1'), rig.writer.hold('INSERT 2')]
    const writes = [watch(rig.pool.run('INSERT 1')), watch(rig.pool.run('INSERT 2'))]
    await rig.settle()
    const read = watch(rig.pool.readAfterWrite((db) => db.all('SELECT')))
    await rig.settle()
    const later = rig.writer.hold('INSERT 3')
    writes.push(watch(rig.pool.run('INSERT 3')))
    for (const one of held) {
      assert.deepEqual(reader?.calls, [])
      one.resolve(undefined)
      await rig.settle()
    }
    assert.equal(read.state, 'fulfilled')
    assert.deepEqual(reader?.calls, [SNAPSHOT, 'SELECT', 'COMMIT'])
    assert.deepEqual(
      writes.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'pending'],
    )
    later.resolve(undefined)
    await rig.settle()
  })

  it('is on the one connection of a pool of size 1 too', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 0 } })
    assert.equal(await rig.pool.readAfterWrite(() => 7), 7)
    assert.deepEqual(rig.writer.calls, [SNAPSHOT, 'COMMIT'])
  })

  //  time   writer   reader   the call (100 ms in all)
  //     0   held     held     waits for the writer
  //    60   free     held     waits for the reader
  //   100                     POOL_ACQUIRE_TIMEOUT
  for (const timeoutMs of [100, undefined]) {
    it(`has one deadline, ${timeoutMs === undefined ? 'the pool’s' : 'its own'}, for both`, async () => {
      const rig = await PoolRig.open({ ...ONE_READER, acquireTimeoutMs: timeoutMs ?? 100 })
      const writer = await rig.pool.acquire({ mode: 'write' })
      await rig.pool.acquire()
      const options = timeoutMs === undefined ? undefined : { timeoutMs }
      const call = watch(rig.pool.readAfterWrite(() => 7, options))
      await rig.advance(60)
      await writer.release()
      await rig.advance(39)
      assert.equal(call.state, 'pending')
      await rig.advance(1)
      assert.equal((call.error as PoolError).code, 'POOL_ACQUIRE_TIMEOUT')
      assert.deepEqual([rig.stats.reader.waiting, rig.stats.writer.idle], [0, 1])
    })
  }

  it('inside a transaction would wait for it, and is told', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.transaction(async () => {
      const call = rig.pool.readAfterWrite(() => 7)
      await assert.rejects(call, { code: 'POOL_DEADLOCK' })
    })
  })

  it('refuses what is no function, and a wrong option, before it acquires', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await assert.rejects(rig.pool.readAfterWrite(undefined as never), TypeError)
    const wrong = rig.pool.readAfterWrite(() => 7, { timeoutMs: Number.NaN })
    await assert.rejects(wrong, { code: 'POOL_INVALID_OPTION' })
    assert.equal(rig.stats.writer.acquired, 0)
  })
})
