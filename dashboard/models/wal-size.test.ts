import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WalView } from '../../telemetry/protocol.ts'
import { calmWal } from './testing/calm-wal.ts'
import { framesToBytes, walParts } from './wal-size.ts'

const wal: WalView = {
  ...calmWal,
  pageSizeBytes: 8192,
  frames: 1580,
  backfilledFrames: 1002,
  checkpointFrames: 1000,
}

describe('framesToBytes', () => {
  it('counts the headers, and pages of the usual size while nobody knows better', () => {
    assert.equal(framesToBytes(0, wal), 0)
    assert.equal(framesToBytes(10, wal), 32 + 10 * (8192 + 24))
    assert.equal(framesToBytes(10, null), 32 + 10 * (4096 + 24))
  })
})

describe('walParts', () => {
  const cases: readonly (readonly [
    name: string,
    change: Partial<WalView>,
    parts: number[] | null,
  ])[] = [
    ['copied, pending and left', {}, [1002, 578, 422, 2002]],
    ['nothing left when the checkpoint is due', { frames: 3002 }, [1002, 2000, 0, 3002]],
    ['an empty log', { frames: 0, backfilledFrames: 0 }, [0, 0, 1000, 1000]],
    ['a log that SQLite could not be asked about', { frames: null }, null],
  ]
  for (const [name, change, expected] of cases) {
    it(`tells ${name}`, () => {
      const parts = walParts({ ...wal, ...change })
      assert.deepEqual(
        parts && [parts.backfilledFrames, parts.pendingFrames, parts.freeFrames, parts.totalFrames],
        expected,
      )
    })
  }
})
