import assert from 'node:assert/strict'
import { channel } from 'node:diagnostics_channel'
import { describe, it } from 'node:test'
import type { CloseReason, Role } from '../../telemetry/stats.ts'
import { ask } from '../testing/asked.ts'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import { watch, type Watched } from '../testing/watched.ts'
import { PoolError } from './errors.ts'
import type { Lease } from './lease.ts'
import { CLOSE_LIMIT_MS } from './slots.ts'

function closedOf(rig: PoolRig): string[] {
  return rig.eventsOf('connection.closed').map(({ role, reason }) => `${role} ${reason}`)
}

function closedCount(rig: PoolRig, role: Role, reason: CloseReason): number {
  return rig.stats[role].closed[reason]
}

async function acquireMany(rig: PoolRig, count: number): Promise<Lease[]> {
  return await Promise.all(Array.from({ length: count }, () => rig.pool.acquire()))
}

describe('resize', () => {
  it('up opens readers as they are wanted, those who wait already included', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    await rig.pool.acquire()
    const asked = [ask(rig), ask(rig), ask(rig)]
    rig.pool.resize(4)
    await rig.settle()
    assert.deepEqual(
      asked.map(({ state }) => state),
      ['fulfilled', 'fulfilled', 'pending'],
    )
    assert.equal(rig.stats.reader.max, 3)
  })

  it('down closes what idles at once, and what is in use when it is released', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 4 } })
    const leases = await acquireMany(rig, 4)
    await leases[0]!.release()
    await rig.settle()
    rig.pool.resize(3)
    assert.deepEqual([rig.stats.reader.size, rig.stats.reader.idle], [3, 0])
    rig.pool.resize(2)
    assert.deepEqual([rig.stats.reader.size, rig.stats.reader.max], [3, 1], 'nothing is taken away')
    assert.equal((await leases[1]!.all('SELECT')).length, 3)
    const waiter = ask(rig)
    await leases[1]!.release()
    await leases[2]!.release()
    await rig.settle()
    assert.equal(waiter.state, 'pending')
    await leases[3]!.release()
    await rig.settle()
    assert.equal(waiter.state, 'fulfilled')
    assert.deepEqual(closedOf(rig), Array(3).fill('reader evicted'))
  })

  it('down during an opening closes what was opened, and serves its caller with another', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 2 } })
    rig.database.opening = 'by hand'
    const asked = [ask(rig), ask(rig)]
    rig.pool.resize(2)
    rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.deepEqual(
      asked.map(({ state }) => state),
      ['pending', 'pending'],
    )
    rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.deepEqual(
      asked.map(({ state }) => state),
      ['fulfilled', 'pending'],
    )
    assert.equal(closedCount(rig, 'reader', 'evicted'), 1)
  })

  it('up opens the minimum again that a smaller pool could not keep', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 3 } })
    rig.pool.resize(2)
    assert.deepEqual([rig.stats.reader.size, rig.stats.reader.min], [1, 1])
    rig.pool.resize(1)
    assert.deepEqual([rig.stats.reader.size, rig.stats.reader.min], [0, 0])
    rig.pool.resize(4)
    await rig.settle()
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.min], [2, 2])
  })

  it('of a pool of 1 leaves its one connection alone', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 0 } })
    const writer = await rig.pool.acquire()
    rig.pool.resize(1)
    await writer.release()
    assert.equal(rig.stats.writer.idle, 1)
    assert.deepEqual(closedOf(rig), [])
  })

  for (const size of [0, 65, 1.5, Number.NaN, '3']) {
    it(`to ${String(size)} is refused, and nothing happens`, async () => {
      const rig = await PoolRig.open({ readers: { min: 1, max: 2 } })
      assert.throws(() => rig.pool.resize(size as number), { code: 'POOL_INVALID_OPTION' })
      assert.deepEqual([rig.stats.reader.max, rig.stats.reader.idle], [2, 1])
    })
  }
})

describe('evictAll', () => {
  it('closes what idles at once and what is in use at its release, and keeps the minimum', async () => {
    const rig = await PoolRig.open({ readers: { min: 2, max: 3 } })
    const [lease, other] = [await rig.pool.acquire(), await rig.pool.acquire()]
    await other.release()
    const before = rig.database.connections.map(({ id }) => id)
    rig.pool.evictAll()
    await rig.settle()
    assert.deepEqual(closedOf(rig), ['writer evicted', 'reader evicted'])
    assert.deepEqual([rig.stats.writer.idle, rig.stats.reader.idle], [1, 1])
    assert.equal((await lease.all('SELECT')).length, 3)
    await lease.release()
    await rig.settle()
    assert.equal(closedCount(rig, 'reader', 'evicted'), 2)
    assert.ok(rig.database.alive.every(({ id }) => !before.includes(id)))
    assert.equal(rig.stats.reader.idle, 2)
  })

  it('closes what was being opened, and what was being reset', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 2 } })
    const lease = await rig.pool.acquire()
    await lease.exec('BEGIN')
    const resetting = rig.database.of('reader')[0]!.hold('reset')
    rig.database.opening = 'by hand'
    const waiter = ask(rig)
    void lease.release()
    rig.pool.evictAll()
    // Of the old generation.
    rig.database.pending.find(({ role }) => role === 'reader')!.succeed()
    rig.database.opening = 'at once'
    resetting.resolve(undefined)
    await rig.settle()
    while (rig.database.pending.length > 0) rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.equal(closedCount(rig, 'reader', 'evicted'), 2)
    assert.equal(waiter.state, 'fulfilled')
  })

  // The listener takes the second idle connection while the first is being closed.
  it('never closes what somebody acquires when he hears of it', async () => {
    const rig = await PoolRig.open({ readers: { min: 3, max: 3 } })
    let lease: Lease | null = null
    rig.onEvent = (event) => {
      if (event.type !== 'connection.closed' || event.role !== 'reader') return
      lease ??= rig.pool.tryAcquire()
    }
    rig.pool.evictAll()
    await rig.settle()
    assert.equal(closedCount(rig, 'reader', 'evicted'), 2)
    const taken = lease as Lease | null
    assert.equal((await taken!.all('SELECT')).length, 3)
    await taken!.release()
    await rig.settle()
    assert.deepEqual([closedCount(rig, 'reader', 'evicted'), rig.stats.reader.idle], [3, 3])
  })
})

describe('evictAll by whoever hears of it', () => {
  // The scripted connection refuses to be closed twice.
  it('closes nothing twice', async () => {
    const rig = await PoolRig.open({ readers: { min: 3, max: 3 } })
    let isFirst = true
    rig.onEvent = (event) => {
      if (event.type !== 'connection.closed' || event.role !== 'reader' || !isFirst) return
      isFirst = false
      rig.pool.evictAll()
    }
    rig.pool.evictAll()
    await rig.settle()
    assert.equal(closedCount(rig, 'reader', 'evicted'), 3)
    assert.equal(rig.stats.reader.idle, 3)
  })
})

describe('maxLifetimeMs', () => {
  const LIFETIME_MS = 100_000

  it('closes connections at their age, 10 % sooner or later, not all at once, the writer too', async () => {
    const rig = await PoolRig.open({ readers: { min: 20, max: 20 }, maxLifetimeMs: LIFETIME_MS })
    const ages: number[] = []
    rig.onEvent = (event) => {
      if (event.type === 'connection.closed') ages.push(rig.clock.nowMs())
    }
    await rig.advance(0.9 * LIFETIME_MS - 1)
    assert.deepEqual(ages, [])
    // Found within a second.
    await rig.advance(0.2 * LIFETIME_MS + 1001)
    assert.equal(closedCount(rig, 'writer', 'lifetime'), 1)
    assert.equal(closedCount(rig, 'reader', 'lifetime'), 20)
    assert.ok(new Set(ages).size >= 3, `${ages.join()} are spread`)
    assert.deepEqual([rig.stats.writer.idle, rig.stats.reader.idle], [1, 20])
  })

  for (const mode of ['read', 'write'] as const) {
    it(`leaves what is in use alone until it is released (${mode})`, async () => {
      const rig = await PoolRig.open({ readers: { min: 1, max: 1 }, maxLifetimeMs: LIFETIME_MS })
      const lease = await rig.pool.acquire({ mode })
      const waiter = ask(rig, { mode, timeoutMs: 1_000_000 })
      await rig.advance(2 * LIFETIME_MS)
      assert.equal((await lease.all('SELECT')).length, 3)
      assert.equal(closedCount(rig, lease.role, 'lifetime'), 0)
      await lease.release()
      await rig.settle()
      assert.equal(closedCount(rig, lease.role, 'lifetime'), 1)
      assert.notEqual(waiter.value.connectionId, lease.connectionId)
    })
  }

  it('of 0 lets them live for ever', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 }, maxLifetimeMs: 0 })
    await rig.advance(100 * LIFETIME_MS)
    assert.deepEqual(closedOf(rig), [])
  })
})

describe('a connection that does not close', () => {
  for (const mode of ['read', 'write'] as const) {
    it(`holds up whoever gave it back for the limit at most (${mode})`, async () => {
      const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
      const lease = await rig.pool.acquire({ mode })
      const closing = rig.database.of(lease.role)[0]!.hold('close')
      const destroyed = watch(lease.destroy())
      await rig.advance(CLOSE_LIMIT_MS - 1)
      assert.equal(destroyed.state, 'pending')
      await rig.advance(1)
      assert.equal(destroyed.state, 'fulfilled')
      assert.equal(rig.stats[lease.role].idle, 1)
      closing.resolve(undefined)
      await rig.pool.close()
      assert.equal(rig.clock.timerCount, 0)
    })
  }

  it('is waited for when the pool closes, as long as closing may take', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    const lease = await rig.pool.acquire()
    const hanging = rig.database.of('reader')[0]!.hold('close')
    void lease.destroy()
    await rig.settle()
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(2000)
    assert.equal(closing.state, 'pending')
    hanging.resolve(undefined)
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assert.equal(rig.clock.timerCount, 0)
  })
})

describe("a writer's successor", () => {
  async function evicted(): Promise<{ rig: PoolRig; closing: PromiseWithResolvers<unknown> }> {
    const rig = await PoolRig.open()
    const closing = rig.writer.hold('close')
    rig.pool.evictAll()
    return { rig, closing }
  }

  //  ms       0              1,000
  //  old      evicted …      is closed
  //  new                     is opened: two of them would meet in SQLite's lock
  it('is opened when the old one is closed, and not before', async () => {
    const { rig, closing } = await evicted()
    const waiter = ask(rig, { mode: 'write' })
    await rig.advance(1000)
    assert.deepEqual([rig.stats.writer.size, waiter.state], [0, 'pending'])
    closing.resolve(undefined)
    await rig.settle()
    assert.equal(waiter.state, 'fulfilled')
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  it('is opened after the limit when the old one does not close', async () => {
    const { rig, closing } = await evicted()
    const waiter = ask(rig, { mode: 'write', timeoutMs: 60_000 })
    await rig.advance(CLOSE_LIMIT_MS - 1)
    assert.equal(waiter.state, 'pending')
    await rig.advance(1)
    assert.equal(waiter.state, 'fulfilled')
    closing.resolve(undefined)
    await waiter.value.release()
    await rig.pool.close()
    assert.deepEqual([rig.database.alive.length, rig.clock.timerCount], [0, 0])
  })

  it('is opened when closing the old one fails', async () => {
    const { rig, closing } = await evicted()
    closing.reject(new Error('cannot close'))
    await rig.settle()
    assert.equal(rig.stats.writer.idle, 1)
  })

  it('is not waited for among readers', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    rig.database.of('reader')[0]!.hold('close')
    rig.pool.evictAll()
    await rig.settle()
    assert.equal(rig.stats.reader.idle, 1)
  })

  it('is not opened once the pool closes', async () => {
    const { rig, closing } = await evicted()
    const closed = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(100)
    assert.equal(closed.state, 'pending')
    closing.resolve(undefined)
    await rig.settle()
    assert.equal(closed.state, 'fulfilled')
    assert.equal(rig.stats.writer.opened, 1)
    assert.equal(rig.clock.timerCount, 0)
  })
})

describe('a caller inside a scope', () => {
  type Rig = PoolRig & { closing?: PromiseWithResolvers<unknown> }
  // Only it holds what it waits for; but a connection is on its way.
  const coming: readonly {
    readonly what: string
    readonly options?: RigOptions
    readonly mode: 'read' | 'write'
    readonly begin: (rig: Rig, db: Lease) => unknown
    readonly end: (rig: Rig) => unknown
  }[] = [
    {
      what: 'can be opened',
      options: { readers: { min: 0, max: 2 } },
      mode: 'read',
      begin: () => undefined,
      end: () => undefined,
    },
    {
      what: 'is being opened',
      options: { readers: { min: 0, max: 2 } },
      mode: 'read',
      begin: (rig) => {
        rig.database.opening = 'by hand'
        ask(rig, { timeoutMs: 1 })
      },
      end: (rig) => rig.database.pending[0]!.succeed(),
    },
    {
      what: 'will be tried to open after a pause',
      mode: 'write',
      begin: (rig) => rig.writer.lose(),
      end: (rig) => rig.advance(50),
    },
    {
      what: 'will be opened once the old writer is closed',
      mode: 'write',
      begin: (rig, db) => {
        rig.closing = rig.writer.hold('close')
        void db.destroy()
      },
      end: async (rig) => {
        await rig.advance(CLOSE_LIMIT_MS)
        rig.closing!.resolve(undefined)
      },
    },
  ]
  for (const { what, options, mode, begin, end } of coming) {
    it(`waits for a connection that ${what}`, async () => {
      const rig: Rig = await PoolRig.open(options)
      let inner: Watched<Lease> | undefined
      const scope = watch(
        rig.pool.withConnection(
          async (db) => {
            begin(rig, db)
            await rig.advance(1)
            inner = ask(rig, { mode, timeoutMs: 60_000 })
            await end(rig)
            await rig.settle()
            await inner.value.release()
          },
          { mode },
        ),
      )
      for (let turn = 0; turn < 100 && scope.state === 'pending'; turn += 1) await rig.settle()
      assert.equal(scope.state, 'fulfilled')
      assert.equal(inner?.state, 'fulfilled')
    })
  }

  it('is told at once when none is on its way', async () => {
    const rig = await PoolRig.open()
    await rig.pool.withConnection(
      async () => {
        await assert.rejects(rig.pool.acquire({ mode: 'write' }), { code: 'POOL_DEADLOCK' })
      },
      { mode: 'write' },
    )
    assert.equal(rig.stats.writer.failed.deadlock, 1)
  })
})

describe('diagnostics_channel', () => {
  it('hears of connections that are opened, closed and lost', async (t) => {
    const heard: unknown[] = []
    for (const end of ['opened', 'closed']) {
      const listener = (message: unknown): void => void heard.push({ end, ...(message as object) })
      channel(`glasspool.connection.${end}`).subscribe(listener)
      t.after(() => channel(`glasspool.connection.${end}`).unsubscribe(listener))
    }
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    rig.database.of('reader')[0]!.lose()
    await rig.pool.close()
    assert.deepEqual(heard, [
      { end: 'opened', connectionId: 1, role: 'writer' },
      { end: 'opened', connectionId: 2, role: 'reader' },
      { end: 'closed', connectionId: 2, role: 'reader', reason: 'lost' },
      { end: 'closed', connectionId: 1, role: 'writer', reason: 'shutdown' },
    ])
  })
})

describe('a pool that fails', () => {
  it('closes what it has at once, what is being opened when it is there, and opens nothing', async () => {
    const rig = await PoolRig.open({ readers: { min: 0, max: 2 } })
    rig.database.opening = 'by hand'
    const waiter = ask(rig)
    const reason = new PoolError('DB_REPLACED', 'another file is there')
    rig.pool.fail(reason)
    await rig.settle()
    assert.equal(waiter.error, reason)
    assert.equal(rig.database.of('writer').length, 0)
    rig.database.pending[0]!.succeed()
    await rig.settle()
    assert.deepEqual([rig.database.alive.length, rig.stats.reader.size], [0, 0])
    await rig.pool.close()
    assert.equal(rig.clock.timerCount, 0)
  })
})
