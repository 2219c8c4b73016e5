import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { AcquireRequest } from './acquire-request.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'

function waiter(label: string): Waiter {
  const request: AcquireRequest = {
    label,
    signal: undefined,
    timeoutMs: 1,
    trace: null,
    site: null,
  }
  const settle = (): void => undefined
  return new Waiter({
    request,
    startedMs: 0,
    resolve: settle,
    reject: settle,
    queueDepth: 0,
    holders: [],
  })
}

const labels = (queue: WaiterQueue): (string | null)[] =>
  [...queue].map(({ request }) => request.label)

/** The same by way of the links back: both ways must tell one story. */
function labelsFromTheTail(queue: WaiterQueue): (string | null)[] {
  const found: (string | null)[] = []
  let last = [...queue].at(-1) ?? null
  for (; last !== null; last = last.previous) found.unshift(last.request.label)
  return found
}

describe('WaiterQueue', () => {
  it('keeps the order in which they came', () => {
    const queue = new WaiterQueue()
    for (const label of ['a', 'b', 'c']) queue.push(waiter(label))
    assert.deepEqual(labels(queue), ['a', 'b', 'c'])
    assert.equal(queue.head?.request.label, 'a')
    assert.equal(queue.size, 3)
  })

  const places = [
    { name: 'the first', index: 0, rest: ['b', 'c'] },
    { name: 'one in the middle', index: 1, rest: ['a', 'c'] },
    { name: 'the last', index: 2, rest: ['a', 'b'] },
  ]
  for (const { name, index, rest } of places) {
    it(`takes ${name} out, once`, () => {
      const queue = new WaiterQueue()
      const all = ['a', 'b', 'c'].map(waiter)
      for (const one of all) queue.push(one)
      assert.equal(queue.remove(all[index]!), true)
      assert.equal(queue.remove(all[index]!), false)
      assert.deepEqual(labels(queue), rest)
      assert.deepEqual(labelsFromTheTail(queue), rest)
      assert.equal(queue.size, 2)
    })
  }

  it('is empty after the only one was taken out, and takes others', () => {
    const queue = new WaiterQueue()
    const only = waiter('a')
    queue.push(only)
    queue.remove(only)
    assert.equal(queue.head, null)
    queue.push(waiter('b'))
    assert.deepEqual(labels(queue), ['b'])
  })

  it('lets its reader take out the one it is at', () => {
    const queue = new WaiterQueue()
    for (const label of ['a', 'b', 'c']) queue.push(waiter(label))
    const seen: (string | null)[] = []
    for (const one of queue) {
      seen.push(one.request.label)
      queue.remove(one)
    }
    assert.deepEqual(seen, ['a', 'b', 'c'])
    assert.equal(queue.size, 0)
  })

  it('agrees with an array, whatever is pushed and taken out', () => {
    const steps = fc.array(fc.oneof(fc.constant('push' as const), fc.nat({ max: 20 })), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(steps, (taken) => {
        const queue = new WaiterQueue()
        const model: Waiter[] = []
        for (const [i, step] of taken.entries()) {
          if (step === 'push') {
            const one = waiter(String(i))
            queue.push(one)
            model.push(one)
          } else if (model.length > 0) {
            const [one] = model.splice(step % model.length, 1)
            assert.equal(queue.remove(one!), true)
          }
          const expected = model.map(({ request }) => request.label)
          assert.deepEqual(labels(queue), expected)
          assert.deepEqual(labelsFromTheTail(queue), expected)
          assert.equal(queue.size, model.length)
        }
      }),
      { numRuns: 300 },
    )
  })
})
