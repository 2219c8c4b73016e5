import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventBus, SINK_ERROR_LIMIT } from './event-bus.ts'
import type { PoolEvent, PoolEventBody } from './events.ts'

const ready: PoolEventBody = { type: 'pool', state: 'ready', reason: null }

describe('EventBus', () => {
  it('numbers events without holes and stamps them', () => {
    let nowMs = 1000
    const bus = new EventBus({ nowEpochMs: () => nowMs })
    const seen: PoolEvent[] = []
    bus.addSink((event) => seen.push(event))
    bus.emit(ready)
    nowMs = 1250
    bus.emit(ready)
    assert.deepEqual(
      seen.map((event) => [event.seq, event.atMs, event.type]),
      [
        [1, 1000, 'pool'],
        [2, 1250, 'pool'],
      ],
    )
    assert.equal(bus.seq, 2)
  })

  it('counts events that nobody heard', () => {
    const bus = new EventBus()
    bus.emit(ready)
    const seen: number[] = []
    bus.addSink((event) => seen.push(event.seq))
    bus.emit(ready)
    assert.deepEqual(seen, [2])
  })

  it('tells the other sinks when one throws, and counts it', () => {
    const bus = new EventBus()
    const seen: number[] = []
    bus.addSink(() => {
      throw new Error('broken')
    })
    bus.addSink((event) => seen.push(event.seq))
    bus.emit(ready)
    assert.deepEqual(seen, [1])
    assert.equal(bus.sinkErrors, 1)
  })

  it('removes a sink after too many errors in a row, and only then', () => {
    const bus = new EventBus()
    let calls = 0
    let isBroken = true
    bus.addSink(() => {
      calls += 1
      if (isBroken) throw new Error('broken')
    })
    for (let i = 1; i < SINK_ERROR_LIMIT; i += 1) bus.emit(ready)
    isBroken = false
    bus.emit(ready)
    isBroken = true
    for (let i = 0; i < SINK_ERROR_LIMIT + 5; i += 1) bus.emit(ready)
    assert.equal(calls, SINK_ERROR_LIMIT - 1 + 1 + SINK_ERROR_LIMIT)
    assert.equal(bus.sinkErrors, SINK_ERROR_LIMIT - 1 + SINK_ERROR_LIMIT)
  })

  it('lets a sink remove itself while it is being told', () => {
    const bus = new EventBus()
    const seen: string[] = []
    const remove = bus.addSink(() => {
      seen.push('first')
      remove()
    })
    bus.addSink(() => seen.push('second'))
    bus.emit(ready)
    bus.emit(ready)
    assert.deepEqual(seen, ['first', 'second', 'second'])
  })

  it('knows no trace by default, and none when capturing throws', () => {
    assert.equal(new EventBus().captureTrace(), null)
    const bus = new EventBus({
      captureTrace: () => {
        throw new Error('broken')
      },
    })
    assert.equal(bus.captureTrace(), null)
    assert.equal(bus.sinkErrors, 1)
  })

  it('captures the trace it was given', () => {
    const trace = { traceId: 'a', spanId: 'b', isSampled: true }
    assert.equal(new EventBus({ captureTrace: () => trace }).captureTrace(), trace)
  })
})
