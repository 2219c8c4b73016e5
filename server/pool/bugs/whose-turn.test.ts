import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it } from 'node:test'
import { createPool } from '../../create-pool.ts'
import { settled } from '../../testing/hand-clock.ts'
import { Random } from '../../random.ts'
import { PoolRig } from '../../testing/pool-rig.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { watch } from '../../testing/watched.ts'
import type { Connection } from '../connection.ts'
import { onEveryPool } from './testing/every-pool.ts'
import { quietly } from './testing/pools.ts'

onEveryPool(
  'a scope whose function throws at once gives its connection back',
  { size: 1 },
  async ({ withLease, acquire, counts }) => {
    const error = new Error('mine')
    await assert.rejects(
      withLease!(() => {
        throw error
      }),
      error,
    )
    await settled()
    assert.equal(counts().used, 0, 'nothing is held')
    const next = watch(acquire())
    await settled()
    assert.equal(next.state, 'fulfilled')
  },
)

onEveryPool(
  'an abort that comes late does not hit the next holder',
  { size: 1 },
  async ({ acquire, counts }) => {
    const controller = new AbortController()
    const first = await acquire(controller.signal)
    await first.release()
    const second = await acquire()
    const third = watch(acquire())
    controller.abort()
    await settled()
    await second.use()
    assert.deepEqual([counts().used, counts().waiting], [1, 1])
    await second.release()
    await settled()
    assert.equal(third.state, 'fulfilled')
  },
)

onEveryPool(
  'a caller that has waited goes on in its own async context',
  { size: 1 },
  async ({ acquire, withLease }) => {
    const request = new AsyncLocalStorage<string>()
    const holder = await request.run('A', () => acquire())
    const seen: (string | undefined)[] = []
    const note = (): void => void seen.push(request.getStore())
    const waiting = ['B', 'C'].map((name) =>
      request.run(name, () =>
        acquire().then((lease) => {
          note()
          return lease.release()
        }),
      ),
    )
    const scoped = request.run('D', () => withLease?.(async () => note()))
    await request.run('A', () => holder.release())
    await Promise.all([...waiting, scoped])
    assert.deepEqual(seen, withLease === undefined ? ['B', 'C'] : ['B', 'C', 'D'])
  },
)

/** Anew each time; a failure prints it, and `BUGS_SEED` repeats it. */
const seed = Number(process.env['BUGS_SEED'] ?? Date.now() & 0x7fff_ffff)

describe('a signal of glasspool', () => {
  it('that several acquires share ends the waits and takes nothing from those who have a lease', async () => {
    const rig = await PoolRig.open()
    const controller = new AbortController()
    const { signal } = controller
    const asked = Array.from({ length: 5 }, () => watch(rig.pool.acquire({ signal })))
    await rig.settle()
    controller.abort()
    await rig.settle()
    const states = asked.map(({ state }) => state)
    assert.deepEqual(states, ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'])
    for (const one of asked.slice(0, 2)) await one.value.release()
    assert.deepEqual([rig.stats.reader.idle, rig.stats.reader.size], [2, 2])
  })

  it('that is aborted late stops no statement of the next holder', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    const connection: Connection = rig.database.of('reader')[0]!
    const stopped: string[] = []
    let answer = Promise.withResolvers<void>()
    connection.get = async (sql, _args, call) => {
      call?.cancellation?.onCancel(() => stopped.push(sql))
      await answer.promise
      call?.cancellation?.settled()
      return { sql }
    }
    const controllers = [new AbortController(), new AbortController()] as const
    const first = await rig.pool.acquire({ signal: controllers[0].signal })
    const one = watch(first.get('one', [], { signal: controllers[1].signal }))
    const waiting = rig.pool.acquire()
    await rig.settle()
    answer.resolve()
    answer = Promise.withResolvers()
    await first.release()
    const second = await waiting
    const two = watch(second.get('two', [], { signal: new AbortController().signal }))
    await rig.settle()
    for (const controller of controllers) controller.abort()
    await rig.settle()
    assert.deepEqual(stopped, [])
    answer.resolve()
    await rig.settle()
    assert.deepEqual([one.value, two.value], [{ sql: 'one' }, { sql: 'two' }])
  })

  it('that is aborted at any moment leaves the next statements of that thread alone', async (t) => {
    t.diagnostic(`seed ${seed}`)
    const random = new Random(seed)
    const pool = await createPool({ path: tempDatabase(t), size: 2 })
    t.after(() => pool.close({ timeoutMs: 0 }))
    for (let n = 0; n < 300; n += 1) {
      const controller = new AbortController()
      const { signal } = controller
      const lease = await pool.acquire()
      const stopped = lease.all('SELECT * FROM pragma_function_list', [], { signal })
      const ended = stopped.then(
        (rows) => rows.length > 0,
        (error: unknown) => error === signal.reason,
      )
      // These can be stopped too, though nobody does: one behind it, and the next holder's.
      const unharmed = { signal: new AbortController().signal }
      const behind = lease.get('SELECT ? AS n', [-n], unharmed)
      quietly(lease.release())
      const next = pool.get(
        'SELECT ? AS n, (SELECT count(*) FROM pragma_function_list) > 0 AS isWhole',
        [n],
        unharmed,
      )
      for (let turn = random.below(4); turn > 0; turn -= 1) await settled()
      for (let hop = random.below(8); hop > 0; hop -= 1) await Promise.resolve()
      controller.abort()
      assert.ok(await ended, 'it is answered whole, or stopped')
      assert.deepEqual(await behind, { n: -n })
      assert.deepEqual(await next, { n, isWhole: 1 })
    }
  })
})

describe('a thread of glasspool that has ended', () => {
  /** Where its connection is when that happens. */
  const moments = ['idle', 'in use', 'resetting', 'in the tick of the release', 'after it'] as const
  for (const moment of moments) {
    it(`is never handed out: ${moment}`, async () => {
      const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
      const dead = rig.database.of('reader')[0]!
      const lease = moment === 'idle' ? undefined : await rig.pool.acquire()
      const waiter = watch(rig.pool.acquire({ timeoutMs: 60_000 }))
      if (moment === 'resetting') {
        dead.inTransaction = true
        dead.hold('reset')
        quietly(lease!.release())
      }
      if (moment === 'after it') quietly(lease!.release())
      if (moment === 'idle') await (await waiter.promise).release()
      dead.lose()
      if (moment === 'in use') await rig.settle()
      if (lease !== undefined && !lease.isReleased) quietly(lease.release())
      rig.assertInvariants()
      const later = watch(rig.pool.acquire({ timeoutMs: 60_000 }))
      await rig.advance(5000)
      if (moment !== 'idle' && moment !== 'after it') {
        assert.notEqual(waiter.value.connectionId, dead.id)
        await waiter.value.get('SELECT 1')
      }
      if (moment !== 'idle') await waiter.value.release()
      await rig.settle()
      assert.notEqual(later.value.connectionId, dead.id)
      await later.value.get('SELECT 1')
    })
  }
})
