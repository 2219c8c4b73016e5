import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { settled } from '../testing/hand-clock.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { LOOK_INTERVAL_MS } from './housekeeper.ts'

/** Warnings of the process, while the test runs. */
function warnings(t: TestContext): Error[] {
  const heard: Error[] = []
  const onWarning = (warning: Error): void => void heard.push(warning)
  process.on('warning', onWarning)
  t.after(() => process.off('warning', onWarning))
  return heard
}

async function look(rig: PoolRig): Promise<void> {
  await rig.clock.advanceInSteps(LOOK_INTERVAL_MS)
  await settled()
}

describe('the accounts of a pool', () => {
  it('are checked once a second, and nothing is said while they are right', async (t) => {
    const heard = warnings(t)
    const rig = await PoolRig.open({ readers: { min: 1, max: 2 } })
    await using lease = await rig.pool.acquire()
    await look(rig)
    assert.deepEqual(heard, [])
    assert.equal(lease.role, 'reader')
  })

  it('make one warning when they disagree with the connections that there are', async (t) => {
    const heard = warnings(t)
    const rig = await PoolRig.open({ readers: { min: 1, max: 2 } })
    rig.stats.reader.idle += 1
    await look(rig)
    await look(rig)
    assert.deepEqual(
      heard.map(({ name, message }) => [name, message]),
      [['InvariantError', 'BUG: reader: 1 connections are idle, and 2 are counted']],
    )
  })
})
