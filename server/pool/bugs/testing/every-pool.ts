import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { PEERS, type BugName, type Peer } from './peers.ts'
import {
  openOnRig,
  openOnTime,
  POOL_NAMES,
  type PoolName,
  type TestPool,
  type TestPoolOptions,
} from './pools.ts'
import { mockTime } from './test-time.ts'

/**
 * One bug, on every pool: ours must not have it. Of the others the table says whether they have it; where they do,
 * the test must find it there, so that we know it would find it here.
 */
export function onEveryPool(
  name: BugName,
  options: TestPoolOptions,
  prove: (pool: TestPool, t: TestContext) => Promise<void>,
): void {
  onEveryPoolAnew(name, (open, t) => prove(open(options), t))
}

/** As `onEveryPool`, for a test that opens several pools of a kind, one after the other. */
export function onEveryPoolAnew(
  name: BugName,
  prove: (open: (options: TestPoolOptions) => TestPool, t: TestContext) => Promise<void>,
): void {
  forEachPool(name, (poolName, t) => {
    const open = (options: TestPoolOptions): TestPool =>
      poolName === 'glasspool' ? openOnRig(options) : openOnTime(poolName, options, mockTime(t))
    return prove(open, t)
  })
}

/** The same for a proof that opens its pools by itself. */
export function forEachPool(
  name: BugName,
  prove: (poolName: PoolName, t: TestContext) => Promise<void>,
): void {
  void describe(name, () => {
    for (const poolName of POOL_NAMES) {
      const peer = peerOf(name, poolName)
      // A pool that knows nothing of the matter cannot get it wrong.
      if (peer.is === 'n/a') continue
      if (peer.is === 'sound') void it(`holds for ${poolName}`, (t) => prove(poolName, t))
      else {
        void it(`does not hold for ${poolName}: ${peer.why}`, (t) =>
          assertFails(prove(poolName, t), peer.finding))
      }
    }
  })
}

function peerOf(name: BugName, poolName: PoolName): Peer {
  return poolName === 'glasspool' ? { is: 'sound' } : PEERS[name][poolName]
}

/** Fails for the reason that is known, and for no other. */
async function assertFails(proof: Promise<void>, finding: RegExp): Promise<void> {
  await assert.rejects(proof, (error: Error) => {
    assert.ok(error instanceof assert.AssertionError, String(error.stack))
    assert.match(error.message, finding)
    return true
  })
}
