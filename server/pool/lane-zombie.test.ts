import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask } from '../testing/asked.ts'
import { ONE_READER, held } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import { PoolError } from './errors.ts'

/** A reader's lease that was given back while SQLite still ran its statement. */
async function buried(): Promise<{ rig: PoolRig; answer: PromiseWithResolvers<unknown> }> {
  const rig = await PoolRig.open(ONE_READER)
  const answer = rig.database.of('reader')[0]!.hold('SELECT slow')
  const controller = new AbortController()
  const lease = await rig.pool.acquire()
  const stopped = watch(lease.all('SELECT slow', [], { signal: controller.signal }))
  controller.abort()
  await rig.settle()
  assert.equal(stopped.error, controller.signal.reason)
  await lease.release()
  return { rig, answer }
}

describe('a connection whose statement runs on when its caller has left', () => {
  //  statement     runs ──────────────────────────────── ends · reset
  //  its caller    aborts, releases
  //  the slot      in use  → zombie ──────────────────── → resetting → who waits
  it("is nobody's until it ends; then it is reset and serves again", async () => {
    const { rig, answer } = await buried()
    const { reader } = rig.stats
    assert.deepEqual([reader.zombie, reader.inUse, reader.size, reader.released], [1, 0, 1, 1])
    const waiter = ask(rig, { timeoutMs: 60_000 })
    await rig.advance(10_000)
    assert.equal(waiter.state, 'pending')
    const resetting = rig.database.of('reader')[0]!.hold('reset')
    answer.resolve([])
    await rig.settle()
    assert.deepEqual([reader.zombie, reader.resetting], [0, 1])
    resetting.resolve(undefined)
    await rig.settle()
    assert.equal(waiter.state, 'fulfilled')
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['SELECT slow', 'reset'])
  })

  it('makes place for another when its thread ends', async () => {
    const { rig, answer } = await buried()
    rig.database.of('reader')[0]!.lose()
    answer.reject(new Error('the thread ended'))
    await rig.settle()
    assert.deepEqual([rig.stats.reader.zombie, rig.stats.reader.size], [0, 0])
    await rig.advance(50)
    assert.equal(rig.stats.reader.idle, 1)
    assert.equal(rig.stats.reader.closed.lost, 1)
  })

  it('is closed and not reset when the pool has closed meanwhile', async () => {
    const { rig, answer } = await buried()
    const [connection] = rig.database.of('reader')
    rig.pool.fail(new PoolError('DB_REPLACED', 'another file is there'))
    answer.resolve([])
    await rig.settle()
    assert.deepEqual(connection!.calls, ['SELECT slow', 'close'])
    assert.equal(rig.stats.reader.size, 0)
  })

  it('of a lease that is destroyed is closed at once', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.database.of('reader')[0]!.hold('SELECT slow')
    const controller = new AbortController()
    const lease = await rig.pool.acquire()
    const stopped = watch(lease.all('SELECT slow', [], { signal: controller.signal }))
    controller.abort()
    await rig.settle()
    assert.equal(stopped.state, 'rejected')
    await lease.destroy()
    await rig.settle()
    assert.deepEqual([rig.stats.reader.zombie, rig.stats.reader.closed.discarded], [0, 1])
  })

  it('waits with its release for a statement whose caller still waits', async () => {
    const { rig, holder } = await held()
    const answer = rig.database.of('reader')[0]!.hold('SELECT')
    const running = watch(holder.all('SELECT'))
    const released = watch(holder.release())
    await rig.settle()
    assert.deepEqual([rig.stats.reader.inUse, released.state], [1, 'pending'])
    answer.resolve([])
    await rig.settle()
    assert.deepEqual([running.state, released.state], ['fulfilled', 'fulfilled'])
    assert.equal(rig.stats.reader.idle, 1)
  })
})
