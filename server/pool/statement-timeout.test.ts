import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { REASON, assertNothingLeft, scene } from '../testing/stopping-scene.ts'
import { watch } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'
import { STOP_GRACE_MS } from './stoppable-call.ts'

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
