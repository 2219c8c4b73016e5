import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ask, codeOf, waitingLabels } from '../testing/asked.ts'
import { held } from '../testing/one-reader.ts'
import type { PoolRig, RigOptions } from '../testing/pool-rig.ts'
import type { Watched } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'
import type { Lease } from './lease.ts'
import { PRIORITY_STEP_MS } from './waiter-queue.ts'

const PATIENT: RigOptions = { acquireTimeoutMs: 60_000 }

/** One caller: when it comes, and with what priority. */
type Arrival = readonly [label: string, atMs: number, priority: number]

async function arrive(
  rig: PoolRig,
  arrivals: readonly Arrival[],
): Promise<Map<string | null, Watched<Lease>>> {
  const asked = new Map<string | null, Watched<Lease>>()
  for (const [label, atMs, priority] of arrivals) {
    await rig.advance(atMs - rig.clock.nowMs())
    asked.set(label, ask(rig, { label, ...(priority !== 0 && { priority }) }))
  }
  return asked
}

/** Gives the reader from hand to hand until nobody waits; who got it, in order. */
async function serveAll(
  rig: PoolRig,
  holder: Lease,
  asked: Map<string | null, Watched<Lease>>,
): Promise<string> {
  const served: (string | null)[] = []
  for (let lease = holder; served.length < asked.size;) {
    await lease.release()
    await rig.settle()
    const { label } = rig.pool.holders('reader')[0]!
    served.push(label)
    lease = asked.get(label)!.value
  }
  return served.join('')
}

describe('priority', () => {
  const step = PRIORITY_STEP_MS
  const cases: readonly {
    readonly name: string
    readonly arrivals: readonly Arrival[]
    readonly served: string
  }[] = [
    {
      name: 'none: first come, first served',
      arrivals: [
        ['a', 0, 0],
        ['b', 0, 0],
        ['c', 900, 0],
      ],
      served: 'abc',
    },
    {
      name: 'a higher one goes first',
      arrivals: [
        ['a', 0, 0],
        ['b', 10, 3],
        ['c', 20, 10],
      ],
      served: 'cba',
    },
    {
      name: 'a lower one goes last, also before those who come later',
      arrivals: [
        ['a', 0, -2],
        ['b', 10, 0],
        ['c', 20, 0],
      ],
      served: 'bca',
    },
    {
      name: 'the same one: first come, first served',
      arrivals: [
        ['a', 0, 4],
        ['b', 0, 4],
        ['c', 50, 4],
        ['d', 50, 0],
        ['e', 50, 0],
      ],
      served: 'abcde',
    },
    {
      name: 'a step is a second: who came a second earlier goes first again',
      arrivals: [
        ['a', 0, 0],
        ['b', step - 1, 1],
        ['c', step + 1, 1],
      ],
      served: 'bac',
    },
    {
      name: 'exactly a second: who came earlier goes first',
      arrivals: [
        ['a', 0, 0],
        ['b', step, 1],
      ],
      served: 'ab',
    },
    {
      name: 'the lowest is overtaken for 20 seconds at most',
      arrivals: [
        ['a', 0, -10],
        ['b', 20 * step - 1, 10],
        ['c', 20 * step, 10],
        ['d', 30 * step, 10],
      ],
      served: 'bacd',
    },
  ]
  for (const { name, arrivals, served } of cases) {
    it(name, async () => {
      const { rig, holder } = await held(PATIENT)
      const asked = await arrive(rig, arrivals)
      assert.equal(waitingLabels(rig).join(''), served)
      assert.equal(await serveAll(rig, holder, asked), served)
    })
  }

  it('is forgotten once nobody waits', async () => {
    const { rig, holder } = await held(PATIENT)
    const urgent = ask(rig, { priority: 5 })
    await holder.release()
    await rig.settle()
    const asked = await arrive(rig, [
      ['a', 0, 0],
      ['b', 0, 0],
    ])
    assert.equal(await serveAll(rig, urgent.value, asked), 'ab')
  })

  it('lets nobody starve: whoever waits is served before everyone who comes 20 s later', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat({ max: 4000 }), fc.integer({ min: -10, max: 10 })), {
          minLength: 2,
          maxLength: 25,
        }),
        async (comers) => {
          const { rig, holder } = await held(PATIENT)
          let atMs = 0
          const arrivals = comers.map(([afterMs, priority], n): Arrival => {
            atMs += afterMs
            return [`${n};`, atMs, priority]
          })
          const asked = await arrive(rig, arrivals)
          const order = (await serveAll(rig, holder, asked)).split(';').slice(0, -1).map(Number)
          for (const [place, n] of order.entries()) {
            const [, cameMs, priority] = arrivals[n]!
            for (const later of order.slice(place + 1)) {
              const [, laterMs, laterPriority] = arrivals[later]!
              assert.ok(cameMs - priority * 1000 <= laterMs - laterPriority * 1000)
              assert.ok(cameMs <= laterMs + 20_000)
              if (priority === laterPriority) assert.ok(n < later, 'first come, first served')
            }
          }
        },
      ),
      { numRuns: 60 },
    ))

  it('moves no deadline', async () => {
    const { rig } = await held(PATIENT)
    const [low, high] = [
      ask(rig, { priority: -10, timeoutMs: 100 }),
      ask(rig, { priority: 10, timeoutMs: 200 }),
    ]
    await rig.advance(100)
    assert.deepEqual([low.state, high.state], ['rejected', 'pending'])
    assert.equal((low.error as PoolError).details['position'], 2)
    await rig.advance(100)
    assert.equal(codeOf(high), 'POOL_ACQUIRE_TIMEOUT')
  })
})
