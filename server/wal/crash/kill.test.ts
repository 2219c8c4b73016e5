import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Random } from '../../random.ts'
import { crashSite } from './testing/crash-site.ts'
import { CERTAIN_MOMENTS, MOMENTS } from './testing/moments.ts'

const ROUNDS = 8
const LIFE_MS = { shortest: 50, longest: 800 } as const
/** Tries at a moment that may be over before the kill. */
const MOST_TRIES = 3

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() & 0x7fff_ffff)

describe('a process with a pool, killed at any time', { concurrency: true }, () => {
  it(`loses nothing that was acknowledged, ${ROUNDS} times over (seed ${seed})`, async (t) => {
    const random = new Random(seed)
    const site = crashSite(t)
    let acknowledgedCount = 0
    const checkpoints = new Set<string>()
    for (let i = 0; i < ROUNDS; i += 1) {
      const round = await site.round({
        moment: 'any',
        seed: random.below(2 ** 31),
        lifeMs: random.between(LIFE_MS.shortest, LIFE_MS.longest),
      })
      acknowledgedCount += round.acknowledgedCount
      for (const text of round.checkpoints) checkpoints.add(text)
    }
    t.diagnostic(`${acknowledgedCount} transactions; checkpoints: ${[...checkpoints].join(', ')}`)
    assert.ok(acknowledgedCount > 0)
  })

  it(`loses nothing in the middle of a checkpoint, of the gate, of closing (seed ${seed})`, async (t) => {
    const random = new Random(seed)
    const site = crashSite(t)
    for (const moment of MOMENTS) {
      let wasInside = false
      for (let i = 0; i < MOST_TRIES && !wasInside; i += 1) {
        const round = await site.round({ moment, seed: random.below(2 ** 31), lifeMs: 0 })
        wasInside = round.wasInside
        t.diagnostic(`${moment}: ${wasInside ? 'in the middle' : 'too late'}`)
      }
      if (CERTAIN_MOMENTS.includes(moment)) assert.ok(wasInside, `no kill hit ${moment}`)
    }
  })
})
