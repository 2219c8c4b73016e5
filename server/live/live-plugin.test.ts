import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { CLOSE_CODES, SERIES, SUBPROTOCOL, parseServerFrame } from '../../telemetry/protocol.ts'
import { until } from '../testing/until.ts'
import { CLOSE_GRACE_MS, PING_MS } from './hub.ts'
import { Page, connectPage, openPage } from './testing/page.ts'
import { TICK_MS, readHistory, rig } from './testing/rig.ts'
import { acquireEvent, connectionRow } from './testing/test-view.ts'
import { UNACKNOWLEDGED_LIMIT } from './viewer.ts'

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
