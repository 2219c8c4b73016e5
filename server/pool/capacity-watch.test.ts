import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CapacityEvent, PoolEventBody } from '../../telemetry/events.ts'
import { PoolStats } from '../../telemetry/stats.ts'
import { HandClock } from '../testing/hand-clock.ts'
import { CALM_MS, CapacityWatch } from './capacity-watch.ts'

function rig(): {
  clock: HandClock
  stats: PoolStats
  heard: CapacityEvent[]
  watch: CapacityWatch
  grant: () => void
} {
  const clock = new HandClock()
  const heard: CapacityEvent[] = []
  const stats = new PoolStats({
    name: 'rig',
    namespace: 'rig',
    maxWaiters: 1,
    readers: { min: 0, max: 4 },
  })
  const emit = (event: PoolEventBody): void => void heard.push(event as CapacityEvent)
  const watch = new CapacityWatch({
    stats,
    clock,
    observer: { emit, isObserved: true, captureTrace: () => null },
  })
  const grant = (): void => {
    stats.reader.inUse += 1
    watch.granted()
  }
  return { clock, stats, heard, watch, grant }
}

describe('CapacityWatch', () => {
  it('says nothing below 80 % and speaks once at it', () => {
    const { heard, watch, grant } = rig()
    for (let i = 0; i < 3; i += 1) grant()
    assert.equal(watch.isNear, false)
    grant()
    assert.equal(watch.isNear, true)
    grant()
    assert.deepEqual(heard, [{ type: 'capacity', isNear: true, inUse: 4, max: 5, waiting: 0 }])
  })

  //  in use   5     3      5      3                  3
  //  time     0     4 s    4.9 s  6 s                11 s: 5 s after the look that knew of it
  //  tells    near                                   calm
  it('makes one episode of a pool that hovers at the line', () => {
    const { clock, stats, heard, watch, grant } = rig()
    for (let i = 0; i < 4; i += 1) grant()
    stats.reader.inUse = 3
    clock.advance(4000)
    watch.look()
    clock.advance(900)
    grant()
    stats.reader.inUse = 3
    clock.advance(1100)
    watch.look()
    assert.equal(heard.length, 1)
    clock.advance(CALM_MS)
    watch.look()
    watch.look()
    assert.deepEqual(
      heard.map((event) => event.isNear),
      [true, false],
    )
    assert.equal(watch.isNear, false)
  })

  it('is not calm while it stays near, even without a grant', () => {
    const { clock, heard, watch, grant } = rig()
    for (let i = 0; i < 5; i += 1) grant()
    for (let i = 0; i < 20; i += 1) {
      clock.advance(1000)
      watch.look()
    }
    assert.equal(heard.length, 1)
  })

  it('begins anew after it was calm', () => {
    const { clock, stats, heard, watch, grant } = rig()
    for (let i = 0; i < 4; i += 1) grant()
    stats.reader.inUse = 3
    watch.look()
    clock.advance(CALM_MS)
    watch.look()
    grant()
    assert.deepEqual(
      heard.map((event) => event.isNear),
      [true, false, true],
    )
  })
})
