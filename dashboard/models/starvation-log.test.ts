import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { PoolEvent } from '../../telemetry/protocol.ts'
import { StarvationLog } from './starvation-log.ts'

const told = (
  seq: number,
  atMs: number,
  isStarved: boolean,
  durationMs: number = 0,
): PoolEvent => ({
  type: 'starvation',
  seq,
  atMs,
  isStarved,
  isRepeated: durationMs > 0,
  pendingFrames: 1,
  durationMs,
  pin: null,
})

/** Of the moments 500, 1500, 2500 and so on those that were starved. */
const starvedMoments = (events: readonly PoolEvent[]): number[] => {
  const log = new StarvationLog()
  for (const event of events) log.learn(event)
  return [500, 1500, 2500, 3500, 4500].filter((ms) => log.isStarvedAt(ms))
}

describe('the log of starvation', () => {
  const [begins, goesOn, ends] = [
    told(1, 1000, true),
    told(2, 3000, true, 2000),
    told(3, 4000, false, 3000),
  ]

  it('knows a beginning until it hears of the end', () => {
    assert.deepEqual(starvedMoments([begins]), [1500, 2500, 3500, 4500])
    assert.deepEqual(starvedMoments([begins, goesOn, ends]), [1500, 2500, 3500])
  })

  it('knows of an episode from whatever it hears of it', () => {
    assert.deepEqual(starvedMoments([goesOn]), [1500, 2500, 3500, 4500])
    assert.deepEqual(starvedMoments([ends]), [1500, 2500, 3500])
  })

  it('is not misled by what it hears late or twice', () => {
    assert.deepEqual(starvedMoments([ends, begins, goesOn, begins]), [1500, 2500, 3500])
  })

  it('leaves other events alone', () => {
    const capacity = { type: 'capacity', isNear: true, inUse: 1, max: 1, waiting: 0 } as const
    assert.deepEqual(starvedMoments([{ ...capacity, seq: 1, atMs: 0 }]), [])
  })

  it('forgets the oldest of very many', () => {
    const log = new StarvationLog()
    for (let i = 1; i <= 300; i += 1) log.learn(told(i, i * 1000, false, 100))
    assert.equal(log.isStarvedAt(50_950), false)
    assert.equal(log.isStarvedAt(299_950), true)
  })
})
