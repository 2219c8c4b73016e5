import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, codeOf } from '../testing/asked.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import type { PoolError } from './errors.ts'

describe('opening', () => {
  it('opens readers when they are wanted, never more than are waited for, never above the maximum', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 3 } })
    assert.equal(rig.database.of('reader').length, 0)
    rig.database.opening = 'by hand'
    const asked = [ask(rig), ask(rig)]
    assert.equal(rig.database.pending.length, 2)
    asked.push(ask(rig), ask(rig), ask(rig))
    assert.equal(rig.database.pending.length, 3)
    while (rig.database.pending.length > 0) rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.deepEqual(
      asked.map((one) => one.state),
      ['fulfilled', 'fulfilled', 'fulfilled', 'pending', 'pending'],
    )
    assert.equal(rig.eventsOf('connection.opened').length, 4)
    assert.ok(rig.eventsOf('acquire').every((event) => event.hasOpened))
  })

  it('serves the oldest waiter with whatever comes first, opened or released', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 2 } })
    const holder = await rig.pool.acquire()
    rig.database.opening = 'by hand'
    const waiter = ask(rig)
    await holder.release()
    await rig.settle()
    assert.equal(waiter.value.connectionId, holder.connectionId)
    rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.equal(rig.stats.reader.idle, 1)
  })

  it('that fails refuses the oldest waiter with the reason, and nobody else', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 } })
    rig.database.opening = 'by hand'
    const [first, second] = [ask(rig), ask(rig)]
    const cause = Object.assign(new Error('too many open files'), { code: 'SQLITE_CANTOPEN' })
    rig.database.pending[0]!.fail(cause)
    await rig.settle()
    assert.equal(codeOf(first), 'POOL_OPEN_FAILED')
    assert.equal((first.error as PoolError).cause, cause)
    assert.equal((first.error as PoolError).outcome, 'not_started')
    assert.equal(second.state, 'pending')
    assert.equal(rig.stats.reader.failed.open_failed, 1)
    assert.equal(rig.stats.reader.size, 0)
  })

  it('is not repeated in a hurry: timers go on, waiters hear the cause, and it heals', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 } })
    rig.database.opening = new Error('no such disk')
    const before = rig.database.attemptCount
    const asked = Array.from({ length: 20 }, () => ask(rig, { timeoutMs: 2000 }))
    await rig.advance(0)
    assert.equal(rig.database.attemptCount - before, 1)
    await rig.advance(1999)
    // 0, 50, 150, 350, 750, 1,550 ms
    assert.equal(rig.database.attemptCount - before, 6)
    await rig.advance(1)
    const timedOut = asked.filter((one) => codeOf(one) === 'POOL_ACQUIRE_TIMEOUT')
    assert.equal(timedOut.length, 14)
    assert.equal(((timedOut[0]!.error as PoolError).cause as Error).message, 'no such disk')
    rig.database.opening = 'at once'
    await rig.advance(2000)
    const healed = await rig.pool.acquire()
    await healed.release()
  })

  it('that throws at once is a failure like any other, and does not hang the process', async () => {
    const rig = new PoolRig({ readers: { min: 3, max: 3 } })
    const refusal = (): never => {
      throw new Error('unheard of')
    }
    rig.database.opening = (role) => (role === 'reader' ? refusal() : 'at once')
    await assert.rejects(rig.pool.open(), { code: 'POOL_OPEN_FAILED', message: /unheard of/ })
    assert.equal(rig.clock.timerCount, 0)
    assert.deepEqual(rig.database.alive, [])
  })
})
