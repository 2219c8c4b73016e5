import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import { lettered } from '../testing/savepoint-letters.ts'
import { watch, type Watched } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'
import { Lease } from './lease.ts'

describe('a lease that is taken away from a function', () => {
  const causes: readonly {
    readonly name: string
    readonly options: RigOptions
    readonly code: string
    readonly cause: (rig: PoolRig) => Promise<unknown>
  }[] = [
    {
      name: 'past transactionTimeoutMs',
      options: { transactionTimeoutMs: 100 },
      code: 'TRANSACTION_TIMEOUT',
      cause: (rig) => rig.advance(100),
    },
    {
      name: 'past idleInTransactionTimeoutMs',
      options: { idleInTransactionTimeoutMs: 100 },
      code: 'TRANSACTION_IDLE',
      cause: (rig) => rig.advance(100),
    },
    {
      name: 'past leakReclaimMs',
      options: { leakThresholdMs: 500, leakReclaimMs: 1000 },
      code: 'LEASE_REVOKED',
      cause: (rig) => rig.advance(1000),
    },
    {
      name: 'by close()',
      options: {},
      code: 'POOL_CLOSED',
      cause: async (rig) => {
        watch(rig.pool.close({ timeoutMs: 0 }))
        await rig.advance(0)
      },
    },
  ]
  for (const { name, options, code, cause } of causes) {
    //  step  fn                         its caller      the connection
    //   1    waits for something        waits           in use
    //   2    revoked                    rejected        clean and free, or closed
    //   3    throws: heard by nobody
    it(`${name} ends its scope at once, and what the function throws later is no unhandled rejection`, async () => {
      const rig = await PoolRig.open(options)
      const gate = Promise.withResolvers<never>()
      let given: Lease | undefined
      const call = watch(
        rig.pool.transaction(async (db) => {
          given = db
          await db.run('INSERT')
          return gate.promise
        }),
      )
      await rig.settle()
      await cause(rig)
      assert.equal((call.error as PoolError).code, code)
      assert.equal(rig.stats.writer.inUse, 0)
      assert.equal(rig.stats.writer.dirtyReleased, 0)
      await assert.rejects(given!.run('INSERT'), { code })
      gate.reject(new Error('late'))
      await rig.settle()
      assert.equal(rig.database.connections[0]?.calls.includes('COMMIT'), false)
    })
  }

  it('ends every scope that has it, however deep', async () => {
    const rig = await PoolRig.open({ transactionTimeoutMs: 100 })
    const inner: Watched<unknown>[] = []
    // None waits for the one inside of it.
    const never = new Promise(() => undefined)
    const outer = watch(
      rig.pool.transaction((db) => {
        const nested = db.transaction(() => {
          inner.push(watch(rig.pool.transaction(() => never)))
          return never
        })
        inner.push(watch(nested))
        return never
      }),
    )
    await rig.advance(100)
    for (const one of [outer, ...inner]) {
      assert.equal((one.error as PoolError).code, 'TRANSACTION_TIMEOUT')
    }
    assert.equal(inner.length, 2)
    assert.equal(rig.stats.writer.idle, 1)
  })

  it('knows nothing any more of the scopes that have ended, of which there may be many', async () => {
    const rig = await PoolRig.open()
    await rig.pool.transaction(async (db) => {
      const hold = Lease.holdOf(db)!
      const { onRevoked } = hold
      assert.notEqual(onRevoked, undefined)
      await db.transaction((nested) => nested.transaction(() => undefined))
      await db.transaction(() => Promise.reject(new Error('mine'))).catch(() => undefined)
      assert.equal(hold.onRevoked, onRevoked)
    })
  })

  //  step  outer      inner, not awaited
  //   1    begins     begins
  //   2    returns    is refused, and undone
  //   3    commits
  it('is ended by the return of its outer one, which has not waited for it', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire({ mode: 'write' })
    let inner: Watched<unknown> | undefined
    await lease.transaction(async (db) => {
      const begun = Promise.withResolvers<void>()
      inner = watch(
        db.transaction(() => {
          begun.resolve()
          return new Promise(() => undefined)
        }),
      )
      await begun.promise
    })
    assert.equal((inner!.error as PoolError).code, 'TRANSACTION_ENDED')
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN IMMEDIATE',
      'SAVEPOINT a',
      'ROLLBACK TO a; RELEASE a',
      'COMMIT',
    ])
  })
})
