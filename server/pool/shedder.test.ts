import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plainRequest } from '../testing/bare-pool.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { watch, type Watched } from '../testing/watched.ts'
import type { PoolError } from './errors.ts'
import type { Lease } from './lease.ts'
import { SHED_INTERVAL_MS, Shedder } from './shedder.ts'
import { Waiter } from './waiter-queue.ts'

const TARGET_MS = 100

/** Whether a caller is refused whose turn comes at `nowMs` after `waitMs`. */
function turn(shedder: Shedder, nowMs: number, waitMs: number): boolean {
  const nothing = (): void => undefined
  const moment = { startedMs: nowMs - waitMs, queueDepth: 0, scope: undefined }
  return shedder.refuses(new Waiter(plainRequest(), moment, nothing, nothing), nowMs)
}

describe('Shedder', () => {
  it('with a target of 0 turns nobody away, however long they wait', () => {
    const shedder = new Shedder(0)
    for (let nowMs = 0; nowMs < 60_000; nowMs += 500) {
      assert.equal(turn(shedder, nowMs, 50_000), false)
    }
    assert.equal(shedder.isShedding, false)
  })

  //  turn at    10      500     1,500   2,010: the first interval is over
  //  waited     101     400     900     …
  //  sheds      –       –       –       from here on
  it('begins after an interval in which everyone waited longer than the target', () => {
    const shedder = new Shedder(TARGET_MS)
    for (const [nowMs, waitMs] of [
      [10, 101],
      [500, 400],
      [1500, 900],
    ] as const) {
      assert.equal(turn(shedder, nowMs, waitMs), false, `at ${nowMs}`)
    }
    assert.equal(turn(shedder, 10 + SHED_INTERVAL_MS - 1, 900), false)
    assert.equal(turn(shedder, 10 + SHED_INTERVAL_MS, 900), true)
    assert.equal(shedder.isShedding, true)
  })

  const shortest = [
    { name: 'waited exactly the target', waitMs: 100 },
    { name: 'waited less', waitMs: 3 },
  ]
  for (const { name, waitMs } of shortest) {
    it(`does not begin when somebody ${name}`, () => {
      const shedder = new Shedder(TARGET_MS)
      turn(shedder, 0, 500)
      turn(shedder, 1000, waitMs)
      assert.equal(turn(shedder, 2000, 5000), false)
    })
  }

  it('does not begin when somebody was served at once, without a wait', () => {
    const shedder = new Shedder(TARGET_MS)
    turn(shedder, 0, 500)
    shedder.idle()
    assert.equal(turn(shedder, 2000, 5000), false)
  })

  it('does not begin after an interval in which nobody was served', () => {
    const shedder = new Shedder(TARGET_MS)
    assert.equal(turn(shedder, 90_000, 5000), false)
  })

  it('then refuses those who have waited more than twice the target, and serves the others', () => {
    const shedder = new Shedder(TARGET_MS)
    turn(shedder, 0, 150)
    assert.deepEqual(
      [500, 201, 200, 101].map((waitMs) => turn(shedder, SHED_INTERVAL_MS, waitMs)),
      [true, true, false, false],
    )
  })

  it('ends with the interval in which somebody was served in time', () => {
    const shedder = new Shedder(TARGET_MS)
    turn(shedder, 0, 150)
    turn(shedder, 2000, 150)
    assert.equal(turn(shedder, 3000, 500), true)
    turn(shedder, 3500, 50)
    assert.equal(turn(shedder, 3999, 500), true, 'until the interval is over')
    assert.equal(turn(shedder, 4000, 500), false)
  })

  it('ends at once when somebody is served without a wait', () => {
    const shedder = new Shedder(TARGET_MS)
    turn(shedder, 0, 150)
    assert.equal(turn(shedder, 2000, 500), true)
    shedder.idle()
    assert.equal(turn(shedder, 2001, 500), false)
  })
})

describe('a pool with shedTargetMs', () => {
  const OPTIONS = { readers: { min: 1, max: 1 }, shedTargetMs: TARGET_MS, acquireTimeoutMs: 60_000 }

  /** 16 callers, and a reader that needs 300 ms for each. */
  async function slowLine(
    options: Parameters<typeof PoolRig.open>[0],
  ): Promise<{ rig: PoolRig; asked: Watched<Lease>[] }> {
    const rig = await PoolRig.open(options)
    const asked = Array.from({ length: 16 }, () => watch(rig.pool.acquire()))
    await rig.settle()
    return { rig, asked }
  }

  async function serveNext(rig: PoolRig, asked: readonly Watched<Lease>[]): Promise<void> {
    const held = asked.find((one) => one.state === 'fulfilled' && !one.value.isReleased)
    await rig.advance(300)
    await held?.value.release()
    await rig.settle()
  }

  it('turns away those who have waited too long, when their turn comes, and says so', async () => {
    const { rig, asked } = await slowLine(OPTIONS)
    for (let i = 0; i < 7; i += 1) await serveNext(rig, asked)
    assert.equal(rig.stats.reader.failed.shed, 0, 'the first interval is not over')
    await serveNext(rig, asked)
    // Everyone came at once, so everyone who is left has waited as long.
    assert.equal(rig.stats.reader.failed.shed, 8)
    assert.deepEqual([rig.stats.reader.waiting, rig.stats.reader.idle], [0, 1])
    const error = asked.at(-1)!.error as PoolError
    assert.equal(error.code, 'POOL_OVERLOADED')
    assert.equal(error.outcome, 'not_started')
    assert.equal(error.details['waitedMs'], 2400)
    assert.equal(rig.eventsOf('acquire').filter(({ outcome }) => outcome === 'shed').length, 8)
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  it('serves the newcomers behind those it has turned away, in time', async () => {
    const { rig, asked } = await slowLine(OPTIONS)
    for (let i = 0; i < 7; i += 1) await serveNext(rig, asked)
    const held = asked.find((one) => one.state === 'fulfilled' && !one.value.isReleased)
    await rig.advance(200)
    const newcomer = watch(rig.pool.acquire())
    await rig.advance(100)
    await held!.value.release()
    await rig.settle()
    assert.equal(newcomer.state, 'fulfilled')
    assert.equal(rig.stats.reader.failed.shed, 8)
  })

  it('turns nobody away while it is off', async () => {
    const { rig, asked } = await slowLine({ ...OPTIONS, shedTargetMs: 0 })
    for (let i = 0; i < 16; i += 1) await serveNext(rig, asked)
    assert.ok(asked.every((one) => one.state === 'fulfilled'))
    assert.equal(rig.stats.reader.failed.shed, 0)
  })
})
