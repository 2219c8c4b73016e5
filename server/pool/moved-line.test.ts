import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ask, codeOf, waitingLabels } from '../testing/asked.ts'
import { held } from '../testing/one-reader.ts'
import type { RigOptions } from '../testing/pool-rig.ts'
import type { Watched } from '../testing/watched.ts'
import type { CallOptions } from './acquire-request.ts'
import type { Lease } from './lease.ts'

const PATIENT: RigOptions = { acquireTimeoutMs: 60_000 }

describe('the line of a pool whose readers are taken away', () => {
  //  ms        0          10         20         30
  //            W holds the writer
  //            V writes … A reads …  B reads …  resize(1): V, A, B wait for the writer, until their own deadlines
  it('goes on in the line of the writer, in the order of coming', async () => {
    const { rig } = await held(PATIENT)
    const writer = await rig.pool.acquire({ mode: 'write' })
    const asked = new Map<string | null, Watched<Lease>>()
    const later = async (label: string, options: CallOptions): Promise<void> => {
      await rig.advance(10)
      asked.set(label, ask(rig, { ...options, label }))
    }
    await later('a', {})
    await later('v', { mode: 'write' })
    await later('b', {})
    rig.pool.resize(1)
    await rig.settle()
    assert.deepEqual([rig.stats.reader.waiting, rig.stats.writer.waiting], [0, 3])
    assert.deepEqual(waitingLabels(rig), ['a', 'v', 'b'])
    await writer.release()
    for (const label of ['a', 'v', 'b']) {
      await rig.settle()
      assert.equal(asked.get(label)!.value.role, 'writer')
      await asked.get(label)!.value.release()
    }
    assert.equal(rig.clock.vitalTimerCount, 0)
  })

  // Both come in the turn of the resize, or one before it: no deadline may be lost over it.
  for (const isReaderEarlier of [true, false]) {
    it(`keeps every deadline: the reader came ${isReaderEarlier ? 'a turn' : 'just'} before`, async () => {
      const { rig } = await held(PATIENT)
      await rig.pool.acquire({ mode: 'write' })
      const reading = ask(rig, { timeoutMs: 300 })
      if (isReaderEarlier) await rig.advance(50)
      const writing = ask(rig, { mode: 'write', timeoutMs: 100 })
      rig.pool.resize(1)
      await rig.advance(100)
      assert.equal(codeOf(writing), 'POOL_ACQUIRE_TIMEOUT')
      assert.equal(reading.state, 'pending')
      await rig.advance(300)
      assert.equal(codeOf(reading), 'POOL_ACQUIRE_TIMEOUT')
      assert.equal(rig.stats.writer.failed.timeout, 2)
      assert.equal(rig.clock.vitalTimerCount, 0)
    })
  }

  it('keeps every signal, and listens once to each', async (t) => {
    const { rig } = await held(PATIENT)
    const writer = await rig.pool.acquire({ mode: 'write' })
    const controller = new AbortController()
    const { signal } = controller
    const add = t.mock.method(signal, 'addEventListener')
    const remove = t.mock.method(signal, 'removeEventListener')
    const [aborted, other] = [ask(rig, { signal }), ask(rig)]
    rig.pool.resize(1)
    assert.equal(add.mock.callCount() - remove.mock.callCount(), 1)
    controller.abort()
    await rig.settle()
    assert.equal(aborted.error, signal.reason)
    assert.equal(add.mock.callCount() - remove.mock.callCount(), 0)
    assert.equal(rig.stats.writer.failed.aborted, 1)
    await writer.release()
    await rig.settle()
    assert.equal(other.state, 'fulfilled')
  })

  it('keeps every priority, also towards those who come later', async () => {
    const { rig } = await held(PATIENT)
    const writer = await rig.pool.acquire({ mode: 'write' })
    const low = ask(rig, { label: 'low', priority: -10 })
    rig.pool.resize(1)
    await rig.advance(10)
    const plain = ask(rig, { label: 'plain' })
    await writer.release()
    await rig.settle()
    assert.deepEqual([plain.state, low.state], ['fulfilled', 'pending'])
  })

  it('keeps every priority, also towards those who come in the turn of the release', async () => {
    const { rig } = await held(PATIENT)
    const writer = await rig.pool.acquire({ mode: 'write' })
    await rig.advance(30_000)
    const controller = new AbortController()
    ask(rig, { mode: 'write', signal: controller.signal })
    const urgent = ask(rig, { label: 'urgent', priority: 1 })
    rig.pool.resize(1)
    controller.abort()
    const plain = ask(rig, { label: 'plain' })
    void writer.release()
    await rig.settle()
    assert.deepEqual([urgent.state, plain.state], ['fulfilled', 'pending'])
  })

  it('is served at once when the writer idles', async () => {
    const { rig } = await held(PATIENT)
    const waiter = ask(rig)
    rig.pool.resize(1)
    await rig.settle()
    assert.equal(waiter.value.role, 'writer')
  })

  it('is not called back when the readers come back; those who come then get them', async () => {
    const { rig, holder } = await held(PATIENT)
    const writer = await rig.pool.acquire({ mode: 'write' })
    const moved = ask(rig)
    rig.pool.resize(1)
    await holder.release()
    await rig.settle()
    assert.equal(rig.stats.reader.size, 0)
    rig.pool.resize(3)
    const newcomer = ask(rig)
    await rig.settle()
    assert.deepEqual([moved.state, newcomer.value.role], ['pending', 'reader'])
    await writer.release()
    await rig.settle()
    assert.equal(moved.value.role, 'writer')
  })
})
