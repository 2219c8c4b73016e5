import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandClock } from '../testing/hand-clock.ts'
import { OpenBackOff } from './open-back-off.ts'

function rig(): { clock: HandClock; overs: number[]; backOff: OpenBackOff } {
  const clock = new HandClock()
  const overs: number[] = []
  return { clock, overs, backOff: new OpenBackOff(clock, () => overs.push(clock.nowMs())) }
}

/** Fails and waits for the end of the pause; how long it was. */
function pauseMs({ clock, overs, backOff }: ReturnType<typeof rig>): number {
  const beforeMs = clock.nowMs()
  backOff.fail(new Error('no'))
  clock.advance(10_000)
  return overs.at(-1)! - beforeMs
}

describe('OpenBackOff', () => {
  it('waits 50 ms, then twice as long each time, 2 s at most', () => {
    const one = rig()
    const pauses = Array.from({ length: 8 }, () => pauseMs(one))
    assert.deepEqual(pauses, [50, 100, 200, 400, 800, 1600, 2000, 2000])
  })

  it('takes several failures of one round for one', () => {
    const one = rig()
    for (let i = 0; i < 4; i += 1) one.backOff.fail(new Error('no'))
    one.clock.advance(50)
    assert.deepEqual(one.overs, [50])
    assert.equal(pauseMs(one), 100)
  })

  it('starts over after a connection that lived for 2 s', () => {
    const one = rig()
    for (let i = 0; i < 3; i += 1) pauseMs(one)
    one.backOff.succeed()
    one.clock.advance(2000)
    assert.equal(pauseMs(one), 50)
  })

  it('goes on where it was after one that died young', () => {
    const one = rig()
    for (let i = 0; i < 3; i += 1) pauseMs(one)
    one.backOff.succeed()
    one.clock.advance(1999)
    assert.equal(pauseMs(one), 400)
  })

  it('knows why the last attempt failed until one succeeds', () => {
    const { backOff } = rig()
    assert.equal(backOff.lastError, undefined)
    backOff.fail(new Error('first'))
    backOff.fail(new Error('second'))
    assert.match(String(backOff.lastError), /second/)
    backOff.succeed()
    assert.equal(backOff.lastError, undefined)
  })

  it('leaves no timer after stop', () => {
    const { clock, overs, backOff } = rig()
    backOff.fail(new Error('no'))
    assert.equal(backOff.isWaiting, true)
    backOff.stop()
    assert.equal(backOff.isWaiting, false)
    assert.equal(clock.timerCount, 0)
    clock.advance(100)
    assert.deepEqual(overs, [])
  })
})
