import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HandClock } from '../../testing/hand-clock.ts'
import { until } from '../../testing/until.ts'
import { LitestreamWatch } from './watch.ts'

interface Rig {
  readonly clock: HandClock
  readonly watch: LitestreamWatch
  /** Questions asked so far. */
  readonly asked: () => number
  /** Of these, how many were given up before an answer. */
  readonly givenUp: () => number
  /** Answers the question in hand: the size of the log, or `null` for a failure. */
  readonly answer: (walBytes: number | null) => Promise<void>
}

function rig(): Rig {
  const clock = new HandClock(1000)
  const pending: PromiseWithResolvers<Response>[] = []
  let askedCount = 0
  let givenUpCount = 0
  const watch = new LitestreamWatch({
    url: 'http://127.0.0.1:9090',
    path: '/data/a',
    clock,
    fetch: (_, init) => {
      askedCount += 1
      const question = Promise.withResolvers<Response>()
      pending.push(question)
      init?.signal?.addEventListener('abort', () => {
        givenUpCount += 1
        question.reject(new Error('given up'))
      })
      return question.promise
    },
  })
  return {
    clock,
    watch,
    asked: () => askedCount,
    givenUp: () => givenUpCount,
    async answer(walBytes) {
      const page = `litestream_db_size{db="/data/a"} 1\nlitestream_wal_size{db="/data/a"} ${walBytes}\n`
      const before = watch.latest
      const question = pending.shift()!
      if (walBytes === null) question.reject(new Error('reset'))
      else question.resolve(new Response(page))
      await until(() => watch.latest !== before)
    },
  }
}

const walBytesOf = ({ latest }: LitestreamWatch): number | null | undefined =>
  latest?.numbers?.walBytes

describe('watching Litestream', () => {
  it('knows nothing before the first answer', () => {
    const { watch, asked } = rig()
    assert.equal(watch.latest, null)
    assert.equal(asked(), 0)
  })

  it('asks at once, and every five seconds from the end of an answer', async () => {
    const { clock, watch, asked, answer } = rig()
    watch.start()
    watch.start()
    assert.equal(asked(), 1)
    clock.advance(7)
    await answer(4152)
    assert.equal(watch.latest?.readAtMs, 1007)
    assert.equal(watch.latest.error, null)
    assert.equal(watch.latest.numbers?.walBytes, 4152)
    clock.advance(4999)
    assert.equal(asked(), 1)
    clock.advance(1)
    assert.equal(asked(), 2)
    watch.close()
  })

  it('has one question in hand, however long the answer takes', () => {
    const { clock, watch, asked } = rig()
    watch.start()
    clock.advance(60_000)
    assert.equal(asked(), 1)
    watch.close()
  })

  it('keeps the last numbers while answers fail', async () => {
    const { clock, watch, answer } = rig()
    watch.start()
    await answer(4152)
    clock.advance(5000)
    await answer(null)
    assert.equal(watch.latest?.readAtMs, 1000)
    assert.equal(watch.latest.numbers?.walBytes, 4152)
    assert.equal(watch.latest.error?.code, 'LITESTREAM_UNREACHABLE')
    clock.advance(5000)
    await answer(8272)
    assert.equal(watch.latest.error, null)
    assert.equal(watch.latest.readAtMs, 11_000)
    watch.close()
  })

  it('goes on when the first answer fails', async () => {
    const { clock, watch, asked, answer } = rig()
    watch.start()
    await answer(null)
    assert.ok(watch.latest !== null && watch.latest.numbers === null)
    clock.advance(5000)
    assert.equal(asked(), 2)
    await answer(null)
    assert.equal(watch.latest.readAtMs, 6000)
    clock.advance(5000)
    await answer(4152)
    assert.equal(walBytesOf(watch), 4152)
    watch.close()
  })

  it('keeps no process alive', async () => {
    const { clock, watch, answer } = rig()
    watch.start()
    await answer(4152)
    assert.equal(clock.timerCount, 1)
    assert.equal(clock.vitalTimerCount, 0)
    watch.close()
  })

  it('ends with close, whether it waits or asks', async () => {
    const waiting = rig()
    waiting.watch.start()
    await waiting.answer(4152)
    waiting.watch.close()
    assert.equal(waiting.clock.timerCount, 0)

    const asking = rig()
    asking.watch.start()
    asking.watch.close()
    assert.equal(asking.givenUp(), 1)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(asking.clock.timerCount, 0)
    assert.equal(asking.watch.latest, null)
    asking.watch.start()
    assert.equal(asking.asked(), 1)
  })

  it('asks nothing when it was closed before', () => {
    const { watch, asked } = rig()
    watch.close()
    watch.start()
    assert.equal(asked(), 0)
  })
})
