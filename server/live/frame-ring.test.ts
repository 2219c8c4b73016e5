import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { FrameRing } from './frame-ring.ts'

describe('FrameRing', () => {
  it('numbers frames from 1 and keeps each as one text', () => {
    const ring = new FrameRing()
    assert.equal(ring.latestSeq, 0)
    ring.push('tick', '1000,[1,null]')
    ring.push('state', '{"a":1}')
    assert.equal(ring.get(1)?.toString(), '["tick",1,1000,[1,null]]')
    assert.equal(ring.get(2)?.toString(), '["state",2,{"a":1}]')
    assert.deepEqual([ring.get(0), ring.get(3)], [undefined, undefined])
  })

  it('agrees with a list that is cut to its limits', () => {
    const pushes = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 })
    fc.assert(
      fc.property(pushes, fc.integer({ min: 1, max: 12 }), (sizes, frames) => {
        const bytes = 400
        const ring = new FrameRing({ frames, bytes })
        let kept: { seq: number; size: number }[] = []
        for (const [i, size] of sizes.entries()) {
          const rest = 'x'.repeat(size)
          ring.push('t', rest)
          kept.push({ seq: i + 1, size: `["t",${i + 1},${rest}]`.length })
          kept = kept.slice(-frames)
          while (kept.length > 1 && total(kept) > bytes) kept.shift()
        }
        assert.equal(ring.byteCount, total(kept))
        for (let seq = 0; seq <= sizes.length + 1; seq += 1) {
          const frame = kept.find((known) => known.seq === seq)
          assert.equal(ring.get(seq)?.length, frame?.size)
          const isReplayable = seq <= sizes.length && seq + 1 >= (kept[0]?.seq ?? sizes.length + 1)
          const after = kept.filter((known) => known.seq > seq)
          assert.equal(ring.bytesAfter(seq), isReplayable ? total(after) : null, `after ${seq}`)
        }
      }),
    )
  })
})

const total = (frames: readonly { readonly size: number }[]): number =>
  frames.reduce((sum, { size }) => sum + size, 0)
