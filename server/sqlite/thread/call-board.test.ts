import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { NO_SLOT } from '../interrupt/extension.ts'
import { CallBoard, nextIds, WINDOW } from './call-board.ts'

function boards(slot = 5): { caller: CallBoard; thread: CallBoard } {
  const caller = new CallBoard()
  const thread = new CallBoard(caller.memory)
  thread.slot = slot
  return { caller, thread }
}

describe('CallBoard', () => {
  it('tells the thread which calls are cancelled, each of a full window', () => {
    const { caller, thread } = boards()
    const ids = Array.from({ length: WINDOW }, (_, i) => 1000 + i)
    for (const id of ids) caller.cancel(id)
    assert.ok(ids.every((id) => thread.isCancelled(id)))
    assert.ok(!thread.isCancelled(999) && !thread.isCancelled(1000 + WINDOW))
    caller.forget(1001)
    assert.ok(!thread.isCancelled(1001) && thread.isCancelled(1002))
  })

  it('does not forget a later call in the same place', () => {
    const { caller, thread } = boards()
    caller.cancel(7 + WINDOW)
    caller.forget(7)
    assert.ok(thread.isCancelled(7 + WINDOW))
  })

  //  thread      caller           interrupted   end() tells
  const cases: {
    name: string
    begun: number | null
    slot?: number
    victim: number
    isHit: boolean
  }[] = [
    { name: 'the call that runs', begun: 3, victim: 3, isHit: true },
    { name: 'a call before it', begun: 3, victim: 2, isHit: false },
    { name: 'a call after it', begun: 3, victim: 4, isHit: false },
    { name: 'anything while nothing runs', begun: null, victim: 3, isHit: false },
    { name: 'a connection without a slot', begun: 3, slot: NO_SLOT, victim: 3, isHit: false },
  ]
  for (const { name, begun, slot, victim, isHit } of cases) {
    it(`${isHit ? 'interrupts' : 'does not interrupt'} ${name}`, () => {
      const { caller, thread } = boards(slot)
      if (begun !== null) thread.begin(begun)
      const hits: number[] = []
      assert.equal(
        caller.interrupt(victim, (hit) => void hits.push(hit)),
        isHit,
      )
      assert.deepEqual(hits, isHit ? [5] : [])
      if (begun !== null) assert.equal(thread.end(begun), isHit)
      assert.equal(
        caller.interrupt(victim, () => assert.fail('it has ended')),
        false,
      )
    })
  }

  it('interrupts a call again that goes on', () => {
    const { caller, thread } = boards()
    thread.begin(3)
    assert.ok(caller.interrupt(3, () => {}))
    assert.ok(caller.interrupt(3, () => {}))
    assert.equal(thread.end(3), true)
    thread.begin(4)
    assert.equal(thread.end(4), false)
  })

  it('lets go of the call when the interrupt throws', () => {
    const { caller, thread } = boards()
    thread.begin(3)
    assert.throws(() => caller.interrupt(3, () => assert.fail('broken')), /broken/)
    thread.end(3)
  })

  it('does not let a call end while it is being interrupted', async (t) => {
    const { caller, thread } = boards()
    // cells: 0 = it is ending, 1 = it has ended
    const signals = new Int32Array(new SharedArrayBuffer(8))
    thread.begin(3)
    const worker = new Worker(
      `const { workerData } = require('node:worker_threads')
       import(workerData.module).then(({ CallBoard }) => {
         Atomics.store(workerData.signals, 0, 1)
         Atomics.notify(workerData.signals, 0)
         new CallBoard(workerData.memory).end(3)
         Atomics.store(workerData.signals, 1, 1)
       })`,
      {
        eval: true,
        execArgv: [],
        workerData: {
          module: new URL('./call-board.ts', import.meta.url).href,
          memory: caller.memory,
          signals,
        },
      },
    )
    t.after(() => worker.terminate())
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    await new Promise((resolve) => worker.once('online', resolve))
    caller.interrupt(3, () => {
      Atomics.wait(signals, 0, 0)
      // Many times what it takes to end a call that nobody holds.
      for (let i = 0; i < 1_000_000; i += 1) assert.equal(Atomics.load(signals, 1), 0)
    })
    await ended
    assert.equal(Atomics.load(signals, 1), 1)
  })
})

describe('nextIds', () => {
  it('counts on, and starts anew at the same place of the window', () => {
    assert.equal(nextIds(0, 1), 1)
    assert.equal(nextIds(41, 5), 42)
    let last = 0x7fff_fe80
    const places: number[] = []
    for (let i = 0; i < 10; i += 1) {
      const first = nextIds(last, 100)
      last = first + 99
      assert.ok(first > 0 && last <= 0x7fff_ffff)
      for (let id = first; id <= last; id += 1) places.push(id % WINDOW)
    }
    for (const [i, place] of places.slice(1).entries()) {
      assert.equal(place, (places[i]! + 1) % WINDOW)
    }
  })
})
