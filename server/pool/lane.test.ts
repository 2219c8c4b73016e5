import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { describe, it } from 'node:test'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import { plainRequest } from '../testing/bare-pool.ts'
import { watch, type Watched } from '../testing/watched.ts'
import type { CallOptions } from './acquire-request.ts'
import { PoolError } from './errors.ts'
import { type Lane, RESET_LIMIT_MS } from './lane.ts'
import { Lease } from './lease.ts'

const ONE_READER: RigOptions = { readers: { min: 1, max: 1 } }

/** An acquire under way. */
function ask(rig: PoolRig, options: CallOptions = {}): Watched<Lease> {
  return watch(rig.pool.acquire(options))
}

function codeOf(asked: Watched<Lease>): string {
  return (asked.error as PoolError).code
}

/** A pool whose only reader is held. */
async function held(options: RigOptions = ONE_READER): Promise<{ rig: PoolRig; holder: Lease }> {
  const rig = await PoolRig.open(options)
  return { rig, holder: await rig.pool.acquire({ label: 'holder' }) }
}

describe('waiting', () => {
  //  step  A           B            C            reader lane (max 1)
  //   1    acquire ✓                             inUse 1
  //   2                acquire …                 waiting 1
  //   3                             acquire …    waiting 2
  //   4    release  →  ✓                         inUse 1, waiting 1: handed over, never idle
  //   5                release   →  ✓            inUse 1, waiting 0
  it('serves in the order of coming, by hand-off', async () => {
    const { rig, holder } = await held()
    const b = ask(rig)
    const c = ask(rig)
    await rig.settle()
    assert.equal(rig.stats.reader.waiting, 2)
    await holder.release()
    await rig.settle()
    assert.deepEqual([b.state, c.state], ['fulfilled', 'pending'])
    assert.equal(rig.stats.reader.idle, 0)
    await b.value.release()
    await rig.settle()
    assert.equal(c.state, 'fulfilled')
    await c.value.release()
    assert.equal(rig.stats.reader.idle, 1)
  })

  //  step  A           B            newcomer     reader lane (max 1)
  //   1    acquire ✓   acquire …                 waiting 1
  //   2    release  →  ✓                         granted in this very step
  //   3                             acquire …    in the same tick, before B has run: it must wait
  it('lets no newcomer barge in between a release and its waiter', async () => {
    const { rig, holder } = await held()
    const b = ask(rig)
    void holder.release()
    const newcomer = ask(rig)
    await rig.settle()
    assert.deepEqual([b.state, newcomer.state], ['fulfilled', 'pending'])
  })

  it('lets no newcomer barge in while the connection is being reset', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    const resetting = rig.database.of('reader')[0]!.hold('reset')
    const b = ask(rig)
    void holder.release()
    await rig.settle()
    assert.equal(rig.stats.reader.resetting, 1)
    const newcomer = ask(rig)
    resetting.resolve(undefined)
    await rig.settle()
    assert.deepEqual([b.state, newcomer.state], ['fulfilled', 'pending'])
  })

  it('does not let readers wait for the writer, nor the writer for readers', async () => {
    const { rig } = await held()
    const reading = ask(rig)
    await rig.pool.run('INSERT')
    await rig.settle()
    assert.equal(reading.state, 'pending')
  })

  it('grants the most recently used idle connection', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    const [a, b] = [await rig.pool.acquire(), await rig.pool.acquire()]
    await b.release()
    await a.release()
    const next = await rig.pool.acquire()
    assert.equal(next.connectionId, a.connectionId)
  })

  it('tells how long a caller waited, behind whom, and who served it', async () => {
    const { rig, holder } = await held()
    const b = ask(rig, { label: 'b' })
    await rig.advance(120)
    await holder.release()
    await rig.settle()
    const [event] = rig.eventsOf('acquire')
    assert.equal(event?.outcome, 'granted')
    assert.equal(event.waitMs, 120)
    assert.equal(event.queueDepth, 0)
    assert.equal(event.label, 'b')
    assert.equal(event.startedAtMs, rig.clock.timeOriginMs)
    assert.equal(event.connectionId, b.value.connectionId)
    assert.equal(event.releasedBy?.label, 'holder')
    assert.deepEqual(
      event.holders.map((one) => one.leaseId),
      [holder.id],
    )
  })

  it('makes no event of an acquire that did not wait', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const lease = await rig.pool.acquire()
    await lease.release()
    assert.equal(rig.eventsOf('acquire').length, 0)
    assert.equal(rig.stats.reader.waitMs.count, 1)
  })
})

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
    const { rig } = await held({ ...ONE_READER, acquireTimeoutMs: 700 })
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
    const { rig, holder } = await held({ ...ONE_READER, maxWaiters: 20_000 })
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

describe('what a call takes', () => {
  const cases: readonly { name: string; options: unknown; says: RegExp }[] = [
    { name: 'timeoutMs NaN', options: { timeoutMs: Number.NaN }, says: /timeoutMs .* is NaN/ },
    { name: 'timeoutMs −1', options: { timeoutMs: -1 }, says: /timeoutMs .* is -1/ },
    { name: 'timeoutMs "5"', options: { timeoutMs: '5' }, says: /timeoutMs .* is '5'/ },
    { name: 'timeoutMs null', options: { timeoutMs: null }, says: /timeoutMs .* is null/ },
    { name: 'mode "both"', options: { mode: 'both' }, says: /mode must be read or write/ },
    { name: 'a label of 7', options: { label: 7 }, says: /label must be a string/ },
    { name: 'a signal that is none', options: { signal: {} }, says: /signal .* AbortSignal/ },
  ]
  for (const { name, options, says } of cases) {
    it(`refuses ${name}, and nobody is left in the queue`, async () => {
      const { rig } = await held()
      const asked = ask(rig, options as CallOptions)
      await rig.settle()
      assert.equal(codeOf(asked), 'POOL_INVALID_OPTION')
      assert.match((asked.error as Error).message, says)
      assert.equal(rig.stats.reader.waiting, 0)
    })
  }

  it('is the same when nothing is to be waited for', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await assert.rejects(rig.pool.acquire({ timeoutMs: Number.NaN }), {
      code: 'POOL_INVALID_OPTION',
    })
    assert.equal(rig.stats.reader.acquired, 0)
  })
})

describe('abort', () => {
  it('refuses a caller whose signal is aborted already, without a side effect', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const reason = new Error('gone')
    const asked = ask(rig, { signal: AbortSignal.abort(reason) })
    await rig.settle()
    assert.equal(asked.error, reason)
    assert.equal(rig.stats.reader.acquired, 0)
    assert.equal(rig.stats.reader.failed.aborted, 1)
  })

  //  step  A           B            pool (max 1)
  //   1    acquire ✓   acquire …    waiting 1
  //   2                aborts ✗     waiting 0
  //   3    release                  idle 1      ← not handed to B
  it('takes a waiter out at once', async () => {
    const { rig, holder } = await held()
    const controller = new AbortController()
    const b = ask(rig, { signal: controller.signal })
    const c = ask(rig)
    const reason = new Error('the client has gone')
    controller.abort(reason)
    assert.equal(rig.stats.reader.waiting, 1)
    await rig.settle()
    assert.equal(b.error, reason)
    await holder.release()
    await rig.settle()
    assert.equal(c.state, 'fulfilled')
  })

  //  one tick, in both orders: exactly one of the two wins, and the connection is not lost
  const orders = [
    { name: 'abort, then release', isAbortFirst: true, b: 'rejected', idle: 1 },
    { name: 'release, then abort', isAbortFirst: false, b: 'fulfilled', idle: 0 },
  ] as const
  for (const { name, isAbortFirst, b: expected, idle } of orders) {
    it(`in the same tick as a release loses nothing: ${name}`, async () => {
      const { rig, holder } = await held()
      const controller = new AbortController()
      const b = ask(rig, { signal: controller.signal })
      if (isAbortFirst) controller.abort()
      void holder.release()
      if (!isAbortFirst) controller.abort()
      await rig.settle()
      assert.equal(b.state, expected)
      assert.equal(rig.stats.reader.idle, idle)
      if (expected === 'fulfilled') await b.value.release()
      assert.equal(rig.stats.reader.idle, 1)
    })
  }

  it('in the same tick as the deadline settles the wait once', async () => {
    const { rig } = await held()
    const controller = new AbortController()
    const b = ask(rig, { signal: controller.signal, timeoutMs: 100 })
    rig.clock.advance(100)
    controller.abort()
    await rig.settle()
    assert.equal(codeOf(b), 'POOL_ACQUIRE_TIMEOUT')
    assert.deepEqual(
      [rig.stats.reader.failed.timeout, rig.stats.reader.failed.aborted, rig.stats.reader.waiting],
      [1, 0, 0],
    )
  })

  it('leaves no listener on the signal, however the wait ended', async (t) => {
    const { rig, holder } = await held()
    const controller = new AbortController()
    const { signal } = controller
    const add = t.mock.method(signal, 'addEventListener')
    const remove = t.mock.method(signal, 'removeEventListener')
    const listenerCount = (): number => add.mock.callCount() - remove.mock.callCount()
    const served = ask(rig, { signal })
    ask(rig, { signal, timeoutMs: 10 })
    assert.equal(listenerCount(), 2)
    await rig.advance(10)
    assert.equal(listenerCount(), 1)
    await holder.release()
    await served.promise
    assert.equal(listenerCount(), 0)
  })

  it('after the grant lets no further statement be sent, and the lease still be released', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const controller = new AbortController()
    const lease = await rig.pool.acquire({ signal: controller.signal })
    assert.equal((await lease.all('SELECT')).length, 3)
    controller.abort()
    await assert.rejects(lease.all('SELECT'), controller.signal.reason as Error)
    await lease.release()
    assert.equal(rig.stats.reader.idle, 1)
  })
})

describe('a full queue', () => {
  it('refuses the next at once, over both lanes, and takes again when someone has left', async () => {
    const { rig } = await held({ ...ONE_READER, maxWaiters: 2 })
    await rig.pool.acquire({ mode: 'write' })
    const controller = new AbortController()
    ask(rig, { signal: controller.signal })
    ask(rig, { mode: 'write' })
    const refused = [ask(rig), ask(rig, { mode: 'write' })]
    await rig.settle()
    assert.deepEqual(refused.map(codeOf), ['POOL_QUEUE_FULL', 'POOL_QUEUE_FULL'])
    assert.deepEqual(
      [rig.stats.reader.failed.queue_full, rig.stats.writer.failed.queue_full],
      [1, 1],
    )
    controller.abort()
    const next = ask(rig)
    await rig.settle()
    assert.equal(next.state, 'pending')
  })

  it('of length 0 lets nobody wait for others, only for a connection that is opened for them', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 }, maxWaiters: 0 })
    const first = ask(rig)
    const second = ask(rig)
    await rig.settle()
    assert.equal(first.state, 'fulfilled')
    assert.equal(codeOf(second), 'POOL_QUEUE_FULL')
  })
})

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

describe('release', () => {
  it('of a clean connection asks nothing of it', async () => {
    const { rig, holder } = await held()
    await holder.all('SELECT')
    await holder.release()
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['SELECT'])
  })

  const dirt = [
    { name: 'an open transaction', soil: (lease: Lease) => lease.exec('BEGIN') },
    { name: 'an open iterator', soil: (lease: Lease) => lease.iterate('SELECT') },
  ]
  for (const { name, soil } of dirt) {
    it(`resets ${name} before anyone gets the connection, and counts it`, async () => {
      const { rig, holder } = await held()
      await soil(holder)
      const waiter = ask(rig)
      await holder.release()
      await rig.settle()
      const [connection] = rig.database.of('reader')
      assert.equal(connection?.calls.at(-1), 'reset')
      assert.deepEqual([connection.inTransaction, connection.openCursorCount], [false, 0])
      assert.equal(waiter.state, 'fulfilled')
      assert.equal(rig.stats.reader.dirtyReleased, 1)
    })
  }

  it('resets a changed pragma, which was no carelessness and is not counted', async () => {
    const { rig, holder } = await held()
    rig.database.of('reader')[0]!.isAltered = true
    await holder.release()
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['reset'])
    assert.equal(rig.stats.reader.dirtyReleased, 0)
  })

  it('whose reset fails closes the connection, says why, and serves the waiter with another', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    rig.database.of('reader')[0]!.next('reset', new Error('cannot roll back'))
    const waiter = ask(rig)
    await holder.release()
    await rig.settle()
    assert.notEqual(waiter.value.connectionId, holder.connectionId)
    assert.equal(rig.stats.reader.closed.error, 1)
    const [closed] = rig.eventsOf('connection.closed')
    assert.deepEqual([closed?.reason, closed?.error], ['error', 'cannot roll back'])
    assert.equal(rig.database.connections[1]!.isClosed, true)
  })

  it('by destroy closes the connection and serves the waiter with another', async () => {
    const { rig, holder } = await held()
    const waiter = ask(rig)
    await holder.destroy()
    await rig.settle()
    assert.notEqual(waiter.value.connectionId, holder.connectionId)
    assert.equal(rig.stats.reader.closed.discarded, 1)
  })

  it('by destroy resolves even if closing fails', async () => {
    const { rig, holder } = await held()
    rig.database.of('reader')[0]!.next('close', new Error('cannot close'))
    await holder.destroy()
    await rig.settle()
    assert.equal(rig.stats.reader.closed.discarded, 1)
  })
})

describe('release of a connection that is not clean', () => {
  //  ms       0                 4,999       5,000
  //           released dirty    resetting   closed, and another is opened for who waits
  it('whose reset hangs closes it after a limit, so that its place is not lost', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    const [connection] = rig.database.of('reader')
    const resetting = connection!.hold('reset')
    const released = watch(holder.release())
    const waiter = ask(rig, { timeoutMs: 60_000 })
    await rig.advance(RESET_LIMIT_MS - 1)
    assert.deepEqual([rig.stats.reader.resetting, waiter.state], [1, 'pending'])
    await rig.advance(1)
    assert.deepEqual([waiter.state, released.state], ['fulfilled', 'fulfilled'])
    assert.equal(rig.stats.reader.closed.error, 1)
    assert.match(rig.eventsOf('connection.closed')[0]!.error!, /longer than 5000 ms/)
    resetting.resolve(undefined)
    await rig.settle()
    assert.equal(rig.stats.reader.size, 1)
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  it('counts as carelessness an iterator that the pool did not leave open, and no transaction of its own', async () => {
    const rig = await PoolRig.open()
    rig.writer.next('COMMIT', Object.assign(new Error('no'), { code: 'SQLITE_FULL' }))
    rig.writer.next('ROLLBACK', new Error('no'))
    await assert.rejects(rig.pool.transaction((db) => db.run('INSERT')))
    await rig.settle()
    assert.equal(rig.stats.writer.dirtyReleased, 0)
  })
})

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

describe('a lease that is revoked', () => {
  const reason = new PoolError('LEASE_REVOKED', 'taken back')
  const revoke = (lease: Lease): void => {
    const hold = Lease.holdOf(lease)!
    hold.host.revoke(hold, reason)
  }

  it('gives its connection back, clean, and refuses everything with the reason', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    revoke(holder)
    revoke(holder)
    await rig.settle()
    await assert.rejects(holder.all('SELECT'), reason)
    await assert.rejects(holder.release(), reason)
    assert.deepEqual(
      [rig.stats.reader.revoked, rig.stats.reader.doubleReleased, rig.stats.reader.idle],
      [1, 0, 1],
    )
    assert.deepEqual(rig.database.of('reader')[0]!.calls, ['BEGIN', 'reset'])
  })

  it('stops what runs, tells its caller at once, and is a zombie until it ends', async () => {
    const { rig, holder } = await held()
    const [connection] = rig.database.of('reader')
    connection!.hold('SELECT slow')
    const { signal } = new AbortController()
    const running = watch(holder.all('SELECT slow', [], { signal }))
    await rig.settle()
    revoke(holder)
    await rig.settle()
    assert.equal(running.error, reason)
    assert.deepEqual(connection!.cancelled, ['SELECT slow'])
    assert.equal(rig.stats.reader.zombie, 1)
  })

  it('ends the scope that it was given to', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const scope = watch(
      rig.pool.withConnection((db) => {
        revoke(db)
        return new Promise<never>(() => undefined)
      }),
    )
    await rig.settle()
    assert.equal(scope.error, reason)
    assert.equal(rig.stats.reader.idle, 1)
  })

  it('that was released has no watch over its age any more', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const timerCount = rig.clock.timerCount
    const snapshot = await rig.pool.snapshot({ maxAgeMs: 1000 })
    assert.equal(rig.clock.timerCount, timerCount + 1)
    await snapshot.release()
    await rig.settle()
    assert.equal(rig.clock.timerCount, timerCount)
  })

  it('stops the watch over its transaction', async () => {
    const rig = await PoolRig.open({ ...ONE_READER, transactionTimeoutMs: 1000 })
    const scope = watch(
      rig.pool.transaction((db) => {
        revoke(db)
        return new Promise<never>(() => undefined)
      }),
    )
    await rig.settle()
    assert.equal(scope.error, reason)
    await rig.advance(5000)
    assert.equal(rig.stats.writer.revoked, 1)
  })
})

describe('a lane', () => {
  /** As only the pool sees it. */
  const laneOf = (lease: Lease): Lane => Lease.holdOf(lease)!.host as Lane

  it('takes a lease back once', async () => {
    const { holder } = await held()
    await holder.release()
    const hold = Lease.holdOf(holder)!
    assert.throws(() => hold.host.end(hold, false), { name: 'InvariantError', message: /^BUG: / })
  })

  it('that is shut refuses whoever comes', async () => {
    const { rig, holder } = await held()
    const lane = laneOf(holder)
    await holder.release()
    await rig.pool.close()
    await assert.rejects(lane.acquire(plainRequest()), { code: 'POOL_CLOSED' })
    assert.equal(lane.tryAcquire(plainRequest()), null)
    assert.equal(rig.stats.reader.failed.pool_closed, 1)
  })

  it('behind a barrier moves for nobody: who waits for it inside the barrier is told at once', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.barrier(async () => {
      await assert.rejects(rig.pool.acquire(), { code: 'POOL_DEADLOCK' })
    })
    assert.equal(rig.stats.reader.failed.deadlock, 1)
  })

  it('tells diagnostics_channel of every release', async (t) => {
    const heard: unknown[] = []
    const released = channel('glasspool.lease.released')
    const listener = (message: unknown): void => void heard.push(message)
    released.subscribe(listener)
    t.after(() => released.unsubscribe(listener))
    const { rig, holder } = await held()
    await rig.advance(25)
    await holder.release()
    assert.deepEqual(heard, [{ leaseId: 1, connectionId: 2, useMs: 25 }])
  })
})

describe('tryAcquire', () => {
  it('takes what is free, at once, and counts it as any other', async () => {
    const rig = await PoolRig.open(ONE_READER)
    const lease = rig.pool.tryAcquire({ label: 'now or never' })
    assert.equal(lease?.label, 'now or never')
    assert.equal(rig.pool.tryAcquire(), null)
    await lease.release()
    assert.deepEqual([rig.stats.reader.acquired, rig.stats.reader.waitMs.count], [1, 1])
  })

  it('takes nothing before those who wait', async () => {
    const { rig, holder } = await held()
    await holder.exec('BEGIN')
    const resetting = rig.database.of('reader')[0]!.hold('reset')
    const waiter = ask(rig)
    void holder.release()
    assert.equal(rig.pool.tryAcquire(), null)
    resetting.resolve(undefined)
    await rig.settle()
    assert.equal(waiter.state, 'fulfilled')
  })

  it('has one connection opened for the next caller, and one only', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 3 } })
    for (let n = 0; n < 3; n += 1) assert.equal(rig.pool.tryAcquire(), null)
    await rig.settle()
    assert.equal(rig.stats.reader.opened, 1)
    assert.notEqual(rig.pool.tryAcquire(), null)
  })

  it('gives null when the pool is closed, and hears of a failed opening from nobody', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 } })
    rig.database.opening = new Error('no such disk')
    assert.equal(rig.pool.tryAcquire(), null)
    await rig.settle()
    await rig.pool.close()
    assert.equal(rig.pool.tryAcquire(), null)
  })
})
