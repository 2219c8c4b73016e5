import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Random } from '../random.ts'
import { crashSite } from '../wal/crash/testing/crash-site.ts'
import { CERTAIN_MOMENTS, MOMENTS } from '../wal/crash/testing/moments.ts'

/**
 * Kills beyond the few of the usual tests: `CRASH_ROUNDS` (default 60) lives at any time and as many at the worst
 * moments, all on one database each. `CRASH_SEED` repeats the order and the times, though not what a kill hits.
 */
const ROUNDS = Number(process.env['CRASH_ROUNDS'] ?? 60)
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() & 0x7fff_ffff)

describe(`a process with a pool, killed ${ROUNDS} times (seed ${seed})`, () => {
  it('at any time, loses nothing that was acknowledged', async (t) => {
    const random = new Random(seed)
    const site = crashSite(t)
    let acknowledgedCount = 0
    for (let i = 0; i < ROUNDS; i += 1) {
      const lifeMs = random.between(50, 800)
      const round = await site.round({ moment: 'any', seed: random.below(2 ** 31), lifeMs })
      acknowledgedCount += round.acknowledgedCount
    }
    t.diagnostic(`${acknowledgedCount} transactions acknowledged, and all there`)
    assert.ok(acknowledgedCount > ROUNDS)
  })

  it('in the middle of a checkpoint, of the gate, of closing, loses nothing', async (t) => {
    const random = new Random(seed)
    const site = crashSite(t)
    const hits = new Map<string, number>()
    for (let i = 0; i < ROUNDS; i += 1) {
      const moment = MOMENTS[i % MOMENTS.length]!
      const { wasInside } = await site.round({ moment, seed: random.below(2 ** 31), lifeMs: 0 })
      if (wasInside) hits.set(moment, (hits.get(moment) ?? 0) + 1)
    }
    t.diagnostic(`hit in the middle: ${[...hits].map((pair) => pair.join(' ')).join(', ')}`)
    for (const moment of CERTAIN_MOMENTS) assert.ok(hits.has(moment), `no kill hit ${moment}`)
  })
})
