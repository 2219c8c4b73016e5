import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LightRequests } from './light-requests.ts'
import { settled } from '../testing/hand-clock.ts'

function blockFor(ms: number): number {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
  return performance.now()
}

describe('LightRequests', () => {
  it('counts each that came due while the event loop was blocked, and not only the first', () => {
    const light = new LightRequests()
    light.stop(blockFor(52))
    assert.ok(light.latenessMs.length >= 10)
    assert.deepEqual(
      light.latenessMs,
      light.latenessMs.toSorted((a, b) => b - a),
    )
    assert.ok(light.latenessMs[0]! >= 45)
    assert.deepEqual(light.turnMs, [])
  })

  it('counts a turn that has not ended when it is stopped, once', async () => {
    const light = new LightRequests()
    // Both timers are due when the block is over, this one as the second.
    const stopped = new Promise<void>((resolve) => {
      setTimeout(() => resolve(light.stop(performance.now())), 5)
    })
    blockFor(20)
    await stopped
    assert.equal(light.turnMs.length, 1)
    await settled()
    assert.equal(light.turnMs.length, 1)
  })
})
