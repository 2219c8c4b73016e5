import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failuresLevel, inUseLevel, waitLevel, waitingLevel, walLevel } from './thresholds.ts'

describe('the levels of the tiles', () => {
  const cases: readonly (readonly [name: string, level: string, expected: string])[] = [
    ['an idle pool', inUseLevel({ inUse: 0, limit: 5, waiting: 0 }), 'ok'],
    ['near capacity', inUseLevel({ inUse: 4, limit: 5, waiting: 0 }), 'warn'],
    ['full, and nobody waits', inUseLevel({ inUse: 5, limit: 5, waiting: 0 }), 'warn'],
    ['full, and someone waits', inUseLevel({ inUse: 5, limit: 5, waiting: 1 }), 'crit'],
    ['no data', inUseLevel({ inUse: null, limit: null, waiting: null }), 'ok'],
    ['one waiter', waitingLevel(1, 5), 'warn'],
    ['more waiters than connections', waitingLevel(6, 5), 'crit'],
    ['no waiter', waitingLevel(0, 5), 'ok'],
    ['a short wait', waitLevel(20, 5000), 'ok'],
    ['half the timeout', waitLevel(2500, 5000), 'warn'],
    ['nearly the timeout', waitLevel(4600, 5000), 'crit'],
    ['a wait without a known timeout', waitLevel(4600, null), 'ok'],
    ['a failure', failuresLevel(0.2), 'crit'],
    ['no failure', failuresLevel(0), 'ok'],
    ['a checkpoint that is due', walLevel(1100, 1000), 'ok'],
    ['checkpoints that do not keep up', walLevel(2000, 1000), 'warn'],
    ['checkpoints that achieve nothing', walLevel(10_000, 1000), 'crit'],
    ['a log that someone else checkpoints', walLevel(10_000, 0), 'ok'],
  ]
  for (const [name, level, expected] of cases) {
    it(`call ${name} ${expected}`, () => assert.equal(level, expected))
  }
})
