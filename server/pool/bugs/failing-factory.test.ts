import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { PoolRig } from '../../testing/pool-rig.ts'
import { watch } from '../../testing/watched.ts'
import type { PoolError } from '../errors.ts'
import { forEachPool, onEveryPool } from './testing/every-pool.ts'
import type { Findings } from './testing/peer-process.ts'
import type { PoolName } from './testing/pools.ts'

const script = join(import.meta.dirname, 'testing', 'peer-process.ts')

async function inOwnProcess(scenario: string, name: PoolName): Promise<Findings> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, scenario, name])
  return JSON.parse(stdout) as Findings
}

forEachPool('a factory that always fails does not starve the event loop', async (name) => {
  const { attemptCount, tickCount } = await inOwnProcess('failing-factory', name)
  assert.ok(tickCount > 0, `timers tick, and ticked ${tickCount} times`)
  assert.ok(attemptCount < 100, 'there is a pause between attempts')
})

forEachPool('a check that throws costs neither a stray rejection nor a place', async (name) => {
  const { strayCount, isServed } = await inOwnProcess('failing-check', name)
  assert.equal(strayCount, 0, 'no rejection goes unheard')
  assert.ok(isServed, 'the next caller is served')
})

onEveryPool(
  'a waiter for whom nothing can be opened is told why',
  { size: 1, timeoutMs: 1000 },
  async ({ acquire, database, time }) => {
    const cause = Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' })
    database.opening = cause
    const waiter = watch(acquire())
    await time.advance(1000)
    assert.equal((waiter.error as Error).cause, cause, 'its cause is what the factory threw')
  },
)

onEveryPool(
  'a pool recovers when its factory does',
  { size: 1, timeoutMs: 60_000 },
  async ({ acquire, database, time, counts }) => {
    database.opening = new Error('cannot open')
    const first = watch(acquire())
    await time.advance(100)
    database.opening = 'at once'
    await time.advance(2000)
    const next = first.state === 'fulfilled' ? first : watch(acquire())
    await time.advance(10)
    assert.equal(next.state, 'fulfilled')
    assert.deepEqual([counts().used, counts().size], [1, 1])
  },
)

describe('a factory of glasspool that always fails', () => {
  const cause = new Error('cannot open')
  const factories: readonly (readonly [name: string, fail: () => Error])[] = [
    ['rejects', () => cause],
    [
      'throws at once',
      () => {
        throw cause
      },
    ],
  ]
  for (const [name, fail] of factories) {
    it(`and ${name} is asked after growing pauses, and each waiter hears of it or of its deadline`, async () => {
      const rig = await PoolRig.open({ acquireTimeoutMs: 10_000 })
      const openedAtMs: number[] = []
      rig.database.opening = () => {
        openedAtMs.push(rig.clock.nowMs())
        return fail()
      }
      const waiters = Array.from({ length: 50 }, () => watch(rig.pool.acquire()))
      await rig.advance(10_000)
      for (const { error } of waiters) {
        assert.match((error as PoolError).code, /^POOL_(OPEN_FAILED|ACQUIRE_TIMEOUT)$/)
        assert.equal((error as PoolError).cause, cause)
      }
      assert.ok(openedAtMs.length < 30, `${openedAtMs.length} attempts in 10 s`)
      const pauses = [...new Set(openedAtMs)].map((atMs, i, all) => atMs - (all[i - 1] ?? 0))
      assert.deepEqual(
        pauses.slice(1),
        pauses.slice(1).toSorted((a, b) => a - b),
      )
      rig.database.opening = 'at once'
      await rig.advance(2000)
      const lease = await rig.pool.acquire()
      await lease.release()
    })
  }

  it('after a while is waited for until the deadline, which a late failure does not move', async () => {
    const rig = await PoolRig.open({ acquireTimeoutMs: 1500 })
    rig.database.opening = 'by hand'
    const first = watch(rig.pool.acquire())
    await rig.advance(1000)
    rig.database.pending[0]!.fail(cause)
    await rig.settle()
    assert.equal((first.error as PoolError).code, 'POOL_OPEN_FAILED')
    const second = watch(rig.pool.acquire())
    await rig.advance(1000)
    rig.database.pending[0]!.fail(cause)
    await rig.settle()
    assert.equal((second.error as PoolError).cause, cause)
    const third = watch(rig.pool.acquire())
    await rig.advance(1499)
    assert.equal(third.state, 'pending')
    await rig.advance(1)
    assert.equal((third.error as PoolError).code, 'POOL_ACQUIRE_TIMEOUT')
  })
})
