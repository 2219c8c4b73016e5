import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, codeOf } from '../testing/asked.ts'
import { ONE_READER, held } from '../testing/one-reader.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import type { PoolError } from './errors.ts'

describe('deadlines', () => {
  it('end a wait at their time, with the numbers and the holder', async () => {
    const { rig } = await held()
    const b = ask(rig, { timeoutMs: 300 })
    await rig.advance(299)
    assert.equal(b.state, 'pending')
    await rig.advance(1)
    const error = b.error as PoolError
    assert.equal(error.code, 'POOL_ACQUIRE_TIMEOUT')
    assert.equal(error.outcome, 'not_started')
    assert.equal(
      error.message,
      'no reader became free in 300 ms: 1 of 1 in use, 0 waiting; connection 2 held 300 ms by "holder"',
    )
    assert.equal(error.details['position'], 1)
    assert.equal(error.details['longestHeldMs'], 300)
    assert.equal(error.holders[0]?.label, 'holder')
    assert.notEqual(error.hint, '')
    assert.equal(rig.stats.reader.failed.timeout, 1)
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  it('are the default of the pool unless the call has its own', async () => {
    const { rig } = await held({ acquireTimeoutMs: 700 })
    const [byDefault, own] = [ask(rig), ask(rig, { timeoutMs: 900 })]
    await rig.advance(700)
    assert.deepEqual([byDefault.state, own.state], ['rejected', 'pending'])
  })

  it('are each their own, whatever the order of coming', async () => {
    const { rig, holder } = await held()
    const limits = [500, 100, 300, Number.POSITIVE_INFINITY, 200]
    const asked = limits.map((timeoutMs) => ask(rig, { timeoutMs }))
    for (const timeMs of [100, 200, 300, 500]) {
      await rig.advance(timeMs - rig.clock.nowMs())
      const states = limits.map((limitMs) => (limitMs <= timeMs ? 'rejected' : 'pending'))
      assert.deepEqual(
        asked.map((one) => one.state),
        states,
      )
    }
    await holder.release()
    await rig.settle()
    assert.equal(asked[3]!.state, 'fulfilled')
  })

  //  time   A (limit 1,000)        the connection
  //     0   acquire …              held
  //   900                          released dirty, and its reset fails → replaced: opening …
  //   990                          opening fails …                      → A gets that at once
  //  here the opening hangs instead: A must hear at 1,000, not at 900 + 1,000
  it('are absolute: a reset or an opening in between does not extend them', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    rig.database.of('reader')[0]!.next('reset', new Error('cannot roll back'))
    const a = ask(rig, { timeoutMs: 1000 })
    await rig.advance(900)
    rig.database.opening = 'by hand'
    await holder.release()
    await rig.advance(99)
    assert.equal(a.state, 'pending')
    assert.equal(rig.stats.reader.opening, 1)
    await rig.advance(1)
    assert.equal(codeOf(a), 'POOL_ACQUIRE_TIMEOUT')
    rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.equal(rig.stats.reader.idle, 1)
  })

  it('leave nothing behind: 10,000 that expire together do not hide the one that waits on', async () => {
    const { rig, holder } = await held({ maxWaiters: 20_000 })
    const dead = Array.from({ length: 10_000 }, () => ask(rig, { timeoutMs: 100 }))
    const alive = ask(rig, { timeoutMs: 200 })
    await rig.advance(100)
    assert.equal(rig.stats.reader.waiting, 1)
    assert.ok(dead.every((one) => one.state === 'rejected'))
    assert.deepEqual(
      dead.slice(0, 3).map((one) => (one.error as PoolError).details['position']),
      [1, 2, 3],
    )
    await holder.release()
    await rig.settle()
    assert.equal(alive.state, 'fulfilled')
    assert.equal(rig.stats.reader.waiting, 0)
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  it('hold, even when a listener ends other waits while it hears of one', async () => {
    const { rig } = await held()
    const controller = new AbortController()
    const first = ask(rig, { timeoutMs: 100 })
    const aborted = ask(rig, { timeoutMs: 200, signal: controller.signal })
    const last = ask(rig, { timeoutMs: 300 })
    rig.onEvent = (event) => {
      if (event.type === 'acquire' && event.outcome === 'timeout') controller.abort()
    }
    await rig.advance(300)
    assert.deepEqual(
      [first, aborted, last].map((one) => one.state),
      ['rejected', 'rejected', 'rejected'],
    )
  })

  it('do not let the process end while somebody waits without one', async () => {
    const { rig, holder } = await held()
    const patient = ask(rig, { timeoutMs: Number.POSITIVE_INFINITY })
    await rig.settle()
    assert.equal(rig.clock.vitalTimerCount, 1)
    await rig.advance(60_000)
    assert.equal(patient.state, 'pending')
    await holder.release()
    await rig.settle()
    assert.equal(patient.state, 'fulfilled')
    assert.equal(rig.clock.vitalTimerCount, 0)
  })
})

describe('timeoutMs 0', () => {
  it('takes what is free', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const lease = await rig.pool.acquire({ timeoutMs: 0 })
    await lease.release()
  })

  it('refuses at once what is not', async () => {
    const { rig } = await held()
    const asked = ask(rig, { timeoutMs: 0 })
    await rig.settle()
    assert.equal(codeOf(asked), 'POOL_ACQUIRE_TIMEOUT')
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  it('has a connection opened for the next one, so that such callers are served at all', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 2 }, acquireTimeoutMs: 0 })
    const tooEarly = ask(rig)
    await rig.settle()
    assert.equal(codeOf(tooEarly), 'POOL_ACQUIRE_TIMEOUT')
    const next = await rig.pool.acquire()
    await next.release()
    assert.equal(rig.stats.reader.opened, 1)
  })
})
