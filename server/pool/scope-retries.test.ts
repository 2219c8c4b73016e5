import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig } from '../testing/pool-rig.ts'
import { sqliteError } from '../testing/sqlite-error.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'
import type { Lease } from './lease.ts'

describe('maxRetries', () => {
  const codes: readonly { readonly code: string; readonly isRetried: boolean }[] = [
    { code: 'SQLITE_BUSY_SNAPSHOT', isRetried: true },
    { code: 'SQLITE_BUSY', isRetried: true },
    { code: 'DB_BUSY', isRetried: true },
    { code: 'SQLITE_CONSTRAINT', isRetried: false },
    { code: 'TRANSACTION_ENDED', isRetried: false },
  ]
  for (const { code, isRetried } of codes) {
    it(`runs the function ${isRetried ? 'again' : 'once'} when it failed with ${code}`, async () => {
      const rig = await PoolRig.open()
      let callCount = 0
      const call = watch(
        rig.pool.transaction(
          () => {
            callCount += 1
            if (callCount === 1) throw sqliteError(code)
            return callCount
          },
          { maxRetries: 1 },
        ),
      )
      await rig.settle()
      if (isRetried) assert.equal(call.value, 2)
      else assert.equal((call.error as PoolError).code, code)
      assert.equal(callCount, isRetried ? 2 : 1)
    })
  }

  it('is 0 when nothing is said', async () => {
    const rig = await PoolRig.open()
    let callCount = 0
    const call = rig.pool.transaction(() => {
      callCount += 1
      throw sqliteError('SQLITE_BUSY_SNAPSHOT')
    })
    await assert.rejects(call, { code: 'SQLITE_BUSY_SNAPSHOT' })
    assert.equal(callCount, 1)
  })

  it('is for scopes without a transaction too, and each attempt has a lease of its own', async () => {
    const rig = await PoolRig.open()
    const leases: Lease[] = []
    const call = rig.pool.withConnection(
      (db) => {
        leases.push(db)
        throw sqliteError('SQLITE_BUSY_SNAPSHOT')
      },
      { mode: 'write', maxRetries: 2 },
    )
    await assert.rejects(call, { code: 'SQLITE_BUSY_SNAPSHOT' })
    assert.deepEqual(
      leases.map((lease) => [lease.id, lease.isReleased]),
      [
        [1, true],
        [2, true],
        [3, true],
      ],
    )
    assert.deepEqual([rig.stats.writer.acquired, rig.stats.writer.released], [3, 3])
  })

  //  time   first attempt     another           second attempt
  //     0   granted           waits
  //    60   fails, releases   granted           waits, until 100 and not until 160
  //   100                                       POOL_ACQUIRE_TIMEOUT
  it('has one deadline over all attempts', async () => {
    const rig = await PoolRig.open()
    const gate = Promise.withResolvers<never>()
    const call = watch(rig.pool.transaction(() => gate.promise, { maxRetries: 5, timeoutMs: 100 }))
    await rig.settle()
    const another = watch(rig.pool.acquire({ mode: 'write' }))
    await rig.advance(60)
    gate.reject(sqliteError('SQLITE_BUSY_SNAPSHOT'))
    await rig.settle()
    assert.equal(another.state, 'fulfilled')
    await rig.advance(39)
    assert.equal(call.state, 'pending')
    await rig.advance(1)
    assert.equal((call.error as PoolError).code, 'POOL_ACQUIRE_TIMEOUT')
  })

  for (const maxRetries of [-1, 1.5, Number.NaN, '1']) {
    it(`refuses ${String(maxRetries)}, and acquires nothing`, async () => {
      const rig = await PoolRig.open()
      const options = { maxRetries: maxRetries as number }
      await assert.rejects(
        rig.pool.transaction(() => undefined, options),
        {
          code: 'POOL_INVALID_OPTION',
          outcome: 'not_started',
        },
      )
      assert.equal(rig.stats.writer.acquired, 0)
    })
  }
})
