import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServerFrame } from '../../telemetry/protocol.ts'
import { Sequence } from './sequence.ts'

const frame = (type: string, seq: number): ServerFrame => [type, seq] as unknown as ServerFrame

describe('Sequence', () => {
  const cases: readonly (readonly [
    name: string,
    last: number | null,
    frames: readonly (readonly [type: string, seq: number, expected: string])[],
  ])[] = [
    [
      'follows ticks, states and events',
      5,
      [
        ['tick', 6, 'next'],
        ['state', 7, 'next'],
        ['event', 8, 'next'],
      ],
    ],
    [
      'finds a hole and goes on behind it',
      5,
      [
        ['tick', 8, 'hole'],
        ['tick', 9, 'next'],
      ],
    ],
    [
      'knows what it has seen',
      5,
      [
        ['tick', 5, 'seen'],
        ['tick', 2, 'seen'],
        ['tick', 6, 'next'],
      ],
    ],
    [
      'takes whatever comes first when it knows nothing',
      null,
      [
        ['tick', 70, 'next'],
        ['tick', 71, 'next'],
      ],
    ],
    [
      'lets a ping repeat the latest number',
      5,
      [
        ['ping', 5, 'next'],
        ['tick', 6, 'next'],
      ],
    ],
    [
      'finds by a ping what was skipped',
      5,
      [
        ['ping', 7, 'hole'],
        ['tick', 8, 'next'],
      ],
    ],
    [
      'ignores the number of a hello, which comes before the replay',
      5,
      [
        ['hello', 9, 'next'],
        ['tick', 6, 'next'],
      ],
    ],
  ]
  for (const [name, last, frames] of cases) {
    it(name, () => {
      const sequence = new Sequence()
      sequence.reset(last)
      for (const [type, seq, expected] of frames) {
        assert.equal(sequence.accept(frame(type, seq)), expected, `${type} ${seq}`)
      }
    })
  }
})
