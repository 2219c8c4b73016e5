import type { TestContext } from 'node:test'
import { settled } from '../../../testing/hand-clock.ts'

/** Time that passes when the test says so. */
export interface TestTime {
  /** Within one tick: what falls due fires, and no promise settles in between. */
  readonly fire: (ms: number) => void
  /** As outside a test: promises settle between timers. */
  readonly advance: (ms: number) => Promise<void>
  /** The clock on the wall is set: `Date.now` and nothing else. */
  readonly jumpDate: (ms: number) => void
}

/** `advance` goes on in so many steps at most. */
const MAX_STEPS = 200

/** For pools without a seam for a clock: the timers of the process and `Date.now`. */
export function mockTime(t: TestContext): TestTime {
  const { timers } = t.mock
  // One test may open several pools, one after the other: what an earlier one has set must not fire.
  timers.reset()
  t.mock.restoreAll()
  timers.enable({ apis: ['setTimeout', 'setInterval'] })
  let dateMs = 1_700_000_000_000
  t.mock.method(Date, 'now', () => dateMs)
  const fire = (ms: number): void => {
    dateMs += ms
    timers.tick(ms)
  }
  return {
    fire,
    advance: async (ms) => {
      const steps = Math.max(1, Math.min(ms, MAX_STEPS))
      await settled()
      for (let step = 1; step <= steps; step += 1) {
        fire(Math.floor((ms * step) / steps) - Math.floor((ms * (step - 1)) / steps))
        await settled()
      }
    },
    jumpDate: (ms) => void (dateMs += ms),
  }
}
