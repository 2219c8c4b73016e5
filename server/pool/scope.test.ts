import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import { type Watched, watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'
import { Lease } from './lease.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const SIZE_ONE = { readers: { min: 0, max: 0 } }
const SNAPSHOT = 'BEGIN; SELECT 1 FROM sqlite_schema LIMIT 1'
const sqliteError = (code: string): Error => Object.assign(new Error(code), { code })

/** Savepoints have numbers that go on from test to test: from the first one they are a, b, c, d. */
function lettered(calls: readonly string[]): string[] {
  const names: string[] = []
  return calls.map((sql) =>
    sql.replaceAll(/glasspool_\d+/g, (name) => {
      if (!names.includes(name)) names.push(name)
      return 'abcd'[names.indexOf(name)]!
    }),
  )
}

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

describe('a transaction inside another', () => {
  it('is a savepoint, kept by RELEASE', async () => {
    const rig = await PoolRig.open()
    const result = await rig.pool.transaction((db) =>
      db.transaction(async (nested) => {
        assert.equal(nested, db, 'it is the same lease')
        await nested.run('INSERT')
        return 7
      }),
    )
    assert.equal(result, 7)
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN IMMEDIATE',
      'SAVEPOINT a',
      'INSERT',
      'RELEASE a',
      'COMMIT',
    ])
    assert.match(rig.writer.calls[1]!, /^SAVEPOINT glasspool_\d+$/)
  })

  it('is undone by ROLLBACK TO and RELEASE, and its error is the caller’s to keep or pass on', async () => {
    for (const isPassedOn of [true, false]) {
      const rig = await PoolRig.open()
      const mine = new Error('mine')
      const call = watch(
        rig.pool.transaction(async (db) => {
          const nested = db.transaction(() => Promise.reject(mine))
          await (isPassedOn ? nested : nested.catch(() => undefined))
        }),
      )
      await rig.settle()
      if (isPassedOn) assert.equal(call.error, mine)
      else assert.equal(call.state, 'fulfilled')
      assert.deepEqual(lettered(rig.writer.calls), [
        'BEGIN IMMEDIATE',
        'SAVEPOINT a',
        'ROLLBACK TO a; RELEASE a',
        isPassedOn ? 'ROLLBACK' : 'COMMIT',
      ])
    }
  })

  //  asked for        first …        second …
  //  on the stack     SAVEPOINT a, RELEASE a, SAVEPOINT b, RELEASE b
  it('waits for those asked for before in the same place, whichever way it is asked', async () => {
    const rig = await PoolRig.open()
    await rig.pool.transaction(async (db) => {
      await Promise.allSettled([
        db.transaction(async (nested) => {
          await nested.run('INSERT 1')
          await nested.transaction((inner) => inner.run('INSERT 2'))
        }),
        rig.pool.transaction(() => Promise.reject(new Error('mine'))),
        db.transaction((nested) => nested.run('INSERT 3')),
      ])
    })
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN IMMEDIATE',
      'SAVEPOINT a',
      'INSERT 1',
      'SAVEPOINT b',
      'INSERT 2',
      'RELEASE b',
      'RELEASE a',
      'SAVEPOINT c',
      'ROLLBACK TO c; RELEASE c',
      'SAVEPOINT d',
      'INSERT 3',
      'RELEASE d',
      'COMMIT',
    ])
  })

  it('that cannot be undone costs the connection, and the error is still its own', async () => {
    const rig = await PoolRig.open()
    const { writer } = rig
    writer.next(/^ROLLBACK TO/, sqliteError('SQLITE_IOERR'))
    const mine = new Error('mine')
    const call = rig.pool.transaction((db) => db.transaction(() => Promise.reject(mine)))
    await assert.rejects(call, mine)
    assert.equal(writer.calls.at(-1), 'close')
    assert.equal(rig.stats.writer.closed.discarded, 1)
  })

  it('of the pool needs a function, and the outer one goes on', async () => {
    const rig = await PoolRig.open()
    await rig.pool.transaction(async () => {
      await assert.rejects(rig.pool.transaction(undefined as never), TypeError)
    })
    assert.equal(rig.writer.calls.at(-1), 'COMMIT')
  })

  it('with a signal that is aborted already does nothing', async () => {
    const rig = await PoolRig.open()
    const reason = new Error('too late')
    await rig.pool.transaction(async () => {
      const options = { signal: AbortSignal.abort(reason) }
      await assert.rejects(
        rig.pool.transaction(() => assert.fail(), options),
        reason,
      )
    })
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'COMMIT'])
  })
})

describe('a transaction of a lease', () => {
  for (const mode of ['write', 'read'] as const) {
    it(`of the ${mode === 'write' ? 'writer' : 'reader'} is one of its own, outside of any scope`, async () => {
      const rig = await PoolRig.open(ONE_READER)
      const lease = await rig.pool.acquire({ mode })
      const connection = mode === 'write' ? rig.writer : rig.database.of('reader')[0]!
      assert.equal(await lease.transaction(() => 7), 7)
      await assert.rejects(
        lease.transaction(() => Promise.reject(new Error('mine'))),
        /mine/,
      )
      assert.equal(lease.inTransaction, false)
      const begin = mode === 'write' ? 'BEGIN IMMEDIATE' : SNAPSHOT
      assert.deepEqual(connection.calls, [begin, 'COMMIT', begin, 'ROLLBACK'])
      await lease.release()
    })
  }

  it('waits for those asked for before, with or without a scope', async () => {
    const rig = await PoolRig.open()
    const expected = [
      'BEGIN IMMEDIATE',
      'INSERT 1',
      'COMMIT',
      'BEGIN IMMEDIATE',
      'INSERT 2',
      'COMMIT',
    ]
    const both = (db: Lease): Promise<unknown> =>
      Promise.all(['INSERT 1', 'INSERT 2'].map((sql) => db.transaction((one) => one.run(sql))))
    const lease = await rig.pool.acquire({ mode: 'write' })
    await both(lease)
    await lease.release()
    assert.deepEqual(rig.writer.calls.splice(0), expected)
    await rig.pool.withConnection(both, { mode: 'write' })
    assert.deepEqual(rig.writer.calls, expected)
  })

  it('is a savepoint of a transaction that the caller has begun', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire({ mode: 'write' })
    await lease.exec('BEGIN')
    await lease.transaction((db) => db.run('INSERT'))
    await lease.exec('COMMIT')
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN',
      'SAVEPOINT a',
      'INSERT',
      'RELEASE a',
      'COMMIT',
    ])
  })

  it('is refused after its release, also when that comes first in line', async () => {
    const rig = await PoolRig.open()
    const lease = await rig.pool.acquire({ mode: 'write' })
    const call = lease.transaction(() => assert.fail('it is not called'))
    await lease.release()
    await assert.rejects(call, { code: 'LEASE_RELEASED' })
    assert.deepEqual(rig.writer.calls, [])
  })
})

describe('Pool.transaction in a scope', () => {
  it('that holds the writer is one on that lease', async () => {
    const rig = await PoolRig.open()
    await rig.pool.withConnection(
      (db) => rig.pool.transaction((inner) => assert.equal(inner, db)),
      { mode: 'write' },
    )
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'COMMIT'])
    assert.equal(rig.stats.writer.acquired, 1)
  })

  it('that reads is one of its own, on the writer', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.read(() => rig.pool.transaction((db) => db.run('INSERT')))
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT', 'COMMIT'])
    assert.deepEqual(rig.database.of('reader')[0]?.calls, [SNAPSHOT, 'COMMIT'])
  })

  it('that reads on the one connection of a pool of size 1 waits for itself, and is told', async () => {
    const rig = await PoolRig.open(SIZE_ONE)
    await rig.pool.read(async () => {
      await assert.rejects(
        rig.pool.transaction(() => undefined),
        { code: 'POOL_DEADLOCK' },
      )
    })
    assert.deepEqual(rig.writer.calls, [SNAPSHOT, 'COMMIT'])
  })

  it('around another finds the writer that the outer one holds', async () => {
    const rig = await PoolRig.open(ONE_READER)
    await rig.pool.transaction((outer) =>
      rig.pool.read(() => rig.pool.transaction((inner) => assert.equal(inner, outer))),
    )
    assert.deepEqual(lettered(rig.writer.calls), [
      'BEGIN IMMEDIATE',
      'SAVEPOINT a',
      'RELEASE a',
      'COMMIT',
    ])
  })

  it('that has released its lease is one of its own', async () => {
    const rig = await PoolRig.open()
    await rig.pool.withConnection(
      async (db) => {
        await db.release()
        await rig.pool.transaction((other) => assert.notEqual(other, db))
      },
      { mode: 'write' },
    )
    assert.equal(rig.stats.writer.acquired, 2)
  })
})

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
