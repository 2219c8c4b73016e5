import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { LaneStats } from '../../telemetry/stats.ts'
import { HistoryRun } from '../testing/history-run.ts'
import { PoolRig } from '../testing/pool-rig.ts'
import { history } from '../testing/random-history.ts'
import type { PoolError } from './errors.ts'

/** Lets everything end: what opens opens, what runs is answered, what is reset is clean, what is held is released. */
async function quieten(run: HistoryRun): Promise<void> {
  const { rig } = run
  rig.pool.resume()
  for (let round = 0; round < 200; round += 1) {
    rig.database.opening = 'at once'
    while (rig.database.pending.length > 0) rig.database.pending[0]!.succeed()
    for (const { settle } of run.resets.splice(0)) settle.resolve(undefined)
    for (const { answer } of run.running.splice(0)) answer.resolve(undefined)
    for (const gate of run.gates.splice(0)) gate.resolve()
    await rig.settle()
    for (const one of run.out) {
      await Promise.race([one.lease!.release().catch(() => undefined), rig.settle()])
    }
    await rig.clock.advanceInSteps(100)
    run.check()
    const isQuiet = run.waiting.length === 0 && run.out.length === 0 && run.gates.length === 0
    if (isQuiet && run.resets.length === 0 && run.running.length === 0) return
  }
  assert.fail(`not quiet: ${JSON.stringify(rig.pool.connections())}`)
}

function assertAllIsWell(run: HistoryRun): void {
  const { rig } = run
  for (const one of run.asked) {
    assert.equal(one.settledCount, 1, `acquire ${one.number} was settled`)
  }
  const { reader, writer } = rig.stats
  const failed = [reader, writer].flatMap((lane) => Object.values(lane.failed))
  const failedCount = failed.reduce((sum, count) => sum + count, 0)
  assert.equal(reader.acquired + writer.acquired + failedCount, run.asked.length)
  for (const lane of [reader, writer]) {
    assert.equal(lane.acquired, lane.released)
    const { inUse, waiting, opening, resetting, zombie } = lane
    assert.deepEqual([inUse, waiting, opening, resetting, zombie], [0, 0, 0, 0, 0])
    assert.equal(lane.idle, lane.size)
    assert.ok(lane.size <= lane.max, 'nothing is above a lower maximum any more')
  }
  assert.equal(rig.clock.vitalTimerCount, 0)
}

async function assertClosesWhole(run: HistoryRun): Promise<void> {
  const { rig } = run
  run.closing ??= rig.pool.close({ timeoutMs: 0 })
  await rig.clock.advanceInSteps(5000)
  // What hung for longer than closing may take is closed all the same when it goes on.
  await run.closing.catch((error: PoolError) => assert.equal(error.code, 'POOL_CLOSE_TIMEOUT'))
  assert.deepEqual(rig.database.alive, [])
  assert.equal(rig.clock.timerCount, 0)
  for (const lane of [rig.stats.reader, rig.stats.writer]) {
    const closed = Object.values(lane.closed).reduce((sum, count) => sum + count, 0)
    assert.deepEqual([lane.size, closed], [0, lane.opened])
  }
}

const NUM_RUNS = Number(process.env['MODEL_RUNS'] ?? 1500)
/** Anew each time; a failure prints it, and `MODEL_SEED` repeats it. */
const seed = Number(process.env['MODEL_SEED'] ?? Date.now() & 0x7fffffff)

/** Every way in which a call can end; a model that does not come to all of them proves nothing. */
const OUTCOMES = [
  'POOL_ACQUIRE_TIMEOUT',
  'POOL_CLOSED',
  'POOL_OPEN_FAILED',
  'POOL_OVERLOADED',
  'POOL_QUEUE_FULL',
  'aborted',
  'barrier passed',
  'committed',
  'granted',
  'granted at once',
  'thrown',
]

/** What a history must have come by, in one or another. */
const PLACES = ['zombie', 'revoked', 'evicted', 'lifetime', 'suspended', 'moved', 'dirty', 'lost']

function placesOf({ rig, asked }: HistoryRun): string[] {
  const lanes = [rig.stats.reader, rig.stats.writer]
  const has = (isThere: (lane: LaneStats) => boolean): boolean => lanes.some(isThere)
  return [
    ...(has(({ zombie }) => zombie > 0) ? ['zombie'] : []),
    ...(has(({ revoked }) => revoked > 0) ? ['revoked'] : []),
    ...(has(({ closed }) => closed.evicted > 0) ? ['evicted'] : []),
    ...(has(({ closed }) => closed.lifetime > 0) ? ['lifetime'] : []),
    ...(has(({ closed }) => closed.lost > 0) ? ['lost'] : []),
    ...(has(({ dirtyReleased }) => dirtyReleased > 0) ? ['dirty'] : []),
    ...(rig.pool.state === 'suspended' ? ['suspended'] : []),
    ...(asked.some(({ isMoved, outcome }) => isMoved && outcome === 'granted') ? ['moved'] : []),
  ]
}

/** Random histories against the invariants, checked after every step, not only when promises have settled. */
describe('a pool under random histories', () => {
  it(`keeps its invariants after every step (seed ${seed})`, async (t) => {
    let stepCount = 0
    const outcomes = new Set<string>()
    const places = new Set<string>()
    const note = (run: HistoryRun): void => {
      for (const place of placesOf(run)) places.add(place)
    }
    await fc.assert(
      fc.asyncProperty(history, async ({ options, beginning, before, close, after }) => {
        const rig = await PoolRig.open(options)
        const run = new HistoryRun(rig)
        for (const one of [...beginning, ...before]) {
          await run.take(one)
          note(run)
        }
        if (close !== undefined) {
          await run.take(close)
          for (const one of after) await run.take(one)
        }
        await quieten(run)
        note(run)
        assertAllIsWell(run)
        await assertClosesWhole(run)
        stepCount += run.stepCount
        for (const one of run.asked) outcomes.add(one.outcome)
      }),
      { numRuns: NUM_RUNS, seed },
    )
    t.diagnostic(`seed ${seed}: ${stepCount} operations in ${NUM_RUNS} histories`)
    t.diagnostic(`outcomes: ${[...outcomes].sort().join(', ')}`)
    assert.ok(stepCount >= 10_000)
    assert.deepEqual([...outcomes].filter((one) => OUTCOMES.includes(one)).sort(), OUTCOMES)
    assert.deepEqual([...places].sort(), PLACES.toSorted())
  })
})
