import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask } from '../testing/asked.ts'
import { ONE_READER, held } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'

describe('a lost connection', () => {
  it('that was idle is no longer there, and is replaced after a pause', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.database.of('reader')[0]!.lose()
    rig.assertInvariants()
    assert.equal(rig.stats.reader.size, 0)
    assert.equal(rig.stats.reader.closed.lost, 1)
    const [event] = rig.eventsOf('connection.closed')
    assert.deepEqual([event?.reason, event?.error], ['lost', 'the thread ended'])
    const asked = ask(rig)
    await rig.advance(49)
    assert.equal(asked.state, 'pending')
    await rig.advance(1)
    assert.equal(asked.state, 'fulfilled')
  })

  it('in use leaves its lease without one: calls reject, release is quiet, the count is right', async () => {
    const { rig, holder } = await held()
    const waiter = ask(rig)
    rig.database.of('reader')[0]!.lose()
    rig.assertInvariants()
    await assert.rejects(holder.all('SELECT'), /the thread ended/)
    await rig.advance(50)
    assert.equal(waiter.state, 'fulfilled')
    await rig.pool.release(holder)
    rig.assertInvariants()
    assert.deepEqual([rig.stats.reader.acquired, rig.stats.reader.released], [2, 1])
    assert.equal(rig.stats.reader.inUse, 1)
  })

  it('in use is still among the leases that are held', async () => {
    const { rig, holder } = await held()
    rig.database.of('reader')[0]!.lose()
    assert.deepEqual(
      rig.pool.holders('reader').map((one) => one.leaseId),
      [holder.id],
    )
    await holder.release()
    assert.deepEqual(rig.pool.holders('reader'), [])
  })

  it('is counted once, whatever its connection says later', async () => {
    const { rig, holder } = await held()
    const [lost] = rig.database.of('reader')
    lost!.lose()
    lost!.lose()
    await rig.advance(50)
    const [discarded] = rig.database.of('reader')
    await (await rig.pool.acquire()).destroy()
    discarded!.lose()
    await rig.settle()
    assert.deepEqual([rig.stats.reader.closed.lost, rig.stats.reader.closed.discarded], [1, 1])
    await holder.release()
    rig.assertInvariants()
  })

  it('while it is being reset is counted once, and replaced', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    const connection = rig.database.of('reader')[0]!
    const resetting = connection.hold('reset')
    const released = watch(holder.release())
    await rig.settle()
    connection.lose()
    resetting.reject(new Error('the thread ended'))
    await rig.settle()
    assert.equal(released.state, 'fulfilled')
    assert.deepEqual(
      [rig.stats.reader.closed.lost, rig.stats.reader.closed.error, rig.stats.reader.size],
      [1, 0, 0],
    )
    await rig.advance(50)
    assert.equal(rig.stats.reader.idle, 1)
  })

  it('the writer: it is opened again, and writers go on', async () => {
    const rig = await PoolRig.open()
    const lost = rig.writer
    const running = lost.hold('INSERT')
    const first = watch(rig.pool.run('INSERT'))
    const second = watch(rig.pool.run('UPDATE'))
    await rig.settle()
    lost.lose()
    running.reject(new Error('the thread ended'))
    await rig.settle()
    assert.equal(first.state, 'rejected')
    await rig.advance(50)
    assert.equal(second.state, 'fulfilled')
    assert.notEqual(rig.writer, lost)
    assert.deepEqual(rig.writer.calls, ['UPDATE'])
  })

  it('is not reopened in a hurry when it dies each time', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const before = rig.database.attemptCount
    for (let ms = 0; ms < 3000; ms += 10) {
      for (const reader of rig.database.of('reader')) reader.lose()
      await rig.clock.advanceInSteps(10)
    }
    rig.assertInvariants()
    assert.equal(rig.database.attemptCount - before, 5)
  })
})
