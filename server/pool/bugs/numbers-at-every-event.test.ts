import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PoolEventBody } from '../../../telemetry/events.ts'
import { Random } from '../../random.ts'
import { PoolRig } from '../../testing/pool-rig.ts'
import type { Lease } from '../lease.ts'
import { quietly } from './testing/pools.ts'

/** Anew each time; a failure prints it, and `BUGS_SEED` repeats it. */
const seed = Number(process.env['BUGS_SEED'] ?? Date.now() & 0x7fff_ffff)

/** A history that comes by every event that the numbers are about; each is handed to `onEvent`. */
async function history(
  random: Random,
  onEvent: (event: PoolEventBody, rig: PoolRig) => void,
): Promise<void> {
  const rig = await PoolRig.open({
    readers: { min: 0, max: 4 },
    maxWaiters: 8,
    leakThresholdMs: 50,
  })
  rig.onEvent = (event) => onEvent(event, rig)
  const out: Lease[] = []
  const controllers: AbortController[] = []
  const steps = [
    (): void => {
      const controller = new AbortController()
      controllers.push(controller)
      const call = { signal: controller.signal, timeoutMs: random.pick([0, 20, 200]) }
      const acquired = rig.pool.acquire({ ...call, mode: random.pick(['read', 'read', 'write']) })
      quietly(acquired.then((lease) => out.push(lease)))
    },
    (): void => {
      if (out.length > 0) quietly(out.splice(random.below(out.length), 1)[0]!.release())
    },
    (): void => {
      for (const one of rig.database.alive) one.inTransaction ||= random.below(8) === 0
    },
    (): void => {
      if (random.below(8) === 0) rig.database.of('reader')[0]?.lose()
    },
    (): void => {
      if (controllers.length > 0) random.pick(controllers).abort()
    },
  ]
  for (let tick = 0; tick < 80; tick += 1) {
    rig.database.opening = random.below(10) === 0 ? new Error('cannot open') : 'at once'
    for (let count = random.between(1, 8); count > 0; count -= 1) {
      steps[random.pick([0, 0, 0, 1, 1, 2, 3, 4])]!()
    }
    await rig.clock.advanceInSteps(random.between(0, 60))
    rig.assertInvariants()
  }
  quietly(rig.pool.close({ timeoutMs: 0 }))
  await rig.clock.advanceInSteps(10_000)
}

describe('the numbers of glasspool', () => {
  const runAll = async (): Promise<Set<string>> => {
    const seen = new Set<string>()
    const wrong: unknown[] = []
    for (let round = 0; round < 40; round += 1) {
      await history(new Random(seed + round), (event, rig) => {
        seen.add(event.type)
        // Kept, as the pool must not suffer from a listener that throws.
        try {
          rig.assertInvariants()
        } catch (error) {
          wrong.push(new Error(`in the middle of ${event.type}`, { cause: error }))
        }
      })
    }
    if (wrong.length > 0) throw wrong[0]
    return seen
  }

  it('agree with each other in the middle of every event', async (t) => {
    t.diagnostic(`seed ${seed}`)
    const seen = await runAll()
    for (const type of [
      'acquire',
      'capacity',
      'connection.opened',
      'connection.closed',
      'leak',
      'pool',
    ] as const) {
      assert.ok(seen.has(type), `the histories come by ${type}`)
    }
  })
})
