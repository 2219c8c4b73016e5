import assert from 'node:assert/strict'
import type { PoolRig } from './pool-rig.ts'

/** Everything is closed, nothing is counted, no timer is set. */
export function assertNothingLeft(rig: PoolRig): void {
  rig.assertInvariants()
  assert.deepEqual(rig.database.alive, [])
  assert.deepEqual(rig.pool.connections(), [])
  assert.deepEqual(rig.pool.waiters(), [])
  assert.equal(rig.clock.timerCount, 0)
  for (const lane of [rig.stats.reader, rig.stats.writer]) {
    assert.deepEqual([lane.size, lane.waiting, lane.acquired - lane.released], [0, 0, 0])
    const closed = Object.values(lane.closed).reduce((sum, count) => sum + count, 0)
    assert.equal(closed, lane.opened, 'each that was opened was closed once')
  }
}
