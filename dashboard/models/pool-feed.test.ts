import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PROTOCOL_VERSION, SERIES } from '../../telemetry/protocol.ts'
import type { CheckpointEvent, HelloBody, History, StateBody } from '../../telemetry/protocol.ts'
import { Api } from './api.ts'
import type { SocketListener } from './live-link.ts'
import { PoolFeed } from './pool-feed.ts'
import { rangeNamed } from './series-store.ts'
import { FakeClock } from './testing/fake-clock.ts'

const fine = { fromMs: 0, toMs: 1e15, stepMs: 250 }
const row = (inUse: number): number[] => SERIES.map((_, i) => (i === 0 ? inUse : 0))
const state = (viewers: number): StateBody => ({ viewers }) as StateBody

const checkpoint: CheckpointEvent = {
  type: 'checkpoint',
  mode: 'PASSIVE',
  trigger: 'frames',
  outcome: 'complete',
  startedAtMs: 1100,
  durationMs: 5,
  isBusy: false,
  logFrames: 10,
  checkpointedFrames: 10,
  movedFrames: 10,
  sizeBeforeBytes: null,
  sizeAfterBytes: null,
  errorCode: null,
  blockedBy: [],
  pin: null,
  passes: [],
  gate: null,
}

/** A feed with a server that a test plays by hand. */
class Rig {
  readonly clock = new FakeClock()
  readonly addresses: string[] = []
  readonly requests: string[] = []
  status = 200
  bootId = 'boot-1'
  seq = 10
  atMs: number[] = [1000, 1250]
  events: History['events'] = []
  isExpired = false
  #listener: SocketListener | null = null

  readonly feed: PoolFeed = new PoolFeed({
    api: new Api((address) => this.#fetch(address)),
    clock: this.clock,
    random: () => 0.5,
    openSocket: (address, _, listener) => {
      this.addresses.push(address)
      this.#listener = listener
      return { send: () => {}, close: () => {} }
    },
    range: () => rangeNamed('5m'),
    onChange: () => {},
    onUnauthenticated: () => {
      this.isExpired = true
    },
  })

  say(...frame: unknown[]): void {
    this.#listener!.onText(JSON.stringify(frame))
  }

  hangUp(): void {
    this.#listener!.onClose(1006)
  }

  hello(seq: number = this.seq): void {
    const body: Partial<HelloBody> = {
      version: PROTOCOL_VERSION,
      bootId: this.bootId,
      serverAtMs: this.clock.nowMs(),
      startedAtMs: 500,
      series: SERIES,
      state: state(1),
    }
    this.say('hello', seq, body)
  }

  async goLive(): Promise<void> {
    await this.feed.start()
    this.hello()
  }

  /** Lets timers and answers that are due come in. */
  async settle(byMs: number): Promise<void> {
    this.clock.advance(byMs)
    for (let i = 0; i < 20; i += 1) await Promise.resolve()
  }

  #fetch(address: string): ReturnType<ConstructorParameters<typeof Api>[0]> {
    this.requests.push(address)
    const body: History = {
      bootId: this.bootId,
      seq: this.seq,
      serverAtMs: this.clock.nowMs(),
      startedAtMs: 500,
      stepMs: 250,
      series: SERIES.map(({ name }) => name),
      atMs: this.atMs,
      columns: SERIES.map(() => this.atMs.map(() => 1)),
      events: this.events,
      state: state(7),
    }
    const { status } = this
    return Promise.resolve({
      ok: status === 200,
      status,
      headers: { get: () => null },
      json: () => Promise.resolve(body),
    })
  }
}

const times = (rig: Rig): number[] => rig.feed.store.slice(fine, ['inUse']).atMs

describe('PoolFeed', () => {
  it('shows the history first and resumes the stream where it ends', async () => {
    const rig = new Rig()
    await rig.feed.start()
    assert.deepEqual(times(rig), [1000, 1250])
    assert.equal(rig.feed.state?.viewers, 7)
    assert.deepEqual(rig.addresses, ['../api/v1/live?boot=boot-1&after=10'])
    rig.hello(12)
    rig.say('tick', 11, 1500, row(2))
    rig.say('tick', 12, 1750, row(3))
    assert.deepEqual(times(rig), [1000, 1250, 1500, 1750])
    assert.equal(rig.requests.length, 1)
  })

  it('connects without a past when the history cannot be had, and asks again after the hello', async () => {
    const rig = new Rig()
    rig.status = 503
    await rig.feed.start()
    assert.deepEqual(rig.addresses, ['../api/v1/live'])
    rig.status = 200
    rig.hello()
    await rig.settle(2000)
    assert.equal(rig.feed.isLoaded.value, true)
    assert.deepEqual(times(rig), [1000, 1250])
  })

  it('draws a gap at a hole in the numbers and fills it from the history', async () => {
    const rig = new Rig()
    await rig.goLive()
    rig.say('tick', 11, 1500, row(1))
    rig.say('tick', 14, 2250, row(1))
    assert.deepEqual(rig.feed.store.gaps(fine), [{ fromMs: 1500, toMs: 2250 }])
    rig.atMs = [1000, 1250, 1500, 1750, 2000, 2250]
    await rig.settle(2000)
    assert.equal(rig.requests.length, 2)
    assert.deepEqual(rig.feed.store.gaps(fine), [])
  })

  it('finds a hole at the end by the number of a ping', async () => {
    const rig = new Rig()
    await rig.goLive()
    rig.say('ping', 10, 2000)
    await rig.settle(2000)
    assert.equal(rig.requests.length, 1)
    rig.say('ping', 13, 2000)
    await rig.settle(2000)
    assert.equal(rig.requests.length, 2)
  })

  it('asks for the history once for many holes', async () => {
    const rig = new Rig()
    await rig.goLive()
    for (let seq = 12; seq < 60; seq += 2) rig.say('tick', seq, 1000 + seq * 100, row(1))
    await rig.settle(2000)
    assert.equal(rig.requests.length, 2)
  })

  it('resumes after a break of the network without asking for the history', async () => {
    const rig = new Rig()
    await rig.goLive()
    rig.say('tick', 11, 1500, row(1))
    rig.hangUp()
    await rig.settle(250)
    assert.equal(rig.addresses.at(-1), '../api/v1/live?boot=boot-1&after=11')
    rig.hello(13)
    rig.say('tick', 12, 1750, row(1))
    rig.say('tick', 13, 2000, row(1))
    assert.deepEqual(rig.feed.store.gaps(fine), [])
    assert.equal(rig.requests.length, 1)
  })

  it('asks for the history when the stream cannot replay', async () => {
    const rig = new Rig()
    await rig.goLive()
    rig.hangUp()
    await rig.settle(250)
    rig.hello(90)
    rig.say('gap', 90)
    rig.say('tick', 91, 9000, row(1))
    assert.equal(rig.feed.store.gaps(fine).length, 1)
    await rig.settle(2000)
    assert.equal(rig.requests.length, 2)
  })

  it('marks a restart, breaks the line and starts to count anew', async () => {
    const rig = new Rig()
    await rig.goLive()
    rig.say('tick', 11, 1500, row(1))
    rig.hangUp()
    await rig.settle(250)
    rig.bootId = 'boot-2'
    rig.seq = 1
    rig.atMs = [2000]
    rig.hello(1)
    rig.say('tick', 2, 2250, row(5))
    await rig.settle(2000)
    rig.say('tick', 3, 2500, row(5))
    assert.deepEqual(
      rig.feed.marks.all.map(({ id }) => id),
      ['restart:boot-2'],
    )
    assert.deepEqual(rig.feed.store.gaps(fine), [{ fromMs: 1500, toMs: 2000 }])
    assert.deepEqual(times(rig).at(-1), 2500)
    assert.equal(rig.requests.length, 2)
  })

  it('reports the end of the session when a refused connection turns out to be that', async () => {
    const rig = new Rig()
    await rig.goLive()
    rig.hangUp()
    await rig.settle(250)
    rig.status = 401
    rig.hangUp()
    await rig.settle(2000)
    assert.equal(rig.isExpired, true)
    assert.equal(rig.feed.link.phase.value, 'off')
  })

  it('hears of an event once, from history and stream together', async () => {
    const rig = new Rig()
    rig.events = [{ ...checkpoint, seq: 4, atMs: 1105 }]
    await rig.goLive()
    rig.say('event', 11, { ...checkpoint, seq: 4, atMs: 1105 })
    rig.say('event', 12, { ...checkpoint, seq: 5, atMs: 1300, startedAtMs: 1300 })
    assert.equal(rig.feed.marks.all.length, 2)
  })

  it('worries about a partial checkpoint of the history when the end of the starvation is told after it', async () => {
    const rig = new Rig()
    const partial = { ...checkpoint, outcome: 'partial_reader' } as const
    const starvation = {
      type: 'starvation',
      isStarved: false,
      isRepeated: false,
      pendingFrames: 0,
      durationMs: 500,
      pin: null,
    } as const
    rig.events = [
      { ...partial, seq: 4, atMs: 1105, startedAtMs: 1100 },
      { ...partial, seq: 5, atMs: 1605, startedAtMs: 1600 },
      { ...starvation, seq: 6, atMs: 2000 },
    ]
    await rig.goLive()
    rig.say('event', 11, { ...partial, seq: 7, atMs: 2105, startedAtMs: 2100 })
    assert.deepEqual(
      rig.feed.marks.all.map(({ lane, tone }) => `${lane} ${tone}`),
      ['checkpoint neutral', 'checkpoint warn', 'fault ok', 'checkpoint neutral'],
    )
  })

  it('forgets the starvation of a run that is over', async () => {
    const rig = new Rig()
    await rig.goLive()
    rig.say('event', 11, {
      type: 'starvation',
      isStarved: true,
      isRepeated: false,
      pendingFrames: 2000,
      durationMs: 0,
      pin: null,
      seq: 4,
      atMs: 1300,
    })
    rig.bootId = 'boot-2'
    rig.hello(1)
    rig.say('event', 2, {
      ...checkpoint,
      outcome: 'partial_reader',
      seq: 1,
      atMs: 2000,
      startedAtMs: 2000,
    })
    assert.equal(rig.feed.marks.all.at(-1)!.tone, 'neutral')
  })

  it('says goodbye only as long as nobody has come back', async () => {
    const rig = new Rig()
    await rig.goLive()
    rig.say('bye', 10, 'shutdown')
    assert.equal(rig.feed.notice.value, 'shutdown')
    rig.hangUp()
    await rig.settle(250)
    rig.hello()
    assert.equal(rig.feed.notice.value, null)
    rig.say('bye', 10, 'reload')
    rig.hello()
    assert.equal(rig.feed.notice.value, 'reload')
  })
})
