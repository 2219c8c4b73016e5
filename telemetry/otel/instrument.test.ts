import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { EventBus } from '../event-bus.ts'
import { createView, playCheckpoint, recordDurations } from '../testing/pool-life.ts'
import { instrumentPool } from './instrument.ts'

const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), isSampled: true }

describe('instrumentPool without an SDK', () => {
  it('hears everything, does nothing with it, and breaks nothing', () => {
    const view = createView()
    const bus = new EventBus({ captureTrace: () => trace })
    const dispose = instrumentPool(view, (sink) => bus.addSink(sink))
    recordDurations(view)
    playCheckpoint(view, bus, trace)
    assert.equal(view.stats.reader.waitMs.count, 6)
    assert.equal(bus.sinkErrors, 0)
    dispose()
  })

  it('lets go of the pool when disposed, twice if need be', () => {
    const view = createView()
    let sinkCount = 0
    const dispose = instrumentPool(view, () => {
      sinkCount += 1
      return () => (sinkCount -= 1)
    })
    assert.notEqual(view.stats.reader.waitMs.onRecord, undefined)
    dispose()
    assert.equal(view.stats.reader.waitMs.onRecord, undefined)
    assert.equal(view.stats.operationMs.onRecord, undefined)
    assert.equal(sinkCount, 0)
    dispose()
    assert.equal(sinkCount, 0)
  })

  it('does not silence whoever listens by then', () => {
    const view = createView()
    const dispose = instrumentPool(view, () => () => undefined)
    const listener = (): void => undefined
    view.stats.reader.waitMs.onRecord = listener
    dispose()
    assert.equal(view.stats.reader.waitMs.onRecord, listener)
  })
})
