import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import type { ScriptedConnection } from '../testing/scripted-connection.ts'
import { sqliteError } from '../testing/sqlite-error.ts'
import { watch } from '../testing/watched.ts'
import { captureSite, framesOf } from './call-site.ts'
import type { PoolError } from './errors.ts'
import type { StatementReport } from './hold.ts'
import { Lease } from './lease.ts'

const BUSY = sqliteError('SQLITE_BUSY')

/** What the lane is told about the statements of one lease. */
function reportsOf(t: TestContext, lease: Lease): StatementReport[] {
  const reports: StatementReport[] = []
  t.mock.method(Lease.holdOf(lease)!.host, 'statementEnded', (_hold: unknown, report: unknown) =>
    reports.push(report as StatementReport),
  )
  return reports
}

async function writerScene(
  options: RigOptions = {},
): Promise<{ readonly rig: PoolRig; readonly writer: ScriptedConnection; readonly lease: Lease }> {
  const rig = await PoolRig.open(options)
  return { rig, writer: rig.writer, lease: await rig.pool.acquire({ mode: 'write' }) }
}

describe('a statement', () => {
  it('is counted, and shown with its SQL and its start while it runs', async () => {
    const { rig, lease, writer } = await writerScene()
    rig.clock.advance(5)
    const held = writer.hold('INSERT')
    const call = watch(lease.run('INSERT'))
    await rig.settle()
    assert.deepEqual([lease.statementCount, lease.lastSql], [1, 'INSERT'])
    const [row] = rig.pool.connections()
    assert.deepEqual([row?.sql, row?.isRunning], ['INSERT', true])
    assert.equal(row?.statementSinceAtMs, rig.clock.timeOriginMs + 5)
    held.resolve(undefined)
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    assert.equal(rig.pool.connections()[0]?.isRunning, false)
  })

  const calls: readonly {
    readonly name: string
    readonly ask: (lease: Lease) => Promise<unknown>
    readonly sql: string
    readonly rowCount: number | null
  }[] = [
    { name: 'all', ask: (db) => db.all('SELECT'), sql: 'SELECT', rowCount: 3 },
    { name: 'get', ask: (db) => db.get('SELECT'), sql: 'SELECT', rowCount: 1 },
    { name: 'run', ask: (db) => db.run('INSERT'), sql: 'INSERT', rowCount: null },
    { name: 'exec', ask: (db) => db.exec('A; B'), sql: 'A; B', rowCount: null },
    { name: 'columns', ask: (db) => db.columns('SELECT'), sql: 'SELECT', rowCount: null },
    { name: 'iterate', ask: (db) => db.iterate('SELECT'), sql: 'SELECT', rowCount: null },
    {
      name: 'batch',
      ask: (db) => db.batch([{ sql: 'A' }, { sql: 'B', args: [1] }]),
      sql: 'A; B',
      rowCount: 0,
    },
  ]
  for (const { name, ask, sql, rowCount } of calls) {
    it(`by ${name} is reported once, with its rows where they are counted`, async (t) => {
      const { lease } = await writerScene()
      const reports = reportsOf(t, lease)
      await ask(lease)
      assert.deepEqual(reports, [{ sql, startedMs: 0, durationMs: 0, rowCount, error: undefined }])
    })
  }

  it('without a row is one with no rows', async (t) => {
    const { lease, writer } = await writerScene()
    const reports = reportsOf(t, lease)
    writer.get = async () => undefined
    assert.equal(await lease.get('SELECT'), undefined)
    assert.equal(reports[0]?.rowCount, 0)
  })

  it('that fails is reported with its time and its error', async (t) => {
    const { rig, lease, writer } = await writerScene()
    const reports = reportsOf(t, lease)
    const failure = sqliteError('SQLITE_FULL')
    const held = writer.hold('INSERT')
    const call = watch(lease.run('INSERT'))
    await rig.advance(8)
    held.reject(failure)
    await rig.settle()
    assert.equal(call.error, failure)
    assert.deepEqual(reports, [
      { sql: 'INSERT', startedMs: 0, durationMs: 8, rowCount: null, error: failure },
    ])
  })

  it('that is refused is not counted', async () => {
    const { rig, lease, writer } = await writerScene()
    const signal = AbortSignal.abort(new Error('too late'))
    await assert.rejects(lease.run('INSERT', [], { signal }), /too late/)
    await lease.release()
    await assert.rejects(lease.run('INSERT'), { code: 'LEASE_RELEASED' })
    assert.deepEqual([lease.statementCount, rig.stats.operationMs.count], [0, 0])
    assert.deepEqual(writer.calls, [])
  })

  it('that rejects with nothing at all passes it on', async () => {
    const rig = await PoolRig.open({ readers: { min: 1, max: 1 } })
    const lease = await rig.pool.acquire()
    rig.database.of('reader')[0]!.next('SELECT', Promise.reject(null as unknown as Error))
    const call = watch(lease.all('SELECT'))
    await rig.settle()
    assert.equal(call.error, null)
  })
})

describe('a statement after the release of its lease', () => {
  it('is told where that was, while leaks are looked for', async () => {
    const rig = await PoolRig.open({ leakThresholdMs: 1000 })
    const lease = await rig.pool.acquire()
    const releaseHere = (): Promise<void> => lease.release()
    await releaseHere()
    await assert.rejects(lease.all('SELECT'), (error: PoolError) => {
      assert.equal(error.code, 'LEASE_RELEASED')
      const { stack } = error.cause as Error
      assert.match(stack!, /^Error: it was released here\n\s+at .*/)
      assert.match(stack!, /releaseHere/)
      return true
    })
  })

  it('is told without a place when none is known', async () => {
    const { lease } = await writerScene()
    await lease.release()
    await assert.rejects(lease.run('INSERT'), (error: PoolError) => {
      assert.deepEqual([error.code, error.cause], ['LEASE_RELEASED', undefined])
      return true
    })
    // What some tool that rewrites stacks has left of it.
    Lease.holdOf(lease)!.releaseSite = {}
    await assert.rejects(lease.run('INSERT'), (error: PoolError) => {
      assert.equal((error.cause as Error).stack, 'Error: it was released here\n')
      return true
    })
  })
})

describe('a call site', () => {
  it('has the frames of the calling code, and leaves the limit as it was', () => {
    const before = Error.stackTraceLimit
    const callHere = (): ReturnType<typeof captureSite> => captureSite()
    const frames = framesOf(callHere())
    assert.match(frames!.split('\n')[0]!, /callHere/)
    assert.equal(Error.stackTraceLimit, before)
  })

  it('that was not captured, or has no stack, has no frames', () => {
    assert.equal(framesOf(null), null)
    assert.equal(framesOf({}), null)
  })
})

describe('a lock that another process holds', () => {
  const codes: readonly { readonly code: string; readonly isRepeated: boolean }[] = [
    { code: 'SQLITE_BUSY', isRepeated: true },
    { code: 'SQLITE_BUSY_RECOVERY', isRepeated: true },
    { code: 'SQLITE_BUSY_TIMEOUT', isRepeated: true },
    { code: 'SQLITE_BUSY_SNAPSHOT', isRepeated: false },
    { code: 'SQLITE_LOCKED', isRepeated: false },
    { code: 'SQLITE_FULL', isRepeated: false },
  ]
  for (const { code, isRepeated } of codes) {
    it(`by ${code} ${isRepeated ? 'is waited for' : 'is passed on at once'}`, async () => {
      const rig = await PoolRig.open()
      const failure = sqliteError(code)
      rig.writer.next('INSERT', failure).next('INSERT', failure)
      const call = watch(rig.pool.run('INSERT'))
      await rig.advance(100)
      assert.equal(call.state, isRepeated ? 'fulfilled' : 'rejected')
      if (!isRepeated) assert.equal(call.error, failure)
      assert.equal(rig.writer.calls.length, isRepeated ? 3 : 1)
      assert.equal(rig.stats.writer.busyRetried, isRepeated ? 2 : 0)
      assert.equal(rig.stats.operationMs.count, 1, 'it is one statement, however often it is sent')
    })
  }

  it('is asked for after pauses that grow up to 50 ms, each with a chance in it', async (t) => {
    for (const chance of [0, 0.999]) {
      t.mock.method(Math, 'random', () => chance)
      const rig = await PoolRig.open()
      rig.writer.always('INSERT', BUSY)
      watch(rig.pool.run('INSERT'))
      const pausesMs: number[] = []
      for (let count = 0; count < 8; count += 1) {
        await rig.settle()
        const pauseMs = rig.clock.nextDueMs - rig.clock.nowMs()
        pausesMs.push(Math.round(pauseMs))
        await rig.advance(pauseMs)
      }
      const longestMs = [2, 4, 8, 16, 32, 50, 50, 50]
      assert.deepEqual(pausesMs, chance === 0 ? longestMs.map((ms) => ms / 2) : longestMs)
      t.mock.restoreAll()
    }
  })

  it('held until the deadline is DB_BUSY, which says how long and how often it was asked for', async () => {
    const rig = await PoolRig.open()
    const timers = rig.clock.timerCount
    rig.writer.always('INSERT', BUSY)
    const call = watch(rig.pool.run('INSERT', [], { timeoutMs: 100 }))
    await rig.advance(99)
    assert.equal(call.state, 'pending')
    await rig.advance(100)
    const error = call.error as PoolError
    assert.deepEqual([error.code, error.outcome, error.cause], ['DB_BUSY', 'not_started', BUSY])
    assert.ok(error.details['waitedMs']! >= 100 && error.details['waitedMs']! <= 150)
    assert.equal(error.details['attempts'], rig.writer.calls.length)
    assert.equal(rig.stats.writer.busyRetried, rig.writer.calls.length - 1)
    assert.deepEqual([rig.stats.writer.idle, rig.clock.timerCount], [1, timers])
  })

  it('is not waited for by those who do not wait', async () => {
    const rig = await PoolRig.open()
    rig.writer.next('INSERT', BUSY)
    await assert.rejects(rig.pool.run('INSERT', [], { timeoutMs: 0 }), {
      code: 'DB_BUSY',
      details: { waitedMs: 0, attempts: 1 },
    })
  })

  //  time   holder      caller (timeoutMs 100)      second statement
  //     0   holds       waits
  //    60   releases    INSERT: busy …
  //   100…              DB_BUSY, 40 ms after 60
  //   later                                         busy for the whole 100 ms
  it('is waited for by a first statement until the deadline of its acquire, by a later one from its start', async () => {
    const { rig, lease: holder, writer } = await writerScene()
    writer.always('INSERT', BUSY)
    const waiter = watch(rig.pool.acquire({ mode: 'write', timeoutMs: 100 }))
    await rig.advance(60)
    await holder.release()
    await rig.settle()
    const first = watch(waiter.value.run('INSERT'))
    await rig.advance(100)
    const firstMs = (first.error as PoolError).details['waitedMs']!
    assert.ok(firstMs >= 40 && firstMs < 90, `${firstMs} ms`)
    const second = watch(waiter.value.run('INSERT'))
    await rig.advance(99)
    assert.equal(second.state, 'pending')
    await rig.advance(51)
    assert.equal((second.error as PoolError).code, 'DB_BUSY')
  })

  const inTransaction: readonly {
    readonly name: string
    readonly before?: string
    readonly after?: boolean
  }[] = [
    { name: 'inside a transaction', before: 'BEGIN' },
    { name: 'that leaves one open', after: true },
  ]
  for (const { name, before, after } of inTransaction) {
    it(`is passed on to a statement ${name}: sent again it could do more than it should`, async () => {
      const { rig, lease, writer } = await writerScene()
      if (before !== undefined) await lease.exec(before)
      const held = writer.hold('INSERT')
      const call = watch(lease.run('INSERT'))
      await rig.settle()
      if (after !== undefined) writer.inTransaction = after
      held.reject(BUSY)
      await rig.advance(100)
      assert.equal(call.error, BUSY)
      assert.equal(writer.calls.filter((sql) => sql === 'INSERT').length, 1)
    })
  }

  it('is passed on by a lease to several statements, of which some may have happened', async () => {
    const { lease, writer } = await writerScene()
    writer.always('A', BUSY)
    await assert.rejects(lease.exec('A'), BUSY)
    await assert.rejects(lease.batch([{ sql: 'A' }, { sql: 'B' }]), BUSY)
  })

  it('is waited for by a batch of the pool, of which nothing has happened', async () => {
    const rig = await PoolRig.open()
    rig.writer.next('A', BUSY)
    const call = watch(rig.pool.batch([{ sql: 'A' }, { sql: 'B' }]))
    await rig.advance(10)
    assert.equal(call.state, 'fulfilled')
    assert.deepEqual(rig.writer.calls, ['A', 'A', 'B'])
  })

  it('is waited for by BEGIN', async () => {
    const rig = await PoolRig.open()
    rig.writer.next('BEGIN IMMEDIATE', BUSY).next('BEGIN IMMEDIATE', BUSY)
    const call = watch(rig.pool.transaction((db) => db.run('INSERT')))
    await rig.advance(20)
    assert.equal(call.state, 'fulfilled')
    const begin = 'BEGIN IMMEDIATE'
    assert.deepEqual(rig.writer.calls, [begin, begin, begin, 'INSERT', 'COMMIT'])
  })

  it('is waited for by COMMIT', async () => {
    const rig = await PoolRig.open()
    rig.writer.next('COMMIT', BUSY).next('COMMIT', BUSY)
    const call = watch(rig.pool.transaction((db) => db.run('INSERT')))
    await rig.settle()
    assert.equal(call.state, 'pending', 'no success before COMMIT has answered')
    await rig.advance(20)
    assert.equal(call.state, 'fulfilled')
    assert.deepEqual(rig.writer.calls.slice(-3), ['COMMIT', 'COMMIT', 'COMMIT'])
  })

  it('that COMMIT does not get by its deadline is the end of the transaction', async () => {
    const rig = await PoolRig.open()
    const { writer } = rig
    writer.always('COMMIT', BUSY)
    const call = watch(rig.pool.transaction((db) => db.run('INSERT'), { timeoutMs: 50 }))
    await rig.advance(200)
    const { code, outcome } = call.error as PoolError
    assert.deepEqual([code, outcome], ['DB_BUSY', 'rolled_back'])
    assert.deepEqual(writer.calls.slice(-3), ['COMMIT', 'ROLLBACK', 'close'])
  })

  const signals: readonly {
    readonly name: string
    readonly ask: (rig: PoolRig, lease: Lease, signal: AbortSignal) => Promise<unknown>
  }[] = [
    { name: 'of the call', ask: (_rig, lease, signal) => lease.run('INSERT', [], { signal }) },
    {
      name: 'of the acquire',
      ask: async (rig, lease, signal) => {
        await lease.release()
        return rig.pool.run('INSERT', [], { signal })
      },
    },
  ]
  for (const { name, ask } of signals) {
    it(`is not asked for again when the signal ${name} is aborted during a pause`, async () => {
      const { rig, lease, writer } = await writerScene()
      writer.next('INSERT', BUSY)
      const controller = new AbortController()
      const call = watch(ask(rig, lease, controller.signal))
      await rig.settle()
      const reason = new Error('enough')
      controller.abort(reason)
      await rig.advance(50)
      assert.equal(call.error, reason)
      assert.deepEqual(writer.calls, ['INSERT'])
    })
  }

  it('is not asked for again when the lease is taken away during a pause', async () => {
    const { rig, lease, writer } = await writerScene()
    writer.always('INSERT', BUSY)
    const call = watch(lease.run('INSERT'))
    await rig.settle()
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(50)
    assert.equal((call.error as PoolError).code, 'POOL_CLOSED')
    assert.equal(closing.state, 'fulfilled')
    assert.deepEqual(writer.calls, ['INSERT', 'close'])
  })

  it('is asked for again also when the release came during a pause, and waits for it', async () => {
    const { rig, lease, writer } = await writerScene()
    writer.next('INSERT', BUSY)
    const call = watch(lease.run('INSERT'))
    await rig.settle()
    const released = watch(lease.release())
    await rig.settle()
    assert.equal(released.state, 'pending')
    await rig.advance(10)
    assert.deepEqual([call.state, released.state], ['fulfilled', 'fulfilled'])
    assert.equal(rig.stats.writer.idle, 1)
  })
})

describe('BEGIN and COMMIT of a transaction of the pool', () => {
  const statements: readonly { readonly sql: string; readonly isRefused: boolean }[] = [
    { sql: 'BEGIN', isRefused: true },
    { sql: 'begin immediate', isRefused: true },
    { sql: '  CoMmIt  ', isRefused: true },
    { sql: 'END TRANSACTION', isRefused: true },
    { sql: 'rollback', isRefused: true },
    { sql: 'ROLLBACK TRANSACTION', isRefused: true },
    { sql: '-- done\nCOMMIT', isRefused: true },
    { sql: '/* a */ /* b\n */ commit', isRefused: true },
    { sql: ';; COMMIT', isRefused: true },
    { sql: 'ROLLBACK TO mine', isRefused: false },
    { sql: 'rollback transaction to savepoint mine', isRefused: false },
    { sql: 'SAVEPOINT mine', isRefused: false },
    { sql: 'RELEASE mine', isRefused: false },
    { sql: '-- COMMIT', isRefused: false },
    { sql: "SELECT 'COMMIT'", isRefused: false },
    { sql: 'SELECT commit_count FROM begin_log', isRefused: false },
    { sql: 'ENDPOINT', isRefused: false },
  ]
  for (const { sql, isRefused } of statements) {
    it(`are the pool's: ${JSON.stringify(sql)} is ${isRefused ? 'refused' : 'let through'}`, async () => {
      const rig = await PoolRig.open()
      await rig.pool.transaction(async (db) => {
        if (!isRefused) return db.all(sql)
        await assert.rejects(db.run(sql), { code: 'TRANSACTION_CONTROL', outcome: 'not_started' })
        return undefined
      })
      assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', ...(isRefused ? [] : [sql]), 'COMMIT'])
    })
  }

  it("are the caller's on a lease, outside of transactions of the pool", async () => {
    const { lease, writer } = await writerScene()
    await lease.exec('BEGIN')
    assert.equal(lease.inTransaction, true)
    await lease.exec('COMMIT')
    assert.deepEqual([writer.calls, lease.inTransaction], [['BEGIN', 'COMMIT'], false])
  })
})

describe('a transaction that SQLite has rolled back by itself', () => {
  const endedBySqlite = async (rig: PoolRig, db: Lease): Promise<void> => {
    const failure = sqliteError('SQLITE_CONSTRAINT')
    rig.writer.next('INSERT OR ROLLBACK', failure)
    await assert.rejects(db.run('INSERT OR ROLLBACK'), failure)
    rig.writer.inTransaction = false
  }

  it('takes no statement any more, which would be in no transaction', async () => {
    const rig = await PoolRig.open()
    const call = rig.pool.transaction(async (db) => {
      await endedBySqlite(rig, db)
      await db.run('INSERT')
    })
    await assert.rejects(call, { code: 'TRANSACTION_ENDED', outcome: 'rolled_back' })
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT OR ROLLBACK'])
    assert.deepEqual([rig.stats.writer.idle, rig.stats.writer.dirtyReleased], [1, 0])
  })

  it('is reported even to a function that hides it, and the connection is kept', async () => {
    const rig = await PoolRig.open()
    const call = rig.pool.transaction((db) => endedBySqlite(rig, db))
    await assert.rejects(call, { code: 'TRANSACTION_ENDED', outcome: 'rolled_back' })
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT OR ROLLBACK'])
    assert.equal(rig.writer.isClosed, false)
  })
})
