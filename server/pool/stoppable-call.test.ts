import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { describe, it } from 'node:test'
import { PoolRig, type RigOptions } from '../testing/pool-rig.ts'
import type { ScriptedConnection } from '../testing/scripted-connection.ts'
import { watch } from '../testing/watched.ts'
import { Cancellation, StatementStopped } from './cancellation.ts'
import type { PoolError } from './errors.ts'
import { Lease } from './lease.ts'
import { STOP_GRACE_MS } from './stoppable-call.ts'

const ONE_READER = { readers: { min: 1, max: 1 } }
const REASON = new Error('the client has left')

interface Scene {
  readonly rig: PoolRig
  readonly reader: ScriptedConnection
  readonly controller: AbortController
  readonly signal: AbortSignal
  /** Of the pool itself. */
  readonly timerCount: number
}

async function scene(options: RigOptions = {}): Promise<Scene> {
  const rig = await PoolRig.open({ ...ONE_READER, ...options })
  const controller = new AbortController()
  return {
    rig,
    reader: rig.database.of('reader')[0]!,
    controller,
    signal: controller.signal,
    timerCount: rig.clock.timerCount,
  }
}

/** No listener, no timer, no connection. */
function assertNothingLeft({ rig, signal, timerCount }: Scene): void {
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
  assert.equal(rig.clock.timerCount, timerCount)
  for (const lane of [rig.stats.reader, rig.stats.writer]) {
    assert.deepEqual([lane.idle, lane.size], [1, 1], lane.role)
    assert.equal(lane.dirtyReleased, 0, 'it is nobody’s fault')
  }
}

describe('a statement on a reader that is stopped', () => {
  //  step  caller                     connection
  //   1    SELECT …                   runs
  //   2    aborts; rejected           runs on: zombie
  //   3                               ends: reset, idle
  it('is the end for its caller at once, and for the connection when its step ends', async () => {
    const all = await scene()
    const { rig, reader, controller, signal } = all
    const held = reader.hold('SELECT')
    const call = watch(rig.pool.all('SELECT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(call.error, REASON)
    assert.deepEqual(reader.cancelled, ['SELECT'])
    assert.deepEqual([rig.stats.reader.zombie, rig.stats.reader.idle], [1, 0])
    held.resolve([])
    await rig.settle()
    assert.deepEqual(reader.calls, ['SELECT', 'reset'])
    assertNothingLeft(all)
  })

  it('stays with its lease until the release', async () => {
    const all = await scene()
    const { rig, reader, controller, signal } = all
    const lease = await rig.pool.acquire()
    const held = reader.hold('SELECT')
    const call = watch(lease.all('SELECT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(call.error, REASON)
    assert.deepEqual([rig.stats.reader.inUse, rig.stats.reader.zombie], [1, 0])
    await lease.release()
    assert.deepEqual([rig.stats.reader.inUse, rig.stats.reader.zombie], [0, 1])
    held.reject(new Error('of no interest to anyone'))
    await rig.settle()
    assertNothingLeft(all)
  })

  it('that can be interrupted frees its connection at once', async () => {
    const all = await scene()
    const { rig, reader, controller, signal } = all
    reader.canInterrupt = true
    reader.hold('SELECT')
    const call = watch(rig.pool.all('SELECT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(call.error, REASON)
    assertNothingLeft(all)
  })

  it('is given back to the next caller only after it ended', async () => {
    const { rig, reader, controller, signal } = await scene()
    const held = reader.hold('SELECT')
    watch(rig.pool.all('SELECT', [], { signal }))
    await rig.settle()
    const next = watch(rig.pool.all('SELECT next'))
    controller.abort(REASON)
    await rig.settle()
    assert.equal(next.state, 'pending')
    held.resolve([])
    await rig.settle()
    assert.equal(next.state, 'fulfilled')
    assert.deepEqual(reader.calls, ['SELECT', 'reset', 'SELECT next'])
  })

  it('inside read ends the read, whose transaction goes with the connection', async () => {
    const all = await scene()
    const { rig, reader, controller, signal } = all
    const held = reader.hold('SELECT')
    const call = watch(rig.pool.read((db) => db.all('SELECT'), { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(call.error, REASON)
    held.resolve([])
    await rig.settle()
    assert.deepEqual(reader.calls.slice(1), ['SELECT', 'reset'])
    assertNothingLeft(all)
  })
})

describe('a write that is stopped', () => {
  it('that can be interrupted has left nothing, and says so', async () => {
    const all = await scene()
    const { rig, controller, signal } = all
    rig.writer.canInterrupt = true
    rig.writer.hold('INSERT')
    const call = watch(rig.pool.run('INSERT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    const { code, outcome, cause, message } = call.error as PoolError
    assert.deepEqual([code, outcome, cause], ['STATEMENT_CANCELLED', 'rolled_back', REASON])
    assert.match(message, /nothing of it remains/)
    assertNothingLeft(all)
  })

  it('before it began says so', async () => {
    const all = await scene()
    const { rig, controller, signal } = all
    const held = rig.writer.hold('INSERT')
    const call = watch(rig.pool.run('INSERT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    held.reject(new StatementStopped('not_started'))
    await rig.settle()
    const { outcome, message } = call.error as PoolError
    assert.equal(outcome, 'not_started')
    assert.match(message, /before it began/)
    assertNothingLeft(all)
  })

  //  time   caller                      connection
  //     0   INSERT …                    runs
  //     0   aborts; waits to be told    runs on
  //   250   rejected: unknown           zombie
  //  later                              ends: reset, idle
  it('that does not say what became of it is unknown after a grace', async () => {
    const all = await scene()
    const { rig, controller, signal } = all
    const held = rig.writer.hold('INSERT')
    const call = watch(rig.pool.run('INSERT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.advance(STOP_GRACE_MS - 1)
    assert.equal(call.state, 'pending')
    await rig.advance(1)
    const { code, outcome, message } = call.error as PoolError
    assert.deepEqual([code, outcome], ['STATEMENT_CANCELLED', 'unknown'])
    assert.match(message, /whether it happened is unknown/)
    assert.equal(rig.stats.writer.zombie, 1)
    held.resolve(undefined)
    await rig.settle()
    assert.deepEqual(rig.writer.calls, ['INSERT', 'reset'])
    assertNothingLeft(all)
  })

  const ends: readonly { readonly name: string; readonly error?: Error }[] = [
    { name: 'with its result' },
    { name: 'with an error of its own', error: new Error('disk full') },
  ]
  for (const { name, error } of ends) {
    it(`and ends ${name} within the grace ends so for its caller`, async () => {
      const all = await scene()
      const { rig, controller, signal } = all
      const held = rig.writer.hold('INSERT')
      const call = watch(rig.pool.run('INSERT', [], { signal }))
      await rig.settle()
      controller.abort(REASON)
      await rig.advance(STOP_GRACE_MS - 1)
      if (error === undefined) held.resolve({ changes: 7, lastInsertRowid: 7 })
      else held.reject(error)
      await rig.settle()
      if (error === undefined) assert.equal(call.value.changes, 7)
      else assert.equal(call.error, error)
      assertNothingLeft(all)
    })
  }

  it('inside a transaction dooms it: nothing more is done, and it is never committed', async () => {
    const all = await scene()
    const { rig, controller, signal } = all
    const { writer } = rig
    const held = writer.hold('INSERT slow')
    const call = watch(
      rig.pool.transaction(async (db) => {
        const slow = db.run('INSERT slow', [], { signal })
        await assert.rejects(slow, { code: 'STATEMENT_CANCELLED', outcome: 'rolled_back' })
        await assert.rejects(db.run('INSERT'), {
          code: 'TRANSACTION_ENDED',
          outcome: 'rolled_back',
        })
        return 'as if nothing had happened'
      }),
    )
    await rig.settle()
    controller.abort(REASON)
    await rig.advance(STOP_GRACE_MS)
    assert.equal((call.error as PoolError).code, 'TRANSACTION_ENDED')
    assert.equal(((call.error as PoolError).cause as PoolError).code, 'STATEMENT_CANCELLED')
    held.resolve(undefined)
    await rig.settle()
    assert.deepEqual(writer.calls, ['BEGIN IMMEDIATE', 'INSERT slow', 'reset'])
    assertNothingLeft(all)
  })

  it('and has answered before its function ends is rolled back by ROLLBACK', async () => {
    const all = await scene()
    const { rig, controller, signal } = all
    const held = rig.writer.hold('INSERT slow')
    const gate = Promise.withResolvers<void>()
    const call = watch(
      rig.pool.transaction(async (db) => {
        await db.run('INSERT slow', [], { signal }).catch(() => undefined)
        await gate.promise
      }),
    )
    await rig.settle()
    controller.abort(REASON)
    await rig.advance(STOP_GRACE_MS)
    held.resolve(undefined)
    await rig.settle()
    gate.resolve()
    await rig.settle()
    assert.equal((call.error as PoolError).code, 'TRANSACTION_ENDED')
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT slow', 'ROLLBACK'])
    assertNothingLeft(all)
  })

  //  lease.transaction      INSERT slow   aborted, unknown; the connection still runs it
  //  lease.run('INSERT')    would be in the transaction that is rolled back at release: refused
  it('inside a transaction of a lease leaves nothing to a later write of that lease', async () => {
    const all = await scene()
    const { rig, controller, signal } = all
    const lease = await rig.pool.acquire({ mode: 'write' })
    const held = rig.writer.hold('INSERT slow')
    const call = watch(lease.transaction((db) => db.run('INSERT slow', [], { signal })))
    await rig.settle()
    controller.abort(REASON)
    await rig.advance(STOP_GRACE_MS)
    assert.equal((call.error as PoolError).code, 'STATEMENT_CANCELLED')
    await assert.rejects(lease.run('INSERT'), { code: 'TRANSACTION_ENDED' })
    await lease.release()
    held.resolve(undefined)
    await rig.settle()
    assert.deepEqual(rig.writer.calls, ['BEGIN IMMEDIATE', 'INSERT slow', 'reset'])
    assertNothingLeft(all)
  })

  it('leaves the next transaction of that lease alone once it has ended', async () => {
    const { rig, controller, signal } = await scene()
    const lease = await rig.pool.acquire({ mode: 'write' })
    const held = rig.writer.hold('INSERT slow')
    const gate = Promise.withResolvers<void>()
    const first = watch(
      lease.transaction(async (db) => {
        await db.run('INSERT slow', [], { signal }).catch(() => undefined)
        await gate.promise
      }),
    )
    await rig.settle()
    controller.abort(REASON)
    await rig.advance(STOP_GRACE_MS)
    held.resolve(undefined)
    await rig.settle()
    gate.resolve()
    await rig.settle()
    assert.equal(first.state, 'rejected')
    await lease.transaction((db) => db.run('INSERT'))
    assert.deepEqual(rig.writer.calls.slice(-3), ['BEGIN IMMEDIATE', 'INSERT', 'COMMIT'])
  })
})

describe('statementTimeoutMs', () => {
  it('stops a statement on a reader at once', async () => {
    const all = await scene({ statementTimeoutMs: 100 })
    const { rig, reader } = all
    const held = reader.hold('SELECT')
    const call = watch(rig.pool.all('SELECT'))
    await rig.advance(99)
    assert.equal(call.state, 'pending')
    await rig.advance(1)
    const { code, outcome, message } = call.error as PoolError
    assert.deepEqual([code, outcome], ['STATEMENT_TIMEOUT', 'rolled_back'])
    assert.match(message, /100 ms/)
    held.resolve([])
    await rig.settle()
    assertNothingLeft(all)
  })

  const writes: readonly { readonly canInterrupt: boolean; readonly outcome: string }[] = [
    { canInterrupt: true, outcome: 'rolled_back' },
    { canInterrupt: false, outcome: 'unknown' },
  ]
  for (const { canInterrupt, outcome } of writes) {
    it(`stops a write that ${canInterrupt ? 'can' : 'cannot'} be interrupted: ${outcome}`, async () => {
      const all = await scene({ statementTimeoutMs: 100 })
      const { rig } = all
      rig.writer.canInterrupt = canInterrupt
      const held = rig.writer.hold('INSERT')
      const call = watch(rig.pool.run('INSERT'))
      await rig.advance(100 + (canInterrupt ? 0 : STOP_GRACE_MS))
      const error = call.error as PoolError
      assert.deepEqual([error.code, error.outcome], ['STATEMENT_TIMEOUT', outcome])
      held.resolve(undefined)
      await rig.settle()
      assertNothingLeft(all)
    })
  }

  it('dooms the transaction of a write', async () => {
    const all = await scene({ statementTimeoutMs: 100 })
    const { rig } = all
    const held = rig.writer.hold('INSERT')
    const call = watch(
      rig.pool.transaction(async (db) => {
        await assert.rejects(db.run('INSERT'), {
          code: 'STATEMENT_TIMEOUT',
          outcome: 'rolled_back',
        })
      }),
    )
    await rig.advance(100 + STOP_GRACE_MS)
    assert.equal((call.error as PoolError).code, 'TRANSACTION_ENDED')
    held.resolve(undefined)
    await rig.settle()
    assert.equal(rig.writer.calls.includes('COMMIT'), false)
    assertNothingLeft(all)
  })

  it('is for each statement, and not for the pauses between them', async () => {
    const all = await scene({ statementTimeoutMs: 100 })
    const { rig } = all
    const lease = await rig.pool.acquire()
    for (let count = 0; count < 3; count += 1) {
      await lease.all('SELECT')
      await rig.advance(99)
    }
    await lease.release()
    assertNothingLeft(all)
  })

  it('and a signal: the first of them is what the caller hears', async () => {
    const all = await scene({ statementTimeoutMs: 100 })
    const { rig, controller, signal } = all
    const held = rig.writer.hold('INSERT')
    const call = watch(rig.pool.run('INSERT', [], { signal }))
    await rig.advance(100)
    controller.abort(REASON)
    await rig.advance(STOP_GRACE_MS)
    assert.equal((call.error as PoolError).code, 'STATEMENT_TIMEOUT')
    held.resolve(undefined)
    await rig.settle()
    assert.deepEqual(rig.writer.cancelled, ['INSERT'], 'it is cancelled once')
    assertNothingLeft(all)
  })
})

describe('a signal', () => {
  const refused: readonly {
    readonly name: string
    readonly ask: (lease: Lease, signal: AbortSignal) => Promise<unknown>
  }[] = [
    { name: 'all', ask: (lease, signal) => lease.all('SELECT', [], { signal }) },
    { name: 'get', ask: (lease, signal) => lease.get('SELECT', [], { signal }) },
    { name: 'run', ask: (lease, signal) => lease.run('SELECT', [], { signal }) },
    { name: 'iterate', ask: (lease, signal) => lease.iterate('SELECT', [], { signal }) },
    {
      name: 'a prepared statement',
      ask: (lease, signal) => lease.prepare('SELECT').abortable(signal).all(),
    },
  ]
  for (const { name, ask } of refused) {
    it(`that is aborted before ${name} sends nothing`, async () => {
      const { rig, reader } = await scene()
      const lease = await rig.pool.acquire()
      await assert.rejects(ask(lease, AbortSignal.abort(REASON)), REASON)
      assert.deepEqual(reader.calls, [])
    })
  }

  it('of the acquire stops every statement of the lease, and keeps the next from being sent', async () => {
    const { rig, reader, controller, signal } = await scene()
    const lease = await rig.pool.acquire({ signal })
    const held = reader.hold('SELECT 1')
    const calls = [watch(lease.all('SELECT 1')), watch(lease.get('SELECT 2'))]
    await rig.settle()
    controller.abort(REASON)
    await rig.settle()
    assert.equal(calls[0]?.error, REASON)
    await assert.rejects(lease.all('SELECT 3'), REASON)
    await lease.release()
    held.resolve([])
    await rig.settle()
    assert.deepEqual(reader.calls, ['SELECT 1', 'SELECT 2', 'reset'])
  })

  it('of the acquire and another of the call: either stops it, and nothing stays with either', async () => {
    for (const first of [true, false]) {
      const all = await scene()
      const { rig, reader, controller, signal } = all
      const other = new AbortController()
      const lease = await rig.pool.acquire({ signal: other.signal })
      const held = reader.hold('SELECT')
      const call = watch(lease.all('SELECT', [], { signal }))
      await rig.settle()
      ;(first ? controller : other).abort(REASON)
      await rig.settle()
      assert.equal(call.error, REASON)
      assert.deepEqual(getEventListeners(other.signal, 'abort'), [])
      held.resolve([])
      await lease.release()
      await rig.settle()
      assertNothingLeft(all)
    }
  })

  it('that is given to both is listened to once', async () => {
    const { rig, reader, signal } = await scene()
    const lease = await rig.pool.acquire({ signal })
    const held = reader.hold('SELECT')
    const call = watch(lease.all('SELECT', [], { signal }))
    await rig.settle()
    assert.equal(getEventListeners(signal, 'abort').length, 1)
    held.resolve([])
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
    assert.equal(Lease.holdOf(lease)!.calls!.stops.size, 0)
  })

  it('does not stop a COMMIT, which nobody could then tell the end of', async () => {
    const all = await scene({ statementTimeoutMs: 10 })
    const { rig, controller, signal } = all
    const held = rig.writer.hold('COMMIT')
    const call = watch(rig.pool.transaction((db) => db.run('INSERT'), { signal }))
    await rig.settle()
    controller.abort(REASON)
    await rig.advance(1000)
    assert.equal(call.state, 'pending')
    held.resolve(undefined)
    await rig.settle()
    assert.equal(call.state, 'fulfilled')
    assert.deepEqual(rig.writer.cancelled, [])
    assertNothingLeft(all)
  })

  it('of the acquire stops a cursor too', async () => {
    const all = await scene()
    const { rig, controller, signal } = all
    const lease = await rig.pool.acquire({ signal })
    const cursor = await lease.iterate('SELECT')
    await cursor.next()
    controller.abort(REASON)
    await assert.rejects(cursor.next(), REASON)
    await cursor.close()
    await lease.release()
    assertNothingLeft(all)
  })

  it('stops a cursor, at its next rows or between them', async () => {
    for (const isRunning of [true, false]) {
      const all = await scene()
      const { rig, reader, controller, signal } = all
      const lease = await rig.pool.acquire()
      const cursor = await lease.iterate('SELECT', [], { signal })
      assert.equal((await cursor.next())?.length, 2)
      const held = isRunning ? reader.hold('next') : undefined
      const next = isRunning ? watch(cursor.next()) : undefined
      await rig.settle()
      controller.abort(REASON)
      await rig.settle()
      if (isRunning) assert.equal(next?.error, REASON)
      await assert.rejects(cursor.next(), REASON)
      assert.deepEqual(reader.cancelled, isRunning ? ['SELECT'] : [])
      held?.resolve(undefined)
      await cursor.close()
      await lease.release()
      await rig.settle()
      assertNothingLeft(all)
    }
  })
})

describe('a statement whose lease is taken away', () => {
  for (const mode of ['read', 'write'] as const) {
    it(`is the end for its caller at once, also on the ${mode === 'read' ? 'reader' : 'writer'}`, async () => {
      const { rig, reader, signal } = await scene()
      const connection = mode === 'read' ? reader : rig.writer
      const lease = await rig.pool.acquire({ mode })
      const held = connection.hold('SELECT')
      const call = watch(lease.all('SELECT', [], { signal }))
      await rig.settle()
      const closing = watch(rig.pool.close({ timeoutMs: 0 }))
      await rig.advance(0)
      assert.equal((call.error as PoolError).code, 'POOL_CLOSED')
      assert.deepEqual(connection.cancelled, ['SELECT'])
      held.resolve([])
      await rig.settle()
      assert.equal(closing.state, 'fulfilled')
      assert.equal(rig.clock.timerCount, 0)
    })
  }

  it('hears why also when it was being stopped already', async () => {
    const { rig, controller, signal } = await scene()
    const lease = await rig.pool.acquire({ mode: 'write' })
    const held = rig.writer.hold('INSERT')
    const call = watch(lease.run('INSERT', [], { signal }))
    await rig.settle()
    controller.abort(REASON)
    const closing = watch(rig.pool.close({ timeoutMs: 0 }))
    await rig.advance(0)
    assert.equal((call.error as PoolError).code, 'POOL_CLOSED')
    held.resolve(undefined)
    await rig.settle()
    assert.equal(closing.state, 'fulfilled')
    assert.equal(rig.clock.timerCount, 0)
  })
})

describe('Cancellation', () => {
  it('stops once, however often it is cancelled', () => {
    const cancellation = new Cancellation()
    let stopCount = 0
    cancellation.onCancel(() => (stopCount += 1))
    assert.equal(cancellation.isCancelled, false)
    cancellation.cancel()
    cancellation.cancel()
    assert.deepEqual([cancellation.isCancelled, stopCount], [true, 1])
  })

  it('that comes first stops a call as soon as it is taken', () => {
    const cancellation = new Cancellation()
    cancellation.cancel()
    let stopCount = 0
    cancellation.onCancel(() => (stopCount += 1))
    assert.equal(stopCount, 1)
  })

  it('that comes after the answer stops nothing', () => {
    const cancellation = new Cancellation()
    cancellation.onCancel(() => assert.fail('it is over'))
    cancellation.settled()
    cancellation.cancel()
    assert.equal(cancellation.isCancelled, true)
  })
})
