import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SERIES } from '../../telemetry/protocol.ts'
import type { HelloBody, SeriesName, StateBody, TickFrame } from '../../telemetry/protocol.ts'
import { HandClock } from '../testing/hand-clock.ts'
import { Aggregator, TICK_MS } from './aggregator.ts'
import { HistoryStore } from './history.ts'
import { Hub } from './hub.ts'
import { TestSocket } from './testing/test-socket.ts'
import { TestView, acquireEvent, connectionRow, waiterRow } from './testing/test-view.ts'

interface Rig {
  readonly view: TestView
  readonly clock: HandClock
  readonly hub: Hub
  readonly history: HistoryStore
  readonly aggregator: Aggregator
  readonly errors: unknown[]
  readonly watch: () => TestSocket
}

/** The clock begins off the grid, as it does in life. */
function rig(offGridMs = 100): Rig {
  const clock = new HandClock(1_700_000_000_000 + offGridMs)
  const view = new TestView(() => clock.timeOriginMs + clock.nowMs())
  const history = new HistoryStore()
  const errors: unknown[] = []
  const hub = new Hub({
    bootId: 'boot',
    clock,
    maxViewers: 10,
    onWatch: () => aggregator.wake(),
  })
  const aggregator = new Aggregator({
    view,
    onEvent: (sink) => view.onEvent(sink),
    clock,
    history,
    hub,
    readEventLoopDelayMs: () => 3,
    onError: (error) => errors.push(error),
  })
  const watch = (): TestSocket => {
    const socket = new TestSocket()
    hub.add(socket.asViewer, {
      hello: () => ({}) as HelloBody,
      isAccessAlive: () => true,
      resume: null,
    })
    const send = socket.send.bind(socket)
    socket.send = (frame) => {
      send(frame)
      socket.ackAll()
    }
    return socket
  }
  return { view, clock, hub, history, aggregator, errors, watch }
}

const ticksOf = (socket: TestSocket): TickFrame[] =>
  socket.frames.filter((frame) => frame[0] === 'tick')

const statesOf = (socket: TestSocket): StateBody[] =>
  socket.frames.filter((frame) => frame[0] === 'state').map((frame) => frame[2])

const value = (tick: TickFrame, name: SeriesName): number | null =>
  tick[3][SERIES.findIndex((series) => series.name === name)]!

describe('Aggregator: ticks', () => {
  it('ticks four times a second on the grid while somebody watches', () => {
    const { clock, aggregator, watch } = rig()
    aggregator.start()
    const viewer = watch()
    clock.advance(1000)
    assert.deepEqual(
      ticksOf(viewer).map((tick) => tick[2] - 1_700_000_000_000),
      [250, 500, 750, 1000],
    )
  })

  it('ticks once a second when nobody has watched for ten seconds', () => {
    const { clock, hub, aggregator, watch } = rig()
    aggregator.start()
    const viewer = watch()
    clock.advance(900)
    viewer.emit('close')
    clock.advance(10_000)
    const seq = hub.seq
    clock.advance(10_000)
    assert.equal(hub.seq - seq, 10)
    const next = watch()
    clock.advance(TICK_MS)
    assert.equal(ticksOf(next).length, 1, 'the next viewer does not wait for a second')
  })

  it('leaves no hole in the history of the time when nobody watched', () => {
    const { clock, history, aggregator } = rig()
    aggregator.start()
    clock.advance(60_000)
    const { columns, atMs } = history.query({ fromMs: 0, toMs: 2e12, stepMs: 250 })
    assert.ok(atMs.length > 236)
    assert.ok(columns[0]!.every((inUse) => inUse !== null))
  })

  it('has one value per series, straight from the statistics', () => {
    const { view, clock, aggregator, watch } = rig(0)
    const { reader, writer, wal, operationMs } = view.stats
    aggregator.start()
    const viewer = watch()
    Object.assign(reader, { inUse: 3, idle: 1, waiting: 2, acquired: 10 })
    Object.assign(writer, { inUse: 1, acquired: 2 })
    Object.assign(wal, { sizeBytes: 4096, frames: 10, backfilledFrames: 4 })
    reader.failed.timeout = 4
    operationMs.record(1)
    reader.waitMs.record(10)
    clock.advance(1000)
    const tick = ticksOf(viewer).at(-1)!
    assert.equal(tick[3].length, SERIES.length)
    const expected: Partial<Record<SeriesName, number | null>> = {
      inUse: 4,
      idle: 1,
      limit: 5,
      waiting: 2,
      readersInUse: 3,
      writerInUse: 1,
      useP99Ms: null,
      walBytes: 4096,
      walFrames: 10,
      walPendingFrames: 6,
      eventLoopDelayP99Ms: 3,
    }
    for (const [name, wanted] of Object.entries(expected)) {
      assert.equal(value(tick, name as SeriesName), wanted, name)
    }
    // The first sample was taken at the start, one second ago.
    assert.equal(value(tick, 'acquiresPerSecond'), 12)
    assert.equal(value(tick, 'failuresPerSecond'), 4)
    assert.equal(value(tick, 'statementsPerSecond'), 1)
    assert.ok(Math.abs(value(tick, 'waitP50Ms')! - 10) < 0.4)
  })

  it('says null for a log that could not be probed', () => {
    const { view, clock, aggregator, watch } = rig()
    aggregator.start()
    const viewer = watch()
    view.stats.wal.frames = 10
    clock.advance(TICK_MS)
    assert.equal(value(ticksOf(viewer)[0]!, 'walPendingFrames'), null)
  })

  it('puts the same numbers on the wire and into the history', () => {
    const { view, clock, history, aggregator, watch } = rig()
    aggregator.start()
    const viewer = watch()
    for (let i = 0; i < 20; i += 1) {
      view.stats.reader.inUse = i % 5
      view.stats.reader.waitMs.record(i)
      view.stats.reader.acquired += i
      clock.advance(TICK_MS)
    }
    const ticks = ticksOf(viewer)
    const fromMs = ticks[0]![2]
    const { atMs, columns } = history.query({ fromMs, toMs: 2e12, stepMs: 250 })
    assert.deepEqual(
      atMs,
      ticks.map((tick) => tick[2]),
    )
    for (const [i, tick] of ticks.entries()) {
      assert.deepEqual(
        columns.map((column) => column[i]),
        tick[3],
      )
    }
  })

  it('takes an early timer for the tick that it was meant for', () => {
    const { clock, hub, aggregator } = rig(249.5)
    hub.noteWatcher()
    aggregator.start()
    assert.equal(hub.seq, 2, 'state and tick')
    clock.advance(249)
    assert.equal(hub.seq, 2, 'and not once more at the grid')
  })
})

describe('Aggregator: states', () => {
  it('sends a state only when something in it has changed', () => {
    const { view, clock, aggregator, watch } = rig()
    aggregator.start()
    const viewer = watch()
    clock.advance(TICK_MS)
    assert.equal(statesOf(viewer).length, 1, 'there is one more viewer')
    clock.advance(10 * TICK_MS)
    assert.equal(statesOf(viewer).length, 1)
    view.rows = [connectionRow({ state: 'idle' })]
    clock.advance(TICK_MS)
    view.stats.writer.acquired = 7
    view.stats.checkpoint.incomplete = 1
    clock.advance(TICK_MS)
    const states = statesOf(viewer)
    assert.deepEqual(
      states.map(({ connections, totals }) => [
        connections.length,
        totals.acquired,
        totals.checkpoints,
      ]),
      [
        [0, 0, 0],
        [1, 0, 0],
        [1, 7, 1],
      ],
    )
  })

  it('sends no state while callers only go on waiting', () => {
    const { view, clock, aggregator, watch } = rig()
    Object.assign(view.stats.reader, { inUse: 4, waiting: 12 })
    view.queue = [waiterRow({ sinceAtMs: clock.timeOriginMs })]
    view.rows = [connectionRow({ sinceAtMs: clock.timeOriginMs - 31_000 })]
    aggregator.start()
    const viewer = watch()
    clock.advance(30_000)
    const sentences = statesOf(viewer).map(({ verdict }) => verdict.sentence)
    assert.ok(sentences.length <= 7, `${sentences.length} states in 30 s`)
    assert.match(sentences.at(-1)!, /^All 4 readers are in use and at least 10 callers wait/)
    const since = statesOf(viewer)
      .filter(({ verdict }) => verdict.code === 'saturated')
      .map(({ verdict }) => verdict.sinceAtMs)
    assert.equal(new Set(since).size, 1)
  })

  it('lists only the first of a long queue', () => {
    const { view, aggregator } = rig()
    view.queue = Array.from({ length: 1000 }, (_, i) => waiterRow({ position: i + 1 }))
    aggregator.start()
    assert.equal(aggregator.readState().waiters.length, 20)
  })

  it('knows from the events why the pool is degraded, and from the stats that the log is starved', () => {
    const { view, clock, aggregator } = rig()
    aggregator.start()
    view.stats.wal.starvedSinceMs = 1
    clock.advance(1000)
    assert.equal(aggregator.readState().verdict.code, 'wal_starved')
    view.state = 'degraded'
    view.emit({ type: 'pool', state: 'degraded', reason: 'DB_READONLY' })
    clock.advance(1000)
    assert.match(aggregator.readState().verdict.sentence, /DB_READONLY/)
    view.state = 'ready'
    view.stats.wal.starvedSinceMs = null
    clock.advance(4000)
    assert.equal(aggregator.readState().verdict.code, 'healthy')
  })
})

describe('Aggregator: events', () => {
  it('sends them with the next tick and keeps them in the history', () => {
    const { view, clock, history, aggregator, watch } = rig()
    aggregator.start()
    const viewer = watch()
    view.emit({ type: 'pool', state: 'ready', reason: null })
    assert.deepEqual(viewer.types(), ['hello'])
    clock.advance(TICK_MS)
    assert.deepEqual(viewer.types(), ['hello', 'event', 'state', 'tick'])
    assert.equal(history.query({ fromMs: 0, toMs: 1e13 }).events[0]!.type, 'pool')
  })

  it('makes five frames of 10,000 failures, and says how many it left out', () => {
    const { view, clock, aggregator, watch } = rig()
    aggregator.start()
    const viewer = watch()
    for (let i = 0; i < 10_000; i += 1) view.emit(acquireEvent())
    clock.advance(TICK_MS)
    const events = viewer.frames.filter(([type]) => type === 'event')
    assert.deepEqual([events.length, aggregator.droppedEventCount], [5, 9995])
    clock.advance(1000)
    view.emit(acquireEvent())
    clock.advance(TICK_MS)
    assert.equal(viewer.frames.findLast(([type]) => type === 'event')![3], 9995)
  })
})

describe('Aggregator: trouble', () => {
  it('survives a view that throws: one sample without data, and the next one is whole', () => {
    const { view, clock, history, hub, aggregator, errors, watch } = rig()
    aggregator.start()
    const viewer = watch()
    clock.advance(TICK_MS)
    view.failure = new Error('broken view')
    clock.advance(2 * TICK_MS)
    view.failure = null
    clock.advance(TICK_MS)
    const inUse = ticksOf(viewer).map((tick) => value(tick, 'inUse'))
    assert.deepEqual(inUse, [0, null, null, 0])
    assert.deepEqual([aggregator.errorCount, errors.length, hub.viewerCount], [2, 2, 1])
    const { columns } = history.query({ fromMs: ticksOf(viewer)[0]![2], toMs: 1e13, stepMs: 250 })
    assert.deepEqual(columns[0], inUse)
  })

  it('answers with the last state while the view throws', () => {
    const { view, aggregator } = rig()
    view.rows = [connectionRow()]
    aggregator.start()
    view.failure = new Error('broken view')
    assert.equal(aggregator.readState().connections.length, 1)
  })

  it('stops: no timer, no listener', () => {
    const { view, clock, hub, aggregator } = rig()
    aggregator.start()
    assert.equal(clock.vitalTimerCount, 0)
    aggregator.stop()
    const { seq } = hub
    for (let i = 0; i < 100; i += 1) view.emit(acquireEvent())
    aggregator.wake()
    clock.advance(10_000)
    assert.deepEqual([hub.seq, clock.timerCount, aggregator.droppedEventCount], [seq, 0, 0])
  })
})
