import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const TWO_READERS = { readers: { min: 2, max: 2 } }
const REASON = new Error('enough')

async function rigOf(options: RigOptions): Promise<PoolRig> {
  const rig = await PoolRig.open(options)
  // Whoever comes during a barrier waits, although readers are idle.
  rig.isHeldBack = true
  return rig
}

/** Reads and writes are served as if there had been no barrier, and no timer is left but the pool's own. */
async function assertLowered(rig: PoolRig, timerCount: number): Promise<void> {
  rig.isHeldBack = false
  await rig.settle()
  assert.equal(rig.clock.timerCount, timerCount)
  await rig.pool.all('SELECT after')
  await rig.pool.run('INSERT after')
  assert.equal(rig.stats.reader.waiting, 0)
}

describe('Pool.barrier', () => {
  //  step  reader 1    reader 2           the barrier          newcomer
  //   1    held        held by those before
  //   2                                   asked for: waits
  //   3                                                        waits, although
  //   4    released                       waits                one is idle
  //   5                released           runs                 waits
  //   6                                   ends                 served
  it('runs while nobody reads: it waits for those who do, and newcomers wait for it', async () => {
    const rig = await rigOf(TWO_READERS)
    const { timerCount } = rig.clock
    const holders = [await rig.pool.acquire(), await rig.pool.acquire()]
    const gate = Promise.withResolvers<number>()
    let isRunning = false
    const barrier = watch(
      rig.pool.barrier(async (db) => {
        assert.equal(db.role, 'writer')
        isRunning = true
        return gate.promise
      }),
    )
    await rig.settle()
    const newcomer = watch(rig.pool.acquire())
    await holders[0]!.release()
    await rig.settle()
    assert.deepEqual([isRunning, newcomer.state, rig.stats.reader.idle], [false, 'pending', 1])
    await holders[1]!.release()
    await rig.settle()
    assert.deepEqual([isRunning, newcomer.state], [true, 'pending'])
    gate.resolve(7)
    await rig.settle()
    assert.equal(barrier.value, 7)
    await newcomer.value.release()
    await assertLowered(rig, timerCount)
  })

  it('runs at once when nobody reads', async () => {
    for (const readers of [ONE_READER.readers, { min: 0, max: 0 }]) {
      const rig = await rigOf({ readers })
      assert.equal(await rig.pool.barrier(() => 7), 7)
      await assertLowered(rig, rig.clock.timerCount)
    }
  })

  it('is no transaction, and gives the writer back', async () => {
    const rig = await rigOf(ONE_READER)
    await rig.pool.barrier((db) => db.exec('VACUUM'))
    assert.deepEqual(rig.writer.calls, ['VACUUM'])
    assert.equal(rig.stats.writer.idle, 1)
  })

  it('lets those be served first who waited before it', async () => {
    const rig = await rigOf(ONE_READER)
    const { timerCount } = rig.clock
    const holder = await rig.pool.acquire()
    const before = watch(rig.pool.acquire())
    const barrier = watch(rig.pool.barrier(() => 7))
    await rig.settle()
    const after = watch(rig.pool.acquire())
    await holder.release()
    await rig.settle()
    assert.deepEqual(
      [before.state, barrier.state, after.state],
      ['fulfilled', 'pending', 'pending'],
    )
    await before.value.release()
    await rig.settle()
    assert.deepEqual([barrier.state, after.state], ['fulfilled', 'fulfilled'])
    await after.value.release()
    await assertLowered(rig, timerCount)
  })

  it('waits also for a reader that still runs for somebody who has left', async () => {
    const rig = await rigOf(ONE_READER)
    const controller = new AbortController()
    const held = rig.database.of('reader')[0]!.hold('SELECT')
    const read = watch(rig.pool.all('SELECT', [], { signal: controller.signal }))
    await rig.settle()
    controller.abort()
    const barrier = watch(rig.pool.barrier(() => 7))
    await rig.settle()
    assert.deepEqual([read.state, barrier.state], ['rejected', 'pending'])
    held.resolve([])
    await rig.settle()
    assert.equal(barrier.state, 'fulfilled')
  })

  //  time   writer               reader   the barrier (timeoutMs 100)
  //     0   held                 held     waits for the writer
  //    60   given to the barrier held     waits for the reader
  //   100                                 POOL_ACQUIRE_TIMEOUT
  it('has one deadline for the writer and the readers', async () => {
    const rig = await rigOf(ONE_READER)
    const { timerCount } = rig.clock
    const writer = await rig.pool.acquire({ mode: 'write' })
    const reader = await rig.pool.acquire({ label: 'report' })
    const barrier = watch(rig.pool.barrier(() => assert.fail(), { timeoutMs: 100 }))
    await rig.advance(60)
    await writer.release()
    await rig.advance(39)
    assert.equal(barrier.state, 'pending')
    await rig.advance(1)
    const { code, outcome, message, holders } = barrier.error as PoolError
    assert.deepEqual([code, outcome], ['POOL_ACQUIRE_TIMEOUT', 'not_started'])
    assert.match(message, /^1 readers/)
    assert.deepEqual([holders.length, holders[0]?.label, holders[0]?.heldMs], [1, 'report', 100])
    await reader.release()
    await assertLowered(rig, timerCount)
  })

  it('names four at most of those who kept it waiting', async () => {
    const rig = await rigOf({ readers: { min: 5, max: 5 } })
    for (let count = 0; count < 5; count += 1) await rig.pool.acquire()
    const barrier = watch(rig.pool.barrier(() => assert.fail(), { timeoutMs: 100 }))
    await rig.advance(100)
    assert.match((barrier.error as Error).message, /^5 readers/)
    assert.deepEqual(
      (barrier.error as PoolError).holders.map(({ leaseId }) => leaseId),
      [1, 2, 3, 4],
    )
  })

  it('waits for acquireTimeoutMs when nothing is said, and for ever when told so', async () => {
    for (const timeoutMs of [undefined, Number.POSITIVE_INFINITY]) {
      const rig = await rigOf({ ...ONE_READER, acquireTimeoutMs: 200 })
      await rig.pool.acquire()
      const options = timeoutMs === undefined ? {} : { timeoutMs }
      const barrier = watch(rig.pool.barrier(() => 7, options))
      await rig.advance(1000)
      assert.equal(barrier.state, timeoutMs === undefined ? 'rejected' : 'pending')
    }
  })

  it('with a timeout of 0 runs only when nobody reads', async () => {
    const rig = await rigOf(ONE_READER)
    assert.equal(await rig.pool.barrier(() => 7, { timeoutMs: 0 }).catch(() => 0), 7)
    await rig.pool.acquire()
    const barrier = watch(rig.pool.barrier(() => 7, { timeoutMs: 0 }))
    await rig.advance(0)
    assert.equal((barrier.error as PoolError).code, 'POOL_ACQUIRE_TIMEOUT')
  })

  const moments: readonly {
    readonly name: string
    readonly prepare: (rig: PoolRig) => Promise<unknown>
  }[] = [
    { name: 'for the writer', prepare: (rig) => rig.pool.acquire({ mode: 'write' }) },
    { name: 'for a reader', prepare: (rig) => rig.pool.acquire() },
  ]
  for (const { name, prepare } of moments) {
    it(`is given up when its signal is aborted while it waits ${name}`, async () => {
      const rig = await rigOf(ONE_READER)
      const { timerCount } = rig.clock
      const lease = (await prepare(rig)) as Awaited<ReturnType<typeof rig.pool.acquire>>
      const { signal, abort } = controllerOf()
      const barrier = watch(rig.pool.barrier(() => assert.fail(), { signal }))
      await rig.settle()
      abort()
      await rig.settle()
      assert.equal(barrier.error, REASON)
      assert.deepEqual(getEventListeners(signal, 'abort'), [])
      await lease.release()
      await assertLowered(rig, timerCount)
    })
  }

  //  one step   the writer is given to the barrier, and its signal is aborted: no listener hears of that
  it('is given up when its signal is aborted in the step in which it gets the writer', async () => {
    const rig = await rigOf(ONE_READER)
    const reader = await rig.pool.acquire()
    const { signal, abort } = controllerOf()
    const barrier = watch(rig.pool.barrier(() => assert.fail(), { signal }))
    abort()
    await rig.settle()
    assert.equal(barrier.error, REASON)
    await reader.release()
    await assertLowered(rig, rig.clock.timerCount)
  })

  it('leaves no listener when it ends well', async () => {
    const rig = await rigOf(ONE_READER)
    const { signal } = controllerOf()
    await rig.pool.barrier(() => 7, { signal })
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  })

  const failures: readonly { readonly name: string; readonly fn: () => Promise<never> }[] = [
    {
      name: 'throws',
      fn: () => {
        throw REASON
      },
    },
    { name: 'rejects', fn: () => Promise.reject(REASON) },
  ]
  for (const { name, fn } of failures) {
    it(`is over when its function ${name}`, async () => {
      const rig = await rigOf(ONE_READER)
      await assert.rejects(rig.pool.barrier(fn), REASON)
      await assertLowered(rig, rig.clock.timerCount)
    })
  }

  it('refuses what is no function, and a wrong option, before it acquires', async () => {
    const rig = await rigOf(ONE_READER)
    await assert.rejects(rig.pool.barrier(undefined as never), TypeError)
    const wrong = rig.pool.barrier(() => 7, { timeoutMs: Number.NaN })
    await assert.rejects(wrong, { code: 'POOL_INVALID_OPTION' })
    assert.equal(rig.stats.writer.acquired, 0)
  })
})

describe('a barrier and its own scope', () => {
  it('inside a read would wait for itself, and is told, with what is held', async () => {
    const rig = await rigOf(ONE_READER)
    await rig.pool.read(
      async () => {
        await assert.rejects(
          rig.pool.barrier(() => 7),
          (error: PoolError) => {
            assert.deepEqual([error.code, error.outcome], ['POOL_DEADLOCK', 'not_started'])
            assert.deepEqual(
              error.holders.map(({ label }) => label),
              ['report'],
            )
            return true
          },
        )
      },
      { label: 'report' },
    )
    await assertLowered(rig, rig.clock.timerCount)
  })

  it('inside a read that has released its lease does not', async () => {
    const rig = await rigOf(ONE_READER)
    const result = await rig.pool.withConnection(async (db) => {
      await db.release()
      return rig.pool.barrier(() => 7)
    })
    assert.equal(result, 7)
  })

  const asks: Readonly<Record<string, (rig: PoolRig) => Promise<unknown>>> = {
    'a read': (rig) => rig.pool.read(() => 7),
    'a one-shot read': (rig) => rig.pool.get('SELECT'),
    'a write on another lease': (rig) => rig.pool.run('INSERT'),
    'another barrier': (rig) => rig.pool.barrier(() => 7),
  }
  for (const [name, ask] of Object.entries(asks)) {
    it(`refuses ${name} inside of it, which would wait for its end`, async () => {
      const rig = await rigOf(ONE_READER)
      await rig.pool.barrier(() => assert.rejects(ask(rig), { code: 'POOL_DEADLOCK' }))
      await assertLowered(rig, rig.clock.timerCount)
    })
  }

  it('has a transaction inside of it on its own lease', async () => {
    const rig = await rigOf(ONE_READER)
    await rig.pool.barrier((db) =>
      rig.pool.transaction((inner) => {
        assert.equal(inner, db)
        return inner.run('ALTER TABLE')
      }),
    )
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'ALTER TABLE', 'COMMIT'])
  })
})

describe('a barrier whose lease is taken away', () => {
  //  time   reader          the barrier                          the pool
  //     0   held            waits for it
  //     0                                                        close({ timeoutMs: 0 })
  //     0   revoked         POOL_CLOSED; fn is never called      closes
  it('while it waits is over at once, and its function is not called', async () => {
    for (const isStuck of [false, true]) {
      const rig = await rigOf(ONE_READER)
      const [connection] = rig.database.of('reader')
      const reader = await rig.pool.acquire()
      const held = isStuck ? connection!.hold('SELECT') : undefined
      if (isStuck) watch(reader.all('SELECT'))
      let isCalled = false
      const barrier = watch(rig.pool.barrier(() => void (isCalled = true), { timeoutMs: 60_000 }))
      const newcomer = watch(rig.pool.acquire())
      await rig.settle()
      const closing = watch(rig.pool.close({ timeoutMs: 0 }))
      await rig.advance(0)
      assert.equal((barrier.error as PoolError).code, 'POOL_CLOSED')
      assert.equal((newcomer.error as PoolError).code, 'POOL_CLOSED')
      assert.equal(rig.clock.timerCount, 0)
      held?.resolve([])
      await rig.settle()
      assert.equal(closing.state, 'fulfilled')
      assert.deepEqual([isCalled, rig.clock.timerCount], [false, 0])
    }
  })

  //  time   reader 1               reader 2   the barrier        newcomer
  //     0   SELECT, never ends     idle       waits for it       waits for its end
  //  1000   revoked: zombie                   revoked: is over   served by reader 2
  it('while it waits is over although a reader does not come back', async () => {
    const rig = await rigOf({ ...TWO_READERS, leakThresholdMs: 500, leakReclaimMs: 1000 })
    const reader = await rig.pool.acquire()
    for (const connection of rig.database.of('reader')) connection.hold('SELECT stuck')
    watch(reader.all('SELECT stuck'))
    const barrier = watch(rig.pool.barrier(() => assert.fail(), { timeoutMs: 60_000 }))
    await rig.settle()
    const newcomer = watch(rig.pool.all('SELECT', [], { timeoutMs: 60_000 }))
    await rig.advance(1000)
    assert.equal((barrier.error as PoolError).code, 'LEASE_REVOKED')
    assert.deepEqual([rig.stats.reader.zombie, newcomer.state], [1, 'fulfilled'])
  })

  it('while it runs is over at once, although its function never ends', async () => {
    const rig = await rigOf({ ...ONE_READER, leakThresholdMs: 500, leakReclaimMs: 1000 })
    const { timerCount } = rig.clock
    const barrier = watch(rig.pool.barrier(() => new Promise(() => undefined)))
    await rig.settle()
    const newcomer = watch(rig.pool.all('SELECT'))
    await rig.advance(1000)
    assert.equal((barrier.error as PoolError).code, 'LEASE_REVOKED')
    assert.equal(newcomer.state, 'fulfilled')
    await assertLowered(rig, timerCount)
  })
})

describe('closing during a barrier', () => {
  it('waits for its end, and serves those who wait for it', async () => {
    const rig = await rigOf(ONE_READER)
    const gate = Promise.withResolvers<number>()
    const barrier = watch(rig.pool.barrier(() => gate.promise))
    await rig.settle()
    const newcomer = watch(rig.pool.all('SELECT'))
    const closing = watch(rig.pool.close())
    await rig.advance(1000)
    assert.deepEqual([newcomer.state, closing.state], ['pending', 'pending'])
    gate.resolve(7)
    await rig.settle()
    assert.equal(barrier.value, 7)
    assert.deepEqual([newcomer.state, closing.state], ['fulfilled', 'fulfilled'])
    assert.equal(rig.clock.timerCount, 0)
  })

  it('ends it at its deadline', async () => {
    const rig = await rigOf(ONE_READER)
    const barrier = watch(rig.pool.barrier(() => new Promise(() => undefined)))
    await rig.settle()
    const closing = watch(rig.pool.close({ timeoutMs: 100 }))
    await rig.advance(100)
    assert.equal((barrier.error as PoolError).code, 'POOL_CLOSED')
    assert.equal(closing.state, 'fulfilled')
    assert.equal(rig.clock.timerCount, 0)
  })
})

function controllerOf(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort(REASON) }
}
