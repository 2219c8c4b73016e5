import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { settled } from '../../testing/hand-clock.ts'
import { PoolRig } from '../../testing/pool-rig.ts'
import { watch } from '../../testing/watched.ts'
import type { Lease } from '../lease.ts'
import { onEveryPool } from './testing/every-pool.ts'
import { quietly } from './testing/pools.ts'

onEveryPool(
  'a second release does not free what the next caller holds',
  { size: 1 },
  async ({ acquire, counts }) => {
    const first = await acquire()
    await first.release()
    const second = await acquire()
    assert.equal(second.connection, first.connection, 'it is the same connection')
    const third = watch(acquire())
    const again = watch(first.release())
    await settled()
    assert.equal(third.state, 'pending', 'the third still waits for the second')
    assert.equal(again.state, 'rejected')
    assert.equal((again.error as { code?: unknown }).code, 'LEASE_RELEASED')
    await second.use()
    assert.equal(counts().used, 1)
    await second.release()
    await settled()
    assert.equal(third.state, 'fulfilled')
  },
)

onEveryPool(
  'a release in the tick of the first one does not free it twice',
  { size: 1 },
  async ({ acquire, counts }) => {
    const holder = await acquire()
    const waiters = [watch(acquire()), watch(acquire())]
    quietly(holder.release())
    quietly(holder.release())
    await settled()
    const served = waiters.filter(({ state }) => state === 'fulfilled')
    assert.equal(served.length, 1, 'one of them has it')
    assert.deepEqual([counts().used, counts().size], [1, 1])
  },
)

onEveryPool('what was given back can no longer be used', { size: 1 }, async ({ acquire }) => {
  const first = await acquire()
  await first.release()
  const second = await acquire()
  const callsBefore = second.connection.calls.length
  const use = watch(first.use())
  await settled()
  assert.equal(use.state, 'rejected')
  assert.equal(second.connection.calls.length, callsBefore, 'the connection has not heard of it')
  await second.use()
})

describe('the error of a second release in glasspool', () => {
  const releaseHereFirst = (lease: Lease): Promise<void> => lease.release()
  const releaseHereAgain = (lease: Lease): Promise<void> => lease.release()

  it('shows both places while leaks are looked for', async () => {
    const rig = await PoolRig.open({ leakThresholdMs: 10_000 })
    const lease = await rig.pool.acquire()
    await releaseHereFirst(lease)
    await assert.rejects(releaseHereAgain(lease), (error: Error & { code?: unknown }) => {
      assert.equal(error.code, 'LEASE_RELEASED')
      assert.match(error.stack ?? '', /releaseHereAgain/)
      assert.ok(error.cause instanceof Error)
      assert.match(error.cause.stack ?? '', /releaseHereFirst/)
      return true
    })
  })
})
