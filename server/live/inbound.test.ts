import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseInbound } from './inbound.ts'
import { TokenBucket } from './token-bucket.ts'

describe('parseInbound', () => {
  const cases: readonly (readonly [text: string, type: string])[] = [
    ['["ack",12]', 'ack'],
    ['["ack",0,"more"]', 'ack'],
    ['["rate",1]', 'unknown'],
    ['["ack"]', 'broken'],
    ['["ack",-1]', 'broken'],
    ['["ack",1.5]', 'broken'],
    ['["ack","1"]', 'broken'],
    ['["ack",1e300]', 'broken'],
    ['{"ack":1}', 'broken'],
    ['[]', 'broken'],
    ['null', 'broken'],
    ['["ack",1', 'broken'],
    ['', 'broken'],
  ]
  for (const [text, type] of cases) {
    it(`takes ${text === '' ? 'nothing' : text} for ${type}`, () => {
      assert.equal(parseInbound(Buffer.from(text), false).type, type)
    })
  }

  it('takes no binary message, whatever it says', () => {
    assert.equal(parseInbound(Buffer.from('["ack",1]'), true).type, 'broken')
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          const { type } = parseInbound(Buffer.from(bytes), false)
          assert.ok(['ack', 'unknown', 'broken'].includes(type))
        },
      ),
    )
  })
})

describe('TokenBucket', () => {
  it('lets a burst through, and then so many a second', () => {
    const bucket = new TokenBucket({ perSecond: 20, burst: 40 }, 0)
    const takeAll = (monoMs: number): number => {
      let count = 0
      while (bucket.take(monoMs)) count += 1
      return count
    }
    assert.deepEqual([takeAll(0), takeAll(0), takeAll(500), takeAll(60_000)], [40, 0, 10, 40])
  })
})
