import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { plainRequest } from '../testing/bare-pool.ts'
import { UNSTAMPED } from './slot.ts'
import { Waiter, WaiterQueue } from './waiter-queue.ts'

function waiter(
  label: string,
  { startedMs = 0, priority = 0 }: { startedMs?: number; priority?: number } = {},
): Waiter {
  const request = plainRequest({ label, priority, timeoutMs: 1 })
  const settle = (): void => undefined
  return new Waiter(request, { startedMs, queueDepth: 0, scope: undefined }, settle, settle)
}

const labels = (queue: WaiterQueue): (string | null)[] =>
  [...queue].map(({ request }) => request.label)

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
      const all = ['a', 'b', 'c'].map((label) => waiter(label))
      for (const one of all) queue.push(one)
      assert.equal(queue.remove(all[index]!), true)
      assert.equal(queue.remove(all[index]!), false)
      assert.deepEqual(labels(queue), rest)
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
          assert.equal(queue.size, model.length)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('leaves no trace of those who came and went, however many, nor of gaps between those who stay', () => {
    const queue = new WaiterQueue()
    const all = Array.from({ length: 5000 }, (_, n) => waiter(String(n)))
    for (const one of all) queue.push(one)
    // Out of the middle: more are gone than are there.
    for (const [n, one] of all.entries()) if (n % 4 !== 0) assert.equal(queue.remove(one), true)
    const rest = all.filter((_, n) => n % 4 === 0)
    assert.equal(queue.size, rest.length)
    assert.deepEqual([...queue], rest)
    // From the front.
    for (const one of rest.slice(0, 1200)) {
      assert.equal(queue.head, one)
      queue.remove(one)
    }
    queue.push(waiter('new'))
    assert.deepEqual(labels(queue), [
      ...rest.slice(1200).map(({ request }) => request.label),
      'new',
    ])
    for (const one of queue) assert.equal(queue.remove(one), true)
    assert.deepEqual([queue.size, queue.head], [0, null])
  })

  //  came at   0      0       500    1,000     1,001
  //  priority  0     −1       1      1         2
  //  rank      0     1,000    −500   0         −999
  it('puts in front whoever came first when each step of priority counts as a second', () => {
    const queue = new WaiterQueue()
    const comers = [
      ['plain', 0, 0],
      ['low', 0, -1],
      ['higher', 500, 1],
      ['a second later', 1000, 1],
      ['highest', 1001, 2],
    ] as const
    const all = comers.map(([label, startedMs, priority]) => waiter(label, { startedMs, priority }))
    for (const one of all) queue.push(one)
    const served: (string | null)[] = []
    assert.deepEqual(labels(queue), ['highest', 'higher', 'plain', 'a second later', 'low'])
    for (let { head } = queue; head !== null; { head } = queue) {
      served.push(head.request.label)
      queue.remove(head)
    }
    assert.deepEqual(served, ['highest', 'higher', 'plain', 'a second later', 'low'])
  })

  it('keeps the order of those without a moment, also when there were priorities once', () => {
    const queue = new WaiterQueue()
    const urgent = waiter('urgent', { priority: 3 })
    queue.push(urgent)
    queue.remove(urgent)
    queue.push(waiter('known', { startedMs: 10 }))
    queue.push(waiter('unknown', { startedMs: UNSTAMPED }))
    assert.deepEqual(labels(queue), ['known', 'unknown'])
  })

  it('gives a moment to those who came last without one, and to nobody twice', () => {
    const queue = new WaiterQueue()
    const known = waiter('known', { startedMs: 5 })
    const unknown = ['a', 'b', 'c'].map((label) => waiter(label, { startedMs: UNSTAMPED }))
    for (const one of [known, ...unknown]) queue.push(one)
    queue.remove(unknown[1]!)
    const stamped: (string | null)[] = []
    const note = ({ request }: Waiter): void => void stamped.push(request.label)
    queue.stamp(70, note)
    queue.stamp(90, note)
    assert.deepEqual(new Set(stamped), new Set(['a', 'c']))
    assert.equal(stamped.length, 2)
    assert.deepEqual(
      [known, ...unknown].map(({ startedMs }) => startedMs),
      [5, 70, UNSTAMPED, 70],
    )
  })
})

describe('Waiter', () => {
  it('without a moment has waited for nothing', () => {
    assert.equal(waiter('a', { startedMs: UNSTAMPED }).waitedMs(500), 0)
    assert.equal(waiter('a', { startedMs: 200 }).waitedMs(500), 300)
  })

  it('has a deadline that its priority does not move', () => {
    assert.equal(waiter('a', { startedMs: 200, priority: 10 }).deadlineMs, 201)
  })
})
