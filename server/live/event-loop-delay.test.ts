import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { until } from '../testing/until.ts'
import { watchEventLoopDelay } from './event-loop-delay.ts'

/** Several turns of the monitors' timers: readings are never closer than that in life. */
async function aWhile(): Promise<void> {
  const startMs = performance.now()
  await until(() => performance.now() - startMs >= 120)
}

function holdUp(durationMs: number): void {
  const startMs = performance.now()
  while (performance.now() - startMs < durationMs);
}

function start(t: TestContext): () => Promise<number | null> {
  const delay = watchEventLoopDelay()
  t.after(() => delay.stop())
  return async () => {
    await aWhile()
    return delay.read()
  }
}

describe('watchEventLoopDelay', () => {
  it('knows nothing before it has looked at the loop', async (t) => {
    const delay = watchEventLoopDelay()
    t.after(() => delay.stop())
    assert.equal(delay.read(), null)
    await aWhile()
    assert.ok(delay.read()! >= 0)
  })

  it('sees how long the loop was held up, though it began directly after a reading', async (t) => {
    const read = start(t)
    await read()
    await read()
    holdUp(1000)
    const [first, second] = [await read(), await read()]
    assert.ok(Math.max(first!, second!) > 900, `${first} and ${second} ms`)
  })

  it('forgets it after two readings', async (t) => {
    const read = start(t)
    await read()
    await read()
    holdUp(2000)
    await read()
    await read()
    assert.ok((await read())! < 1900)
  })
})
