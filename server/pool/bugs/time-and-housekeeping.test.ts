import assert from 'node:assert/strict'
import { settled } from '../../testing/hand-clock.ts'
import { watch } from '../../testing/watched.ts'
import { forEachPool, onEveryPool } from './testing/every-pool.ts'
import { openOnTime } from './testing/pools.ts'
import { mockTime } from './testing/test-time.ts'

const HOUR_MS = 3_600_000

// Ours on the clock of the system here: a clock turned by hand cannot jump.
forEachPool('a clock on the wall that is set closes nothing and ends no wait', async (name, t) => {
  for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
    const time = mockTime(t)
    const pool = openOnTime(name, { size: 2, timeoutMs: 30_000, idleTimeoutMs: 60_000 }, time)
    const held = [await pool.acquire(), await pool.acquire()]
    const waiter = watch(pool.acquire())
    await time.advance(1100)
    time.jumpDate(jumpMs)
    await time.advance(1100)
    assert.equal(waiter.state, 'pending', 'the wait goes on')
    await held[0]!.release()
    await settled()
    assert.equal(waiter.state, 'fulfilled')
    await waiter.value.release()
    await time.advance(1100)
    time.jumpDate(jumpMs)
    await time.advance(2200)
    assert.equal(pool.counts().idle, 1, 'what was idle for 3 s is still there')
    assert.equal(pool.database.alive.filter(({ role }) => role === 'reader').length, 2)
  }
})

onEveryPool(
  'what tidies up never takes a connection that is in use',
  { size: 2, idleTimeoutMs: 5000, timeoutMs: 60_000 },
  async ({ acquire, database, time, counts }) => {
    const held = await acquire()
    const other = await acquire()
    await other.release()
    await time.advance(4999)
    // The last moment of the idle one: whoever tidies up next comes to it in the tick of an acquire.
    const taken = watch(acquire())
    time.fire(5001)
    await settled()
    assert.equal(taken.value.connection.isClosed, false)
    await time.advance(60_000)
    assert.equal(held.connection.isClosed, false)
    assert.equal(taken.value.connection.isClosed, false)
    assert.equal(counts().used, 2)
    await held.use()
    await taken.value.use()
    await held.release()
    await taken.value.release()
    await time.advance(10_000)
    assert.deepEqual(counts(), { idle: 0, used: 0, waiting: 0, size: 0 })
    assert.deepEqual(
      database.alive.filter(({ role }) => role === 'reader'),
      [],
    )
  },
)
