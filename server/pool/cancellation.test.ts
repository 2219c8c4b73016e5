import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Cancellation } from './cancellation.ts'

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
