import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import { CLOSE_CODES, SERIES, SUBPROTOCOL, parseServerFrame } from '../../telemetry/protocol.ts'
import type { History } from '../../telemetry/protocol.ts'
import { HandClock } from '../testing/hand-clock.ts'
import { until } from '../testing/until.ts'
import { CLOSE_GRACE_MS, PING_MS } from './hub.ts'
import { livePlugin } from './live-plugin.ts'
import { Page, connectPage, openPage, refused } from './testing/page.ts'
import { TestView, acquireEvent, connectionRow } from './testing/test-view.ts'
import { UNACKNOWLEDGED_LIMIT } from './viewer.ts'

const TICK_MS = 250

interface Rig {
  readonly app: FastifyInstance
  readonly view: TestView
  readonly clock: HandClock
  /** Who is asking, and whether their session stands. */
  readonly visitor: { access: 'viewer' | 'admin'; isAlive: boolean }
  /** Turns the clock by ticks and waits until these pages have got each of them. */
  readonly turn: (count: number, ...pages: readonly Page[]) => Promise<void>
}

async function rig(
  t: TestContext,
  { maxViewers = 100, failure = null as Error | null } = {},
): Promise<Rig> {
  const clock = new HandClock()
  const view = new TestView(() => clock.timeOriginMs + clock.nowMs())
  view.failure = failure
  const visitor: Rig['visitor'] = { access: 'viewer', isAlive: true }
  const app = fastify()
  t.after(() => app.close())
  app.decorateRequest('access', 'none')
  app.decorateRequest('isAccessAlive', () => visitor.isAlive)
  app.addHook('onRequest', async (request) => {
    request.access = visitor.access
  })
  await app.register(livePlugin, {
    view,
    onEvent: (sink) => view.onEvent(sink),
    clock,
    maxViewers,
    bootId: 'boot-1',
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const turn = async (count: number, ...pages: readonly Page[]): Promise<void> => {
    for (let i = 0; i < count; i += 1) {
      const counts = pages.map(({ types }) => types.filter((type) => type === 'tick').length)
      clock.advance(TICK_MS)
      await until(() =>
        pages.every(
          ({ types }, index) => types.filter((type) => type === 'tick').length > counts[index]!,
        ),
      )
    }
  }
  return { app, view, clock, visitor, turn }
}

async function readHistory(app: FastifyInstance, query = ''): Promise<History> {
  const response = await fetch(`${app.listeningOrigin}/api/v1/history${query}`)
  assert.equal(response.status, 200)
  return (await response.json()) as History
}

const assertContiguous = (seqs: readonly number[], afterSeq: number): void => {
  assert.ok(seqs.length > 0)
  assert.deepEqual(
    seqs,
    seqs.map((_, i) => afterSeq + 1 + i),
  )
}

describe('the live stream', () => {
  it('says hello with everything a page needs, and then ticks without a hole', async (t) => {
    const { app, view, turn } = await rig(t)
    view.rows = [connectionRow()]
    const page = await openPage(t, app)
    const [, seq, hello] = await page.first('hello')
    assert.equal(hello.bootId, 'boot-1')
    assert.equal(hello.access, 'read')
    assert.deepEqual(hello.series, SERIES)
    assert.deepEqual(hello.limits, {
      max: 5,
      readers: 4,
      maxWaiters: 1000,
      acquireTimeoutMs: 5000,
    })
    assert.equal(hello.state.connections.length, 1)
    await turn(5, page)
    assertContiguous(page.seqs, seq)
    for (const frame of page.frames) assert.ok(parseServerFrame(JSON.stringify(frame)) !== null)
  })

  it('tells an administrator that they are one', async (t) => {
    const { app, visitor } = await rig(t)
    visitor.access = 'admin'
    const page = await openPage(t, app)
    assert.equal((await page.first('hello'))[2].access, 'admin')
  })

  it('goes on exactly where the history ended', async (t) => {
    const { app, clock, turn } = await rig(t)
    clock.advance(60_000)
    const history = await readHistory(app, '?stepMs=250')
    clock.advance(1000)
    const page = await openPage(t, app, { query: `?boot=${history.bootId}&after=${history.seq}` })
    await turn(2, page)
    assertContiguous(page.seqs, history.seq)
    const ticks = page.frames.filter((frame) => frame[0] === 'tick')
    assert.equal(ticks[0]![2], history.atMs.at(-1)! + TICK_MS)
  })

  it('replays without loss what a page missed while it was away', async (t) => {
    const { app, view, turn } = await rig(t)
    const witness = await openPage(t, app)
    const page = await openPage(t, app)
    await turn(3, witness, page)
    page.socket.close()
    await page.closed
    const last = page.seqs.at(-1)!
    view.emit(acquireEvent())
    view.rows = [connectionRow()]
    await turn(5, witness)
    const again = await openPage(t, app, { query: `?boot=boot-1&after=${last}` })
    await turn(2, witness, again)
    assertContiguous(again.seqs, last)
    assert.equal(again.types.includes('gap'), false)
    const numbered = (frames: Page['frames']): Page['frames'] =>
      frames.filter(([type, seq]) => ['tick', 'state', 'event'].includes(type) && seq > last)
    assert.deepEqual(numbered(again.frames), numbered(witness.frames))
  })

  it('tells a page of another run, or with half an address, to read the history', async (t) => {
    const { app, turn } = await rig(t)
    const witness = await openPage(t, app)
    await turn(3, witness)
    for (const query of [
      '?boot=boot-0&after=1',
      '?boot=boot-1',
      '?after=1',
      '?boot=boot-1&after=99',
    ]) {
      const page = await openPage(t, app, { query })
      await turn(1, page, witness)
      const [, seq] = await page.first('gap')
      assert.deepEqual(page.types.slice(0, 2), ['hello', 'gap'], query)
      assertContiguous(page.seqs, seq)
    }
  })

  it('skips a page that does not read, and no other; then tells it of the gap', async (t) => {
    const { app, turn } = await rig(t)
    const [slow, prompt] = [await openPage(t, app), await openPage(t, app)]
    const afterSeq = (await prompt.first('hello'))[1]
    slow.socket.pause()
    await turn(UNACKNOWLEDGED_LIMIT + 4, prompt)
    assert.ok(app.live.skippedFrameCount > 0)
    assertContiguous(prompt.seqs, afterSeq)
    slow.socket.resume()
    await until(() => slow.seqs.length > UNACKNOWLEDGED_LIMIT)
    await until(async () => {
      await turn(1, prompt)
      return slow.types.includes('gap')
    })
    await turn(2, prompt, slow)
    const gap = await slow.first('gap')
    const [before, after] = [
      slow.seqs.filter((seq) => seq <= gap[1]),
      slow.seqs.filter((seq) => seq > gap[1]),
    ]
    assertContiguous(after, gap[1])
    assert.equal(before.length + gap[2]!, gap[1] - (await slow.first('hello'))[1])
  })

  it('sends a page away that acknowledges nothing', async (t) => {
    const { app, turn } = await rig(t)
    const [mute, prompt] = [await openPage(t, app), await openPage(t, app)]
    mute.acknowledges = false
    await turn(45, prompt)
    assert.equal(await mute.closed, CLOSE_CODES.tooSlow)
    assert.deepEqual((await mute.first('bye')).slice(2), ['slow'])
    assert.equal(app.live.viewerCount, 1)
  })

  it('closes within five seconds of the end of the session', async (t) => {
    const { app, clock, visitor } = await rig(t)
    const page = await openPage(t, app)
    visitor.isAlive = false
    clock.advance(PING_MS)
    assert.equal(await page.closed, CLOSE_CODES.unauthenticated)
  })

  it('speaks its own subprotocol, and tells a page of another version to reload', async (t) => {
    const { app } = await rig(t)
    const page = await openPage(t, app, { subprotocols: ['other', SUBPROTOCOL] })
    assert.equal(page.socket.protocol, SUBPROTOCOL)
    const other = new Page(connectPage(t, app, { subprotocols: ['glasspool.live.v9'] }))
    assert.equal(await other.closed, 1002)
    assert.deepEqual(other.frames[0]!.slice(2), ['reload'])
    assert.equal(app.live.viewerCount, 1)
  })

  it('compresses nothing', async (t) => {
    const { app } = await rig(t)
    const page = await openPage(t, app, { client: { perMessageDeflate: true } })
    assert.equal(page.socket.extensions, '')
  })
})

describe('who is refused', () => {
  it('answers 503 before the upgrade when all places are taken', async (t) => {
    const { app } = await rig(t, { maxViewers: 2 })
    const [first] = [await openPage(t, app), await openPage(t, app)]
    const { status, body } = await refused(t, app)
    assert.deepEqual([status, body['code']], [503, 'OVERLOADED'])
    first.socket.close()
    await until(() => app.live.viewerCount === 1)
    await openPage(t, app)
  })

  it('lets exactly so many in when many come at once', async (t) => {
    const { app } = await rig(t, { maxViewers: 3 })
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, () => once(connectPage(t, app), 'open')),
    )
    const opened = results.filter(({ status }) => status === 'fulfilled')
    assert.deepEqual([opened.length, app.live.viewerCount], [3, 3])
  })

  it('answers 404 to a request without an upgrade, and 400 to a broken address', async (t) => {
    const { app } = await rig(t)
    assert.equal((await app.inject('/api/v1/live')).statusCode, 404)
    for (const query of ['?after=x', '?after=-1', `?boot=${'x'.repeat(65)}`]) {
      assert.equal((await refused(t, app, { query })).status, 400, query)
    }
    assert.equal(app.live.viewerCount, 0)
  })

  it('closes 1011 while there is no state to greet with, and frees the place', async (t) => {
    const { app } = await rig(t, { failure: new Error('broken view') })
    const page = new Page(connectPage(t, app))
    assert.equal(await page.closed, 1011)
    await until(() => app.live.viewerCount === 0)
    assert.equal((await app.inject('/api/v1/history')).statusCode, 500)
  })

  it('answers 503 once it is shutting down', async (t) => {
    const { app } = await rig(t)
    await app.live.shutdown()
    const { status, body } = await refused(t, app)
    assert.deepEqual([status, body['code']], [503, 'POOL_DRAINING'])
  })
})

describe('what pages may send', () => {
  const masked = (head: readonly number[], payload: Buffer): Buffer =>
    Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload])
  const cases: readonly { name: string; send: (page: Page) => void; code: number }[] = [
    { name: 'no frame', send: (page) => page.socket.send('hello'), code: 1008 },
    {
      name: 'a binary ack',
      send: (page) => page.socket.send(Buffer.from('["ack",0]')),
      code: 1008,
    },
    {
      name: 'an ack of the future',
      send: (page) => page.socket.send('["ack",1000000]'),
      code: 1008,
    },
    {
      name: 'more than 4 KiB',
      send: (page) => page.socket.send(JSON.stringify(['rate', 'x'.repeat(5000)])),
      code: 1009,
    },
    {
      name: 'a flood',
      send: (page) => {
        for (let i = 0; i < 100; i += 1) page.socket.send('["rate",1]')
      },
      code: CLOSE_CODES.tooManyMessages,
    },
    {
      name: 'a flood of pings',
      send: (page) => {
        for (let i = 0; i < 100; i += 1) page.socket.ping()
      },
      code: CLOSE_CODES.tooManyMessages,
    },
    {
      name: 'a frame without a mask',
      send: (page) => page.write(Buffer.from([0x81, 0])),
      code: 1002,
    },
    {
      name: 'a reserved bit',
      send: (page) => page.write(masked([0xc1, 0x80], Buffer.alloc(0))),
      code: 1002,
    },
    {
      name: 'an unknown opcode',
      send: (page) => page.write(masked([0x83, 0x80], Buffer.alloc(0))),
      code: 1002,
    },
    {
      name: 'half a ping',
      send: (page) => page.write(masked([0x09, 0x80], Buffer.alloc(0))),
      code: 1002,
    },
    {
      name: 'a text that is no UTF-8',
      send: (page) => page.write(masked([0x81, 0x81], Buffer.from([0xff]))),
      code: 1007,
    },
    {
      name: 'a frame of 2^63 bytes',
      send: (page) => page.write(masked([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], Buffer.alloc(0))),
      code: 1009,
    },
  ]
  for (const { name, send, code } of cases) {
    it(`is not ${name}: ${code}`, async (t) => {
      const { app, turn } = await rig(t)
      const [page, other] = [await openPage(t, app), await openPage(t, app)]
      page.acknowledges = false
      send(page)
      assert.equal(await page.closed, code)
      await until(() => app.live.viewerCount === 1)
      await turn(1, other)
    })
  }

  it('is heard even in the packet of the upgrade', async (t) => {
    const { app } = await rig(t)
    const { port } = app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    let answer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])))
    const upgrade = [
      'GET /api/v1/live HTTP/1.1',
      'Host: 127.0.0.1',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      '\r\n',
    ].join('\r\n')
    socket.write(Buffer.concat([Buffer.from(upgrade), masked([0x81, 0x81], Buffer.from('x'))]))
    const closeFrame = Buffer.from([0x03, 0xf0])
    await until(() => answer.includes(closeFrame))
    assert.match(answer.toString('latin1'), /^HTTP\/1\.1 101 /)
    assert.equal(app.live.viewerCount, 0)
  })
})

describe('GET /api/v1/history', () => {
  it('has columns for the charts, the marks and the state', async (t) => {
    const { app, view, clock } = await rig(t)
    view.stats.reader.inUse = 3
    clock.advance(3000)
    view.emit(acquireEvent())
    clock.advance(1000)
    const history = await readHistory(app, '?stepMs=1000')
    assert.deepEqual([history.bootId, history.stepMs], ['boot-1', 1000])
    assert.equal(history.series.length, history.columns.length)
    for (const column of history.columns) assert.equal(column.length, history.atMs.length)
    assert.deepEqual(history.columns[history.series.indexOf('inUse')], [0, 3, 3, 3, 3])
    assert.deepEqual(new Set(history.columns[history.series.indexOf('walBytes')]), new Set([null]))
    assert.equal(history.events[0]!.type, 'acquire')
    assert.equal(history.state.poolState, 'ready')
    assert.equal(history.serverAtMs, clock.timeOriginMs + 4000)
  })

  const bad = ['?fromMs=x', '?fromMs=-1', '?stepMs=0', '?stepMs=0.5', '?fromMs=2&toMs=1']
  for (const query of bad) {
    it(`refuses ${query} with 400`, async (t) => {
      const { app } = await rig(t)
      assert.equal((await app.inject(`/api/v1/history${query}`)).statusCode, 400)
    })
  }

  it('answers about any range, and never with more points than it keeps', async (t) => {
    const { app, clock } = await rig(t)
    clock.advance(2 * 3_600_000)
    for (const query of [
      '',
      '?fromMs=0',
      '?fromMs=0&stepMs=1',
      '?toMs=0',
      '?fromMs=8640000000000000',
    ]) {
      const { atMs } = await readHistory(app, query)
      assert.ok(atMs.length <= 5781, `${query}: ${atMs.length} points`)
    }
  })

  it('answers with the last state while the view throws, and logs on', async (t) => {
    const { app, view, clock } = await rig(t)
    view.failure = new Error('broken view')
    clock.advance(2000)
    assert.equal((await readHistory(app)).state.poolState, 'ready')
    assert.ok(app.live.sampleErrorCount >= 2)
  })
})

describe('the end', () => {
  it('says goodbye, closes 1001, and cuts off a page that does not answer', async (t) => {
    const { app, clock } = await rig(t)
    const [polite, silent] = [await openPage(t, app), await openPage(t, app)]
    silent.socket.pause()
    const closing = app.close()
    assert.equal(await polite.closed, 1001)
    assert.deepEqual((await polite.first('bye')).slice(2), ['shutdown'])
    clock.advance(CLOSE_GRACE_MS)
    await closing
    assert.equal(app.live.viewerCount, 0)
    assert.equal(clock.timerCount, 0)
  })

  it('may be called early, and twice', async (t) => {
    const { app } = await rig(t)
    const page = await openPage(t, app)
    await Promise.all([app.live.shutdown(), app.live.shutdown()])
    assert.equal(await page.closed, 1001)
    await app.close()
  })

  it('does not keep a process alive that has nothing else to do', async () => {
    const script = `
      const { Live } = await import('./live.ts')
      const { watchEventLoopDelay } = await import('./event-loop-delay.ts')
      const { systemClock } = await import('../pool/clock.ts')
      const { TestView } = await import('./testing/test-view.ts')
      const view = new TestView()
      const delay = watchEventLoopDelay()
      const live = new Live({
        view, clock: systemClock, maxViewers: 1,
        onEvent: (sink) => view.onEvent(sink),
        readEventLoopDelayMs: () => delay.read(),
      })
      live.history({})
      process.stdout.write('started')
    `
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script],
      { cwd: join(import.meta.dirname) },
    )
    assert.equal(stdout, 'started')
  })
})
