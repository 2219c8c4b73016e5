import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createPool } from '../../create-pool.ts'
import { settled } from '../../testing/hand-clock.ts'
import { PoolRig } from '../../testing/pool-rig.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { watch, type Watched } from '../../testing/watched.ts'
import type { Lease } from '../lease.ts'
import { onEveryPool } from './testing/every-pool.ts'
import { quietly } from './testing/pools.ts'

onEveryPool('an acquire after close is refused at once', { size: 1 }, async (pool) => {
  await (await pool.acquire()).release()
  const closing = watch(pool.close())
  await pool.time.advance(10)
  assert.equal(closing.state, 'fulfilled')
  const { attemptCount } = pool.database
  const late = watch(pool.acquire())
  await settled()
  assert.equal(late.state, 'rejected', 'it does not wait for what cannot come')
  assert.equal(pool.database.attemptCount, attemptCount, 'and nothing is opened for it')
})

onEveryPool(
  'closing ends within its limit though a lease never comes back, and tells those who wait',
  { size: 1, timeoutMs: 60_000 },
  async (pool) => {
    await pool.acquire()
    const waiter = watch(pool.acquire())
    const closing = watch(pool.close())
    await pool.time.advance(10_000)
    assert.equal(waiter.state, 'rejected', 'the waiter is told')
    assert.notEqual(closing.state, 'pending', 'closing has ended')
    assert.deepEqual(pool.database.alive, [], 'no connection is left')
  },
)

/** A history that comes by every state of a connection and of a waiter. */
type Step = (rig: PoolRig, asked: Watched<Lease>[]) => void
const acquire: Step = (rig, asked) => void asked.push(watch(rig.pool.acquire({ timeoutMs: 2000 })))
const releaseOldest =
  (isDirty: boolean): Step =>
  (rig, asked) => {
    const lease = asked.find((one) => one.state === 'fulfilled' && !one.value.isReleased)?.value
    if (lease === undefined) return
    const connection = rig.database.connections.find(({ id }) => id === lease.connectionId)!
    if (isDirty) {
      connection.inTransaction = true
      const held = connection.hold('reset')
      rig.clock.setTimer(() => held.resolve(undefined), 100)
    }
    quietly(lease.release())
  }
const openNext: Step = (rig) => void rig.database.pending[0]?.succeed()
const failNext: Step = (rig) => rig.database.pending[0]?.fail(new Error('cannot open'))
const loseOne: Step = (rig) => rig.database.of('reader')[0]?.lose()
const STEPS: readonly (readonly [name: string, step: Step])[] = [
  ['it was opened', () => undefined],
  ['an acquire that opens', acquire],
  ['its connection is there', openNext],
  ['a second one that opens', acquire],
  ['a third that waits for both', acquire],
  ['an opening that fails', failNext],
  ['a fourth', acquire],
  ['a release to a waiter', releaseOldest(false)],
  ['a release into a reset', releaseOldest(true)],
  ['an acquire beside the reset', acquire],
  ['a thread that ends', loseOne],
  ['the last connection opens', openNext],
]

describe('closing glasspool', () => {
  for (const [index, [name]] of STEPS.entries()) {
    for (const isSettled of [false, true]) {
      it(`settles every promise once, after ${name}${isSettled ? ' has settled' : ''}`, async () => {
        const rig = await PoolRig.open()
        rig.database.opening = 'by hand'
        const asked: Watched<Lease>[] = []
        for (const [, step] of STEPS.slice(0, index)) {
          step(rig, asked)
          await rig.settle()
        }
        STEPS[index]![1](rig, asked)
        if (isSettled) await rig.settle()
        const closing = watch(rig.pool.close({ timeoutMs: 500 }))
        const late = watch(rig.pool.acquire())
        rig.assertInvariants()
        await rig.settle()
        assert.equal((late.error as { code: string }).code, 'POOL_CLOSED')
        rig.database.opening = 'at once'
        while (rig.database.pending.length > 0) rig.database.pending[0]!.succeed()
        await rig.advance(4000)
        assert.equal(closing.state, 'fulfilled')
        for (const one of asked) assert.notEqual(one.state, 'pending')
        for (const one of asked) {
          if (one.state === 'fulfilled') assert.ok(one.value.isReleased)
          else assert.match((one.error as { code: string }).code, /^POOL_(CLOSED|OPEN_FAILED)$/)
        }
        assert.deepEqual(rig.database.alive, [])
        assert.equal(rig.clock.timerCount, 0)
        assert.deepEqual([rig.stats.reader.size, rig.stats.writer.size], [0, 0])
      })
    }
  }
})

describe('a caller that waits when glasspool closes', () => {
  for (const drainWaiters of [false, true]) {
    it(`is ${drainWaiters ? 'still served' : 'refused at once'} with drainWaiters ${drainWaiters}`, async () => {
      const rig = await PoolRig.open()
      const holder = await rig.pool.acquire({ mode: 'write' })
      const waiter = watch(rig.pool.acquire({ mode: 'write' }))
      const closing = watch(rig.pool.close({ timeoutMs: 500, drainWaiters }))
      await rig.settle()
      assert.equal(waiter.state, drainWaiters ? 'pending' : 'rejected')
      await holder.release()
      await rig.settle()
      if (drainWaiters) await waiter.value.release()
      else assert.equal((waiter.error as { code: string }).code, 'POOL_CLOSED')
      await rig.settle()
      assert.equal(closing.state, 'fulfilled', 'no time has to pass')
    })
  }
})

/** What keeps a process alive, or would. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = { MessagePort: 0, Worker: 0, Timeout: 0 }
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind in counts) counts[kind]! += 1
  }
  return counts
}

describe('closing glasspool on a real file', () => {
  const situations: readonly (readonly [
    name: string,
    start: (pool: Awaited<ReturnType<typeof createPool>>) => Promise<Promise<unknown>[]>,
  ])[] = [
    ['idle', async () => []],
    ['with a lease that never comes back', async (pool) => [pool.acquire({ mode: 'write' })]],
    [
      'with a transaction under way and a queue behind it',
      async (pool) => {
        const { promise, resolve } = Promise.withResolvers<void>()
        const holding = pool.transaction(async (db) => {
          await db.run('INSERT INTO entry VALUES (1)')
          resolve()
          await new Promise(() => undefined)
        })
        await promise
        const waiting = Array.from({ length: 5 }, () => pool.run('INSERT INTO entry VALUES (2)'))
        // The function above never ends, and so neither does its promise.
        quietly(holding)
        return waiting
      },
    ],
    [
      'with a snapshot that pins the log, and an iterator left half-read',
      async (pool) => {
        const lease = await pool.acquire()
        await lease.exec('BEGIN')
        await lease.prepare('SELECT * FROM entry').iterate().next()
        await pool.run('INSERT INTO entry VALUES (3)')
        return []
      },
    ],
  ]
  for (const [name, start] of situations) {
    it(`leaves no thread, no timer and no -wal behind: ${name}`, async (t: TestContext) => {
      const before = resources()
      const path = tempDatabase(t)
      const pool = await createPool({ path, size: 3 })
      await pool.run('CREATE TABLE entry (n)')
      const asked = (await start(pool)).map((promise) => watch(promise))
      await pool.close({ timeoutMs: 1 })
      await settled()
      for (const one of asked) assert.notEqual(one.state, 'pending')
      await assert.rejects(pool.acquire(), { code: 'POOL_CLOSED' })
      assert.deepEqual(resources(), before)
      assert.deepEqual(readdirSync(dirname(path)), ['database.sqlite'])
    })
  }
})
