import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { tempDatabase } from '../../../testing/temp-db.ts'
import { startChild } from './child.ts'
import type { Findings, Moment, Promised, VictimOrder } from './moments.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

export interface Round {
  /** It was in what it had begun when it died. */
  readonly wasInside: boolean
  readonly acknowledgedCount: number
  /** Of finished checkpoints: mode, trigger, outcome. */
  readonly checkpoints: readonly string[]
}

export interface CrashSite {
  /** One life from start to SIGKILL, and what must be true after it. `lifeMs` counts only at the moment `any`. */
  round(order: Omit<VictimOrder, 'path'> & { readonly lifeMs: number }): Promise<Round>
}

/** One database for a row of processes that are killed: each recovers what the one before has left. */
export function crashSite(t: Cleanup): CrashSite {
  const path = tempDatabase(t)
  const examiner = startChild(t, 'examiner.ts', null)
  const singles: number[] = []
  /** Of all lives so far: the last that was promised or found. */
  let lastPurchase = 0

  async function examine(): Promise<Findings> {
    const promised: Promised = { path, singles }
    examiner.say(promised)
    return JSON.parse(await examiner.heard('found')) as Findings
  }

  return {
    round: async ({ seed, moment, lifeMs }) => {
      const order: VictimOrder = { path, seed, moment }
      const victim = startChild(t, 'victim.ts', order)
      await victim.heard('ready')
      await (moment === 'any' ? sleep(lifeMs) : victim.heard('begins'))
      await victim.kill()
      const said = (word: string): string[] =>
        victim.lines
          .filter((line) => line.startsWith(`${word} `))
          .map((line) => line.slice(word.length + 1))
      assert.deepEqual(said('wrong'), [])
      const purchases = said('purchase').map(Number)
      singles.push(...said('single').map(Number))
      lastPurchase = Math.max(lastPurchase, purchases.at(-1) ?? 0)
      const found = await examine()
      assert.deepEqual(found.problems, [])
      assert.ok(
        found.lastPurchase >= lastPurchase,
        `lost: ${found.lastPurchase} of ${lastPurchase}`,
      )
      // One at a time is written, so one at most was committed without a word of it.
      assert.ok(found.lastPurchase <= lastPurchase + 1, 'more than was ever begun')
      lastPurchase = found.lastPurchase
      return {
        wasInside: isInside(moment, said),
        acknowledgedCount: purchases.length,
        checkpoints: said('checkpoint'),
      }
    },
  }
}

function isInside(moment: Moment, said: (word: string) => readonly string[]): boolean {
  return said('begins').includes(moment) && !said('ended').includes(moment)
}
