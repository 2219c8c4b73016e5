import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPool } from '../../create-pool.ts'
import { settled } from '../../testing/hand-clock.ts'
import { PoolRig } from '../../testing/pool-rig.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { until } from '../../testing/until.ts'
import { watch } from '../../testing/watched.ts'
import { onEveryPool } from './testing/every-pool.ts'
import { OtherProcess } from './testing/other-process.ts'
import { quietly, type TestLease, type TestPool } from './testing/pools.ts'

/** The pool's own scope, or what its users write in its place. */
async function inScope(
  pool: TestPool,
  fn: (lease: TestLease) => Promise<unknown>,
): Promise<unknown> {
  if (pool.withLease !== undefined) return pool.withLease(fn)
  const lease = await pool.acquire()
  try {
    return await fn(lease)
  } finally {
    quietly(lease.release())
  }
}

for (const size of [1, 4]) {
  onEveryPool(
    size === 1
      ? 'a caller that would wait for itself is told at once'
      : 'callers that would wait for each other are told at once',
    { size, timeoutMs: 60_000 },
    async (pool) => {
      const scopes = Array.from({ length: size }, () =>
        watch(
          inScope(pool, async () => {
            await settled()
            const inner = await pool.acquire()
            await inner.release()
          }),
        ),
      )
      for (let turn = 0; turn < 10; turn += 1) await settled()
      const told = scopes.filter(({ state }) => state === 'rejected')
      assert.equal(told.length > 0, true, 'one of them is told, without any time having passed')
      for (const { error } of told)
        assert.equal((error as { code?: unknown }).code, 'POOL_DEADLOCK')
      // It lets go of what it holds, and so the others go on.
      await pool.time.advance(10)
      assert.ok(scopes.every(({ state }) => state !== 'pending'))
      assert.deepEqual([pool.counts().used, pool.counts().waiting], [0, 0])
    },
  )
}

describe('a write inside a transaction of glasspool', () => {
  const inner: Readonly<Record<string, (rig: PoolRig) => Promise<unknown>>> = {
    'pool.run': (rig) => rig.pool.run('INSERT'),
    "pool.acquire({ mode: 'write' })": (rig) => rig.pool.acquire({ mode: 'write' }),
    'pool.withConnection on the writer': (rig) =>
      rig.pool.withConnection(() => undefined, { mode: 'write' }),
  }
  for (const [name, ask] of Object.entries(inner)) {
    it(`by ${name} is refused at once, and the transaction can still be kept`, async () => {
      const rig = await PoolRig.open()
      const call = watch(
        rig.pool.transaction(async (db) => {
          await assert.rejects(ask(rig), { code: 'POOL_DEADLOCK' })
          await db.run('INSERT')
        }),
      )
      await rig.settle()
      assert.equal(call.state, 'fulfilled')
      assert.equal(rig.writer.calls.at(-1), 'COMMIT')
    })
  }

  it('by another transaction is a part of it, to be kept or undone by itself', async () => {
    const rig = await PoolRig.open()
    const call = watch(
      rig.pool.transaction(async (db) => {
        await db.run('INSERT 1')
        await rig.pool.transaction((nested) => nested.run('INSERT 2'))
        const undone = rig.pool.transaction(async (nested) => {
          await nested.run('INSERT 3')
          throw new Error('mine')
        })
        await assert.rejects(undone, /mine/)
      }),
    )
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    const verbs = rig.writer.calls.map((sql) => /^(?:ROLLBACK TO|\w+(?: \d)?)/.exec(sql)?.[0])
    assert.deepEqual(verbs, [
      'BEGIN',
      'INSERT 1',
      'SAVEPOINT',
      'INSERT 2',
      'RELEASE',
      'SAVEPOINT',
      'INSERT 3',
      'ROLLBACK TO',
      'COMMIT',
    ])
  })

  it('by somebody else waits for its turn', async () => {
    const rig = await PoolRig.open()
    const { promise, resolve } = Promise.withResolvers<void>()
    const first = watch(rig.pool.transaction(() => promise))
    await rig.settle()
    const second = watch(rig.pool.run('INSERT'))
    await rig.settle()
    assert.equal(second.state, 'pending')
    resolve()
    await rig.settle()
    assert.deepEqual([first.state, second.state], ['fulfilled', 'fulfilled'])
  })
})

describe('a write of glasspool that waits for the lock of another process', () => {
  it('leaves the event loop free, on which that process may have to be answered', async (t) => {
    const path = tempDatabase(t)
    const pool = await createPool({ path, size: 2, busyTimeoutMs: 5000 })
    t.after(() => pool.close({ timeoutMs: 0 }))
    await pool.run('CREATE TABLE entry (n)')
    const other = await OtherProcess.open(t, path)
    await other.ask('BEGIN IMMEDIATE')
    const write = watch(pool.run('INSERT INTO entry VALUES (1)'))
    let tickCount = 0
    const ticking = setInterval(() => (tickCount += 1), 1)
    t.after(() => clearInterval(ticking))
    // The lock is given up only once timers have ticked: on a loop that stands still nobody ever would.
    await until(() => tickCount >= 20)
    assert.equal(write.state, 'pending', 'it waits for the lock')
    await other.ask('COMMIT')
    assert.equal((await write.promise).changes, 1)
  })
})
