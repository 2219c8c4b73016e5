import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BarePool } from '../testing/bare-pool.ts'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import { watch, type Watched } from '../testing/watched.ts'
import type { CallOptions } from './acquire-request.ts'
import type { PoolError } from './errors.ts'
import type { Lease } from './lease.ts'
import { PRIORITY_STEP_MS } from './waiter-queue.ts'

const ONE_READER: RigOptions = { readers: { min: 1, max: 1 }, acquireTimeoutMs: 60_000 }

function ask(rig: PoolRig, options: CallOptions = {}): Watched<Lease> {
  return watch(rig.pool.acquire(options))
}

function codeOf({ error }: Watched<Lease>): string {
  return (error as PoolError).code
}

function labels(rig: PoolRig): (string | null)[] {
  return rig.pool.waiters().map(({ label }) => label)
}

/** A pool whose only reader is held. */
async function held(options: RigOptions = {}): Promise<{ rig: PoolRig; holder: Lease }> {
  const rig = await PoolRig.open({ ...ONE_READER, ...options })
  return { rig, holder: await rig.pool.acquire({ label: 'holder' }) }
}

/** One caller: when it comes, and with what priority. */
type Arrival = readonly [label: string, atMs: number, priority: number]

async function arrive(
  rig: PoolRig,
  arrivals: readonly Arrival[],
): Promise<Map<string | null, Watched<Lease>>> {
  const asked = new Map<string | null, Watched<Lease>>()
  for (const [label, atMs, priority] of arrivals) {
    await rig.advance(atMs - rig.clock.nowMs())
    asked.set(label, ask(rig, { label, ...(priority !== 0 && { priority }) }))
  }
  return asked
}

/** Gives the reader from hand to hand until nobody waits; who got it, in order. */
async function serveAll(
  rig: PoolRig,
  holder: Lease,
  asked: Map<string | null, Watched<Lease>>,
): Promise<string> {
  const served: (string | null)[] = []
  for (let lease = holder; served.length < asked.size;) {
    await lease.release()
    await rig.settle()
    const { label } = rig.pool.holders('reader')[0]!
    served.push(label)
    lease = asked.get(label)!.value
  }
  return served.join('')
}

describe('priority', () => {
  const step = PRIORITY_STEP_MS
  const cases: readonly {
    readonly name: string
    readonly arrivals: readonly Arrival[]
    readonly served: string
  }[] = [
    {
      name: 'none: first come, first served',
      arrivals: [
        ['a', 0, 0],
        ['b', 0, 0],
        ['c', 900, 0],
      ],
      served: 'abc',
    },
    {
      name: 'a higher one goes first',
      arrivals: [
        ['a', 0, 0],
        ['b', 10, 3],
        ['c', 20, 10],
      ],
      served: 'cba',
    },
    {
      name: 'a lower one goes last, also before those who come later',
      arrivals: [
        ['a', 0, -2],
        ['b', 10, 0],
        ['c', 20, 0],
      ],
      served: 'bca',
    },
    {
      name: 'the same one: first come, first served',
      arrivals: [
        ['a', 0, 4],
        ['b', 0, 4],
        ['c', 50, 4],
        ['d', 50, 0],
        ['e', 50, 0],
      ],
      served: 'abcde',
    },
    {
      name: 'a step is a second: who came a second earlier goes first again',
      arrivals: [
        ['a', 0, 0],
        ['b', step - 1, 1],
        ['c', step + 1, 1],
      ],
      served: 'bac',
    },
    {
      name: 'exactly a second: who came earlier goes first',
      arrivals: [
        ['a', 0, 0],
        ['b', step, 1],
      ],
      served: 'ab',
    },
    {
      name: 'the lowest is overtaken for 20 seconds at most',
      arrivals: [
        ['a', 0, -10],
        ['b', 20 * step - 1, 10],
        ['c', 20 * step, 10],
        ['d', 30 * step, 10],
      ],
      served: 'bacd',
    },
  ]
  for (const { name, arrivals, served } of cases) {
    it(name, async () => {
      const { rig, holder } = await held()
      const asked = await arrive(rig, arrivals)
      assert.equal(labels(rig).join(''), served)
      assert.equal(await serveAll(rig, holder, asked), served)
    })
  }

  it('is forgotten once nobody waits', async () => {
    const { rig, holder } = await held()
    const urgent = ask(rig, { priority: 5 })
    await holder.release()
    await rig.settle()
    const asked = await arrive(rig, [
      ['a', 0, 0],
      ['b', 0, 0],
    ])
    assert.equal(await serveAll(rig, urgent.value, asked), 'ab')
  })

  it('lets nobody starve: whoever waits is served before everyone who comes 20 s later', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 4000 }), fc.integer({ min: -10, max: 10 })), {
          minLength: 2,
          maxLength: 25,
        }),
        async (comers) => {
          const { rig, holder } = await held()
          let atMs = 0
          const arrivals = comers.map(([afterMs, priority], n): Arrival => {
            atMs += afterMs
            return [`${n};`, atMs, priority]
          })
          const asked = await arrive(rig, arrivals)
          const order = (await serveAll(rig, holder, asked)).split(';').slice(0, -1).map(Number)
          for (const [place, n] of order.entries()) {
            const [, cameMs, priority] = arrivals[n]!
            for (const later of order.slice(place + 1)) {
              const [, laterMs, laterPriority] = arrivals[later]!
              assert.ok(cameMs - priority * 1000 <= laterMs - laterPriority * 1000)
              assert.ok(cameMs <= laterMs + 20_000)
              if (priority === laterPriority) assert.ok(n < later, 'first come, first served')
            }
          }
        },
      ),
      { numRuns: 60 },
    ))

  it('moves no deadline', async () => {
    const { rig } = await held()
    const [low, high] = [
      ask(rig, { priority: -10, timeoutMs: 100 }),
      ask(rig, { priority: 10, timeoutMs: 200 }),
    ]
    await rig.advance(100)
    assert.deepEqual([low.state, high.state], ['rejected', 'pending'])
    assert.equal((low.error as PoolError).details['position'], 2)
    await rig.advance(100)
    assert.equal(codeOf(high), 'POOL_ACQUIRE_TIMEOUT')
  })
})

describe('deadlines of one moment', () => {
  it('are passed once each, although who hears of the first aborts the second', async () => {
    const { rig } = await held()
    const controller = new AbortController()
    const first = ask(rig, { timeoutMs: 100 })
    const second = ask(rig, { timeoutMs: 100, signal: controller.signal })
    const third = ask(rig, { timeoutMs: 100 })
    rig.onEvent = (event) => {
      if (event.type === 'acquire' && event.outcome === 'timeout') controller.abort()
    }
    await rig.advance(100)
    assert.deepEqual([first, third].map(codeOf), Array(2).fill('POOL_ACQUIRE_TIMEOUT'))
    assert.equal(second.error, controller.signal.reason)
    assert.deepEqual([rig.stats.reader.failed.timeout, rig.stats.reader.failed.aborted], [2, 1])
    assert.equal(rig.stats.reader.waiting, 0)
  })
})

describe('a line to which nobody listens', () => {
  it('notes no holders and makes no event', async () => {
    const { pool, events } = await BarePool.open()
    const holder = await pool.acquire()
    const waiter = watch(pool.acquire())
    await holder.release()
    await waiter.promise
    assert.deepEqual(
      events.filter(({ type }) => type === 'acquire'),
      [],
    )
  })
})

describe('the queue', () => {
  it('names the four oldest holders to those who wait and to those it refuses, with their stacks', async () => {
    const rig = await PoolRig.open({
      readers: { min: 6, max: 6 },
      maxWaiters: 1,
      leakThresholdMs: 60_000,
    })
    const leases = []
    for (let n = 0; n < 6; n += 1) leases.push(await rig.pool.acquire({ label: `holder ${n}` }))
    const waiter = ask(rig, { timeoutMs: 100 })
    const refused = ask(rig)
    await rig.advance(100)
    const oldest = ['holder 0', 'holder 1', 'holder 2', 'holder 3']
    for (const { error } of [waiter, refused]) {
      const { holders } = error as PoolError
      assert.deepEqual(
        holders.map(({ label }) => label),
        oldest,
      )
      for (const { stack } of holders) assert.match(stack ?? '', /waiting-line\.test\.ts/)
    }
    for (const { holders } of rig.eventsOf('acquire')) {
      assert.deepEqual(
        holders.map(({ label }) => label),
        oldest,
      )
    }
    for (const lease of leases) await lease.release()
  })

  it('is as full as ever while the pool is suspended, although a connection could be opened', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 2 }, maxWaiters: 3 })
    rig.isHeldBack = true
    rig.pool.suspend()
    const asked = Array.from({ length: 10 }, () => ask(rig))
    await rig.settle()
    assert.equal(rig.stats.reader.waiting, 3)
    assert.deepEqual(asked.slice(3).map(codeOf), Array(7).fill('POOL_QUEUE_FULL'))
    assert.equal(rig.database.of('reader').length, 0)
  })

  it('hears of an opening that failed although nobody waits any more', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 1 } })
    rig.database.opening = 'by hand'
    const gone = ask(rig, { timeoutMs: 10 })
    await rig.advance(10)
    assert.equal(codeOf(gone), 'POOL_ACQUIRE_TIMEOUT')
    rig.database.pending[0]!.fail(new Error('no such disk'))
    await rig.settle()
    assert.equal(rig.stats.reader.failed.open_failed, 0)
  })
})

describe('suspend', () => {
  it('lets everyone wait, although connections idle, and leaves leases alone', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    const lease = await rig.pool.acquire()
    rig.isHeldBack = true
    rig.pool.suspend()
    assert.equal(rig.pool.state, 'suspended')
    const [reading, writing] = [ask(rig), ask(rig, { mode: 'write' })]
    assert.equal(rig.pool.tryAcquire(), null)
    await rig.settle()
    assert.deepEqual([reading.state, writing.state], ['pending', 'pending'])
    assert.equal((await lease.all('SELECT')).length, 3)
    await lease.release()
    await rig.settle()
    assert.deepEqual([reading.state, rig.stats.reader.idle], ['pending', 2])
  })

  it('opens nothing for those who wait', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 2 } })
    rig.isHeldBack = true
    rig.pool.suspend()
    ask(rig)
    await rig.settle()
    assert.equal(rig.stats.reader.opened, 0)
    rig.pool.resume()
    await rig.settle()
    assert.equal(rig.stats.reader.inUse, 1)
  })

  it('ends no deadline and no signal', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.isHeldBack = true
    rig.pool.suspend()
    const controller = new AbortController()
    const [timed, aborted] = [ask(rig, { timeoutMs: 100 }), ask(rig, { signal: controller.signal })]
    controller.abort()
    await rig.advance(100)
    assert.equal(codeOf(timed), 'POOL_ACQUIRE_TIMEOUT')
    assert.equal(aborted.error, controller.signal.reason)
  })

  //  idle 2 · A, B, C wait                    resume: A and B get them, C waits on
  it('ends with resume, which serves those who have waited, in order', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 2 } })
    rig.isHeldBack = true
    rig.pool.suspend()
    const asked = [ask(rig), ask(rig), ask(rig)]
    await rig.advance(500)
    rig.pool.resume()
    rig.isHeldBack = false
    assert.equal(rig.pool.state, 'ready')
    await rig.settle()
    assert.deepEqual(
      asked.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'pending'],
    )
    assert.deepEqual(
      rig.eventsOf('acquire').map(({ waitMs, releasedBy }) => [waitMs, releasedBy]),
      [
        [500, null],
        [500, null],
      ],
    )
  })

  it('has no effect a second time, nor resume without it', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.pool.resume()
    assert.equal(rig.pool.state, 'ready')
    rig.pool.suspend()
    rig.pool.suspend()
    rig.pool.resume()
    rig.pool.resume()
    assert.deepEqual(
      rig.eventsOf('pool').map(({ state }) => state),
      ['ready', 'suspended', 'ready'],
    )
  })

  it('does not keep the pool from closing: those who wait are served first', async () => {
    const rig = await PoolRig.open(ONE_READER)
    rig.isHeldBack = true
    rig.pool.suspend()
    const waiter = ask(rig)
    const closing = watch(rig.pool.close())
    rig.isHeldBack = false
    await rig.settle()
    await waiter.value.release()
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
  })

  it('ends for those whose connection is idle when a slow line is turned away', async () => {
    const rig = await PoolRig.open({ ...ONE_READER, shedTargetMs: 100 })
    const holder = await rig.pool.acquire()
    const [first, second] = [ask(rig), ask(rig)]
    await rig.advance(150)
    await holder.release()
    await rig.settle()
    await first.value.release()
    await rig.settle()
    rig.isHeldBack = true
    rig.pool.suspend()
    const late = ask(rig)
    await second.value.release()
    await rig.advance(2500)
    rig.pool.resume()
    rig.isHeldBack = false
    await rig.settle()
    assert.equal(codeOf(late), 'POOL_OVERLOADED')
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.waiting], [1, 0])
  })
})

describe('a barrier', () => {
  //  A reads · B waits · barrier · C comes       A, B are served, then the barrier runs, then C
  it('is behind those who wait already, and before those who come', async () => {
    const { rig, holder } = await held()
    const b = ask(rig, { label: 'b' })
    const order: string[] = []
    const inside = Promise.withResolvers<void>()
    const barrier = watch(
      rig.pool.barrier(async () => {
        order.push('barrier')
        await inside.promise
      }),
    )
    await rig.settle()
    rig.isHeldBack = true
    const c = ask(rig, { label: 'c' })
    const urgent = ask(rig, { label: 'urgent', priority: 10 })
    await holder.release()
    await rig.settle()
    assert.deepEqual([b.state, c.state, urgent.state], ['fulfilled', 'pending', 'pending'])
    await b.value.release()
    await rig.settle()
    assert.deepEqual([order, c.state, urgent.state], [['barrier'], 'pending', 'pending'])
    inside.resolve()
    await rig.settle()
    rig.isHeldBack = false
    assert.deepEqual([barrier.state, urgent.state, c.state], ['fulfilled', 'fulfilled', 'pending'])
    await urgent.value.release()
    await rig.settle()
    assert.equal(c.state, 'fulfilled')
  })

  it('waits for nobody who gave up meanwhile', async () => {
    const { rig, holder } = await held()
    const controller = new AbortController()
    const b = ask(rig, { signal: controller.signal })
    const barrier = watch(rig.pool.barrier(async () => 'done'))
    await rig.settle()
    controller.abort()
    assert.equal(barrier.state, 'pending')
    await holder.release()
    await rig.settle()
    assert.equal(b.error, controller.signal.reason)
    assert.equal(barrier.value, 'done')
  })

  //  A reads · B waits · barrier · A destroys     another connection is opened for B, and none for C
  it('has connections opened for those before it, and for nobody else', async () => {
    const { rig, holder } = await held({ readers: { min: 0, max: 1 } })
    const b = ask(rig)
    const barrier = watch(rig.pool.barrier(async () => 'done'))
    await rig.settle()
    rig.isHeldBack = true
    const c = ask(rig)
    await holder.destroy()
    await rig.settle()
    await b.value.destroy()
    await rig.settle()
    rig.isHeldBack = false
    assert.equal(barrier.value, 'done')
    assert.equal(rig.stats.reader.opened, 3)
    await c.value.release()
  })
})

describe('the line of a pool whose readers are taken away', () => {
  //  ms        0          10         20         30
  //            W holds the writer
  //            V writes … A reads …  B reads …  resize(1): V, A, B wait for the writer, until their own deadlines
  it('goes on in the line of the writer, in the order of coming', async () => {
    const { rig } = await held()
    const writer = await rig.pool.acquire({ mode: 'write' })
    const asked = new Map<string | null, Watched<Lease>>()
    const later = async (label: string, options: CallOptions): Promise<void> => {
      await rig.advance(10)
      asked.set(label, ask(rig, { ...options, label }))
    }
    await later('a', {})
    await later('v', { mode: 'write' })
    await later('b', {})
    rig.pool.resize(1)
    await rig.settle()
    assert.deepEqual([rig.stats.reader.waiting, rig.stats.writer.waiting], [0, 3])
    assert.deepEqual(labels(rig), ['a', 'v', 'b'])
    await writer.release()
    for (const label of ['a', 'v', 'b']) {
      await rig.settle()
      assert.equal(asked.get(label)!.value.role, 'writer')
      await asked.get(label)!.value.release()
    }
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  // Both come in the turn of the resize, or one before it: no deadline may be lost over it.
  for (const isReaderEarlier of [true, false]) {
    it(`keeps every deadline: the reader came ${isReaderEarlier ? 'a turn' : 'just'} before`, async () => {
      const { rig } = await held()
      await rig.pool.acquire({ mode: 'write' })
      const reading = ask(rig, { timeoutMs: 300 })
      if (isReaderEarlier) await rig.advance(50)
      const writing = ask(rig, { mode: 'write', timeoutMs: 100 })
      rig.pool.resize(1)
      await rig.advance(100)
      assert.equal(codeOf(writing), 'POOL_ACQUIRE_TIMEOUT')
      assert.equal(reading.state, 'pending')
      await rig.advance(300)
      assert.equal(codeOf(reading), 'POOL_ACQUIRE_TIMEOUT')
      assert.equal(rig.stats.writer.failed.timeout, 2)
      assert.equal(rig.clock.vitalTimerCount, 0)
    })
  }

  it('keeps every signal, and listens once to each', async (t) => {
    const { rig } = await held()
    const writer = await rig.pool.acquire({ mode: 'write' })
    const controller = new AbortController()
    const { signal } = controller
    const add = t.mock.method(signal, 'addEventListener')
    const remove = t.mock.method(signal, 'removeEventListener')
    const [aborted, other] = [ask(rig, { signal }), ask(rig)]
    rig.pool.resize(1)
    assert.equal(add.mock.callCount() - remove.mock.callCount(), 1)
    controller.abort()
    await rig.settle()
    assert.equal(aborted.error, signal.reason)
    assert.equal(add.mock.callCount() - remove.mock.callCount(), 0)
    assert.equal(rig.stats.writer.failed.aborted, 1)
    await writer.release()
    await rig.settle()
    assert.equal(other.state, 'fulfilled')
  })

  it('keeps every priority, also towards those who come later', async () => {
    const { rig } = await held()
    const writer = await rig.pool.acquire({ mode: 'write' })
    const low = ask(rig, { label: 'low', priority: -10 })
    rig.pool.resize(1)
    await rig.advance(10)
    const plain = ask(rig, { label: 'plain' })
    await writer.release()
    await rig.settle()
    assert.deepEqual([plain.state, low.state], ['fulfilled', 'pending'])
  })

  it('keeps every priority, also towards those who come in the turn of the release', async () => {
    const { rig } = await held()
    const writer = await rig.pool.acquire({ mode: 'write' })
    await rig.advance(30_000)
    const controller = new AbortController()
    ask(rig, { mode: 'write', signal: controller.signal })
    const urgent = ask(rig, { label: 'urgent', priority: 1 })
    rig.pool.resize(1)
    controller.abort()
    const plain = ask(rig, { label: 'plain' })
    void writer.release()
    await rig.settle()
    assert.deepEqual([urgent.state, plain.state], ['fulfilled', 'pending'])
  })

  it('is served at once when the writer idles', async () => {
    const { rig } = await held()
    const waiter = ask(rig)
    rig.pool.resize(1)
    await rig.settle()
    assert.equal(waiter.value.role, 'writer')
  })

  it('is not called back when the readers come back; those who come then get them', async () => {
    const { rig, holder } = await held()
    const writer = await rig.pool.acquire({ mode: 'write' })
    const moved = ask(rig)
    rig.pool.resize(1)
    await holder.release()
    await rig.settle()
    assert.equal(rig.stats.reader.size, 0)
    rig.pool.resize(3)
    const newcomer = ask(rig)
    await rig.settle()
    assert.deepEqual([moved.state, newcomer.value.role], ['pending', 'reader'])
    await writer.release()
    await rig.settle()
    assert.equal(moved.value.role, 'writer')
  })
})
