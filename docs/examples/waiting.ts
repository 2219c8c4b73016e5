// What a caller can do when everything is in use: set a deadline, give up, and see who holds what.
import { createPool, PoolError } from '../../server/index.ts'

const pool = await createPool({ path: 'busy.sqlite', size: 1, acquireTimeoutMs: 5000 })

// A lease of your own. `await using` gives it back on every way out of the block.
{
  await using lease = await pool.acquire({ label: 'nightly report' })
  console.log('held by connection', lease.connectionId)

  try {
    await pool.get('SELECT 1', [], { timeoutMs: 50 })
  } catch (error) {
    if (!(error instanceof PoolError)) throw error
    console.log(error.code, 'behind', error.holders[0]?.label, '-', error.outcome)
  }

  const giveUp = new AbortController()
  const waiting = pool.get('SELECT 1', [], { signal: giveUp.signal })
  console.log('waiting:', pool.stats().waiting)
  giveUp.abort(new Error('the client hung up'))
  await waiting.catch((error: Error) => console.log('gave up:', error.message))
  console.log('waiting:', pool.stats().waiting)
}

console.log('free again:', await pool.get('SELECT 1 AS one'))
await pool.close()

// Prints:
// held by connection 1
// POOL_ACQUIRE_TIMEOUT behind nightly report - not_started
// waiting: 1
// gave up: the client hung up
// waiting: 0
// free again: { one: 1 }
