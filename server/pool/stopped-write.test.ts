import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { REASON, assertNothingLeft, scene } from '../testing/stopping-scene.ts'
import { watch } from '../testing/watched.ts'
import { StatementStopped } from './cancellation.ts'
import type { PoolError } from './errors.ts'
import { STOP_GRACE_MS } from './stoppable-call.ts'

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
