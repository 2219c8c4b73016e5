import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CLOSE_CODES } from '../../telemetry/protocol.ts'
import type { HelloBody } from '../../telemetry/protocol.ts'
import { HandClock, settled } from '../testing/hand-clock.ts'
import { CLOSE_GRACE_MS, Hub, PING_MS } from './hub.ts'
import type { ViewerRequest } from './hub.ts'
import { TestSocket } from './testing/test-socket.ts'
import { ACK_TIMEOUT_MS, BUFFER_LIMIT_BYTES, UNACKNOWLEDGED_LIMIT } from './viewer.ts'

const TICK_MS = 250
const tick = { type: 'tick', rest: '0,[]' } as const

interface Rig {
  readonly hub: Hub
  readonly clock: HandClock
  readonly join: (request?: Partial<ViewerRequest>) => TestSocket
  /** Publishes one tick a quarter of a second; the given viewers acknowledge at once. */
  readonly run: (count: number, prompt?: readonly TestSocket[]) => void
}

function rig(options: { maxViewers?: number; onWatch?: () => void } = {}): Rig {
  const clock = new HandClock()
  const { maxViewers = 100, onWatch = () => {} } = options
  const hub = new Hub({ bootId: 'boot', clock, maxViewers, onWatch })
  return {
    hub,
    clock,
    join(request = {}) {
      const socket = new TestSocket()
      const hello = (): HelloBody => ({ viewers: hub.viewerCount }) as unknown as HelloBody
      hub.add(socket.asViewer, { hello, isAccessAlive: () => true, resume: null, ...request })
      return socket
    },
    run(count, prompt = []) {
      for (let i = 0; i < count; i += 1) {
        hub.publish([tick])
        for (const socket of prompt) socket.ackAll()
        clock.advance(TICK_MS)
      }
    },
  }
}

const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

describe('Hub: the stream', () => {
  it('greets with the latest number and goes on from there without holes', () => {
    const { join, run } = rig()
    run(3)
    const viewer = join()
    run(3, [viewer])
    assert.deepEqual(viewer.frames[0]!.slice(0, 2), ['hello', 3])
    assert.deepEqual(viewer.seqs, [4, 5, 6])
  })

  it('numbers ticks, states and events in one row', () => {
    const { hub, join } = rig()
    const viewer = join()
    hub.publish([{ type: 'event', rest: '{}' }, { type: 'state', rest: '{}' }, tick])
    assert.deepEqual(
      viewer.frames.slice(1).map(([type, seq]) => [type, seq]),
      [
        ['event', 1],
        ['state', 2],
        ['tick', 3],
      ],
    )
  })

  it('serialises each frame once, for everybody', () => {
    const { join, run } = rig()
    const [one, other] = [join(), join()]
    run(1)
    assert.equal(one.rawFrames.at(-1), other.rawFrames.at(-1))
  })

  it('serves many viewers in slices, and nobody twice', async () => {
    const { hub, join } = rig({ maxViewers: 1000 })
    const viewers = Array.from({ length: 120 }, () => join())
    hub.publish([tick])
    assert.ok(viewers.some(({ seqs }) => seqs.length === 0))
    const late = join()
    const gone = viewers.pop()!
    gone.emit('close')
    hub.publish([tick])
    await settled()
    await settled()
    await settled()
    for (const { seqs } of viewers) assert.deepEqual(seqs, [1, 2])
    assert.deepEqual([late.seqs, gone.seqs], [[2], []])
  })

  it('pings every five seconds, with the latest number', () => {
    const { clock, join, run } = rig()
    const viewer = join()
    run(2, [viewer])
    clock.advance(PING_MS)
    const pings = viewer.frames.filter(([type]) => type === 'ping')
    assert.deepEqual(pings, [['ping', 2, clock.timeOriginMs + PING_MS]])
  })

  it('tells once when somebody begins to watch, and forgets them ten seconds after', () => {
    let count = 0
    const { hub, clock, join } = rig({ onWatch: () => (count += 1) })
    assert.equal(hub.isWatched, false)
    hub.noteWatcher()
    join().close(1000)
    assert.equal(count, 1)
    clock.advance(9999)
    assert.equal(hub.isWatched, true)
    clock.advance(1)
    assert.equal(hub.isWatched, false)
    join()
    assert.equal(count, 2)
  })
})

describe('Hub: resuming', () => {
  const cases: readonly {
    name: string
    resume: ViewerRequest['resume']
    types: string[]
    seqs: number[]
  }[] = [
    {
      name: 'replays what was missed',
      resume: { bootId: 'boot', afterSeq: 7 },
      types: ['hello', 'tick', 'tick', 'tick', 'tick'],
      seqs: [8, 9, 10, 11],
    },
    {
      name: 'has nothing to replay for the latest number',
      resume: { bootId: 'boot', afterSeq: 10 },
      types: ['hello', 'tick'],
      seqs: [11],
    },
    {
      name: 'replays everything from the beginning',
      resume: { bootId: 'boot', afterSeq: 0 },
      types: ['hello', ...Array.from({ length: 11 }, () => 'tick')],
      seqs: upTo(11),
    },
    {
      name: 'tells a gap to a viewer of another boot',
      resume: { bootId: 'other', afterSeq: 7 },
      types: ['hello', 'gap', 'tick'],
      seqs: [11],
    },
    {
      name: 'tells a gap for a number that it has not given yet',
      resume: { bootId: 'boot', afterSeq: 11 },
      types: ['hello', 'gap', 'tick'],
      seqs: [11],
    },
  ]
  for (const { name, resume, types, seqs } of cases) {
    it(name, () => {
      const { join, run } = rig()
      run(10)
      const viewer = join({ resume })
      run(1)
      assert.deepEqual([viewer.types(), viewer.seqs], [types, seqs])
      const helloSeq = types[1] === 'gap' || resume === null ? 10 : resume.afterSeq
      assert.equal(viewer.frames[0]![1], helloSeq)
    })
  }

  it('tells a gap when the frames are gone, or too many', () => {
    const { hub, join, run } = rig()
    run(2500)
    assert.deepEqual(join({ resume: { bootId: 'boot', afterSeq: 99 } }).types(), ['hello', 'gap'])
    assert.equal(join({ resume: { bootId: 'boot', afterSeq: 100 } }).seqs.length, 2400)
    const big = { type: 'state', rest: `"${'x'.repeat(300_000)}"` } as const
    hub.publish([big, big])
    assert.deepEqual(join({ resume: { bootId: 'boot', afterSeq: 2500 } }).types(), ['hello', 'gap'])
  })

  it('does not take a long replay for a slow viewer', () => {
    const { join, run } = rig()
    run(1000)
    const viewer = join({ resume: { bootId: 'boot', afterSeq: 0 } })
    run(3)
    assert.deepEqual(viewer.seqs, upTo(1003))
  })
})

describe('Hub: slow viewers', () => {
  it('skips one that does not acknowledge, and no other', () => {
    const { hub, join, run } = rig()
    const [slow, prompt] = [join(), join()]
    run(UNACKNOWLEDGED_LIMIT + 6, [prompt])
    assert.deepEqual(slow.seqs, upTo(UNACKNOWLEDGED_LIMIT + 1))
    assert.deepEqual(prompt.seqs, upTo(UNACKNOWLEDGED_LIMIT + 6))
    assert.equal(hub.skippedCount, 5)
  })

  it('tells it of the gap when it has caught up, and goes on with what is new', () => {
    const { join, run } = rig()
    const slow = join()
    run(UNACKNOWLEDGED_LIMIT + 4)
    slow.say(['ack', UNACKNOWLEDGED_LIMIT])
    run(1)
    assert.equal(slow.types().includes('gap'), false, 'one frame is still owed')
    slow.ackAll()
    run(2, [slow])
    const skippedTo = UNACKNOWLEDGED_LIMIT + 5
    assert.deepEqual(slow.frames.slice(-3), [
      ['gap', skippedTo, 4],
      ['tick', skippedTo + 1, 0, []],
      ['tick', skippedTo + 2, 0, []],
    ])
  })

  it('skips one whose socket is full', () => {
    const { hub, clock, join, run } = rig()
    const viewer = join()
    viewer.bufferedAmount = BUFFER_LIMIT_BYTES + 1
    run(2)
    clock.advance(PING_MS)
    assert.deepEqual(viewer.types(), ['hello'], 'not even a ping is added')
    assert.equal(hub.skippedCount, 2)
    viewer.bufferedAmount = 0
    run(1)
    assert.deepEqual(viewer.types(), ['hello', 'gap', 'tick'])
  })

  it('sends one away that acknowledges nothing for ten seconds', () => {
    const { hub, join, run } = rig()
    const viewer = join()
    run(ACK_TIMEOUT_MS / TICK_MS)
    assert.equal(viewer.closedWith, null)
    run(1)
    assert.equal(viewer.closedWith, CLOSE_CODES.tooSlow)
    assert.deepEqual(viewer.frames.at(-1)!.slice(0, 1), ['bye'])
    assert.equal(hub.viewerCount, 0)
  })

  it('bears with one that is slow and alive', () => {
    const { join, run } = rig()
    const viewer = join()
    for (let i = 1; i <= 10; i += 1) {
      run(36)
      viewer.say(['ack', i])
    }
    assert.equal(viewer.closedWith, null)
  })

  it('forgets the debt of one that has acknowledged everything', () => {
    const { join, run, clock } = rig()
    const viewer = join()
    run(2, [viewer])
    clock.advance(60_000)
    run(2, [viewer])
    assert.equal(viewer.closedWith, null)
  })
})

describe('Hub: what viewers say', () => {
  it('ignores what it does not know', () => {
    const { join } = rig()
    const viewer = join()
    viewer.say(['rate', 1])
    assert.equal(viewer.closedWith, null)
  })

  for (const [name, message] of [
    ['is not a frame', 'hello'],
    ['acknowledges a frame that does not exist', ['ack', 4]],
    ['acknowledges nonsense', ['ack', 'all']],
  ] as const) {
    it(`closes 1008 on one that ${name}`, () => {
      const { hub, join, run } = rig()
      run(3)
      const viewer = join()
      viewer.say(message)
      assert.deepEqual([viewer.closedWith, hub.viewerCount], [1008, 0])
    })
  }

  it('closes 4429 on a flood, of messages or of pings', () => {
    for (const flood of [
      (socket: TestSocket) => socket.say(['ack', 0]),
      (socket: TestSocket) => void socket.emit('ping', Buffer.alloc(0)),
    ]) {
      const { join, clock } = rig()
      const viewer = join()
      for (let i = 0; i < 40; i += 1) flood(viewer)
      clock.advance(100)
      flood(viewer)
      flood(viewer)
      assert.equal(viewer.closedWith, null, '20 a second are earned back')
      flood(viewer)
      assert.equal(viewer.closedWith, CLOSE_CODES.tooManyMessages)
    }
  })

  it('hears nothing more from one that it has dismissed', () => {
    const { join } = rig()
    const viewer = join()
    viewer.answersClose = false
    viewer.say('broken')
    for (let i = 0; i < 100; i += 1) viewer.say('broken')
    assert.equal(viewer.closedWith, 1008)
  })
})

describe('Hub: ends', () => {
  it('closes 4401 within five seconds of the end of the session', () => {
    for (const isAccessAlive of [
      () => false,
      () => {
        throw new Error('the store is gone')
      },
    ]) {
      const { hub, clock, join } = rig()
      const [outsider, insider] = [join({ isAccessAlive }), join()]
      clock.advance(PING_MS)
      assert.deepEqual(
        [outsider.closedWith, insider.closedWith],
        [CLOSE_CODES.unauthenticated, null],
      )
      assert.equal(hub.viewerCount, 1)
    }
  })

  it('cuts off one that answers no protocol ping', () => {
    const { hub, clock, join } = rig()
    const [dead, living] = [join(), join()]
    for (let i = 0; i < 9; i += 1) {
      clock.advance(PING_MS)
      living.emit('pong', Buffer.alloc(0))
    }
    assert.deepEqual([dead.pingCount, dead.isTerminated], [2, true])
    assert.deepEqual([living.pingCount, living.isTerminated], [3, false])
    assert.equal(hub.viewerCount, 1)
  })

  it('is full at its limit and has room again when one leaves', () => {
    const { hub, join } = rig({ maxViewers: 2 })
    const [first] = [join(), join()]
    assert.equal(hub.isFull, true)
    first.emit('close')
    assert.equal(hub.isFull, false)
  })

  it('says goodbye at the shutdown and cuts off whoever does not leave', async () => {
    const { hub, clock, join, run } = rig()
    const [polite, silent] = [join(), join()]
    silent.answersClose = false
    let isOver = false
    const over = hub.shutdown().then(() => (isOver = true))
    assert.equal(hub.shutdown() !== undefined, true)
    for (const { frames, closedWith } of [polite, silent]) {
      assert.deepEqual([frames.at(-1), closedWith], [['bye', 0, 'shutdown'], 1001])
    }
    await clock.advanceInSteps(CLOSE_GRACE_MS - 1)
    assert.deepEqual([silent.isTerminated, isOver], [false, false])
    assert.equal(clock.vitalTimerCount, 1, 'the end of the server waits for it')
    await clock.advanceInSteps(1)
    await over
    assert.deepEqual([polite.isTerminated, silent.isTerminated], [false, true])
    run(1)
    assert.deepEqual([hub.seq, hub.viewerCount, clock.timerCount], [0, 0, 0])
  })

  it('leaves no timer behind that would keep the process alive', () => {
    const { clock, join } = rig()
    join()
    assert.deepEqual([clock.timerCount, clock.vitalTimerCount], [1, 0])
  })
})
