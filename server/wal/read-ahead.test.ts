import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { tempDatabase } from '../testing/temp-db.ts'
import { ReadAhead, readThrough, type ByteRange } from './read-ahead.ts'
import { bytesInMemory, putOutOfMemory, whyNoPageCache } from './testing/page-cache.ts'
import { WALRig, fastClock } from './testing/rig.ts'

const MEBIBYTE = 1024 * 1024
const FRAME_BYTES = 4120
const HEADER_BYTES = 32
/** Many more than it takes. */
const MOST_LOOKS = 1000

/** Frames that fill about so many MiB. */
const framesOf = (mebibytes: number): number => Math.floor((mebibytes * MEBIBYTE) / FRAME_BYTES)
const headOf = (frames: number): number => HEADER_BYTES + frames * FRAME_BYTES

/** A log of 64 MiB, of which one frame was written ten seconds ago; tells what is read. */
function follower(): {
  readonly ahead: ReadAhead
  readonly reads: ByteRange[]
  readonly look: (frames: number, nowMs: number) => Promise<void>
} {
  const reads: ByteRange[] = []
  const ahead = new ReadAhead('/database.sqlite', async (_, range) => void reads.push(range))
  const look = (frames: number, nowMs: number): Promise<void> =>
    ahead.follow({ frames, pageSizeBytes: 4096, sizeBytes: 64 * MEBIBYTE }, nowMs)
  return { ahead, reads, look }
}

describe('ReadAhead', () => {
  it('reads 1 MiB ahead of a writer that is slow', async () => {
    const { reads, look } = follower()
    await look(1, 10_000)
    assert.deepEqual(reads, [{ from: headOf(1), to: headOf(1) + MEBIBYTE }])
  })

  it('reads two seconds ahead of one that is fast, and 32 MiB at most', async () => {
    for (const [mebibytesASecond, aheadBytes] of [
      [6, 12 * MEBIBYTE],
      [60, 32 * MEBIBYTE],
    ] as const) {
      const { reads, look } = follower()
      await look(0, 10_000)
      const frames = framesOf(mebibytesASecond / 4)
      await look(frames, 10_250)
      const last = reads.at(-1)!
      assert.ok(Math.abs(last.to - headOf(frames) - aheadBytes) < 8 * FRAME_BYTES)
    }
  })

  it('goes on from what it has read, when less than half of it is left', async () => {
    const { reads, look } = follower()
    const slowly = [0, 0.2, 0.4, 0.6].map(framesOf)
    for (const [index, frames] of slowly.entries()) await look(frames, 10_000 + index * 1000)
    assert.deepEqual(reads, [
      { from: headOf(0), to: headOf(0) + MEBIBYTE },
      { from: headOf(0) + MEBIBYTE, to: headOf(slowly[3]!) + MEBIBYTE },
    ])
  })

  it('reads again what it has read long ago', async () => {
    const { reads, look } = follower()
    await look(0, 10_000)
    await look(0, 14_999)
    assert.equal(reads.length, 1)
    await look(0, 15_000)
    assert.deepEqual(reads[1], reads[0])
  })

  it('reads nothing when the writer is at the end of the file', async () => {
    const { ahead, reads } = follower()
    const sizeBytes = headOf(100)
    await ahead.follow({ frames: 100, pageSizeBytes: 4096, sizeBytes }, 10_000)
    assert.deepEqual(reads, [])
  })

  it('reads nothing where the log or its file is not known', async () => {
    const { ahead, reads } = follower()
    await ahead.follow({ frames: null, pageSizeBytes: 4096, sizeBytes: MEBIBYTE }, 10_000)
    await ahead.follow({ frames: 1, pageSizeBytes: 4096, sizeBytes: null }, 10_000)
    await ahead.rewind({ sizeBytes: null }, 10_000)
    assert.deepEqual(reads, [])
  })

  it('reads the beginning before the log starts over, and what comes next when it has', async () => {
    const { ahead, reads, look } = follower()
    await look(framesOf(60), 10_000)
    await look(framesOf(63), 10_250)
    await ahead.rewind({ sizeBytes: 64 * MEBIBYTE }, 10_300)
    const beginning = reads.at(-1)!
    assert.equal(beginning.from, 0)
    assert.ok(Math.abs(beginning.to - 24 * MEBIBYTE) < 8 * FRAME_BYTES)
    await look(framesOf(15), 11_500)
    const next = reads.at(-1)!
    assert.equal(next.from, beginning.to)
    assert.ok(next.to > headOf(framesOf(15)) + 23 * MEBIBYTE)
  })

  it('reads one part at a time: a look leaves it out, the beginning waits for its turn', async () => {
    const reads: (ByteRange & { readonly finish: () => void })[] = []
    const ahead = new ReadAhead('/database.sqlite', (_, range) => {
      return new Promise<void>((resolve) => reads.push({ ...range, finish: resolve }))
    })
    const extent = { frames: 100, pageSizeBytes: 4096, sizeBytes: 64 * MEBIBYTE }
    const look = ahead.follow(extent, 10_000)
    await ahead.follow({ ...extent, frames: 5000 }, 10_250)
    const beginning = ahead.rewind(extent, 10_300)
    assert.deepEqual(
      reads.map(({ from }) => from),
      [headOf(100)],
    )
    reads[0]!.finish()
    await look
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(
      reads.map(({ from }) => from),
      [headOf(100), 0],
    )
    reads[1]!.finish()
    await beginning
  })

  it('takes a log that cannot be read for one that the writer reads', async (t) => {
    await new ReadAhead(tempDatabase(t)).rewind({ sizeBytes: MEBIBYTE }, 10_000)
  })
})

describe('what is read ahead', { skip: whyNoPageCache() }, () => {
  it('is in memory, and nothing else of the file', async (t) => {
    const path = tempDatabase(t)
    writeFileSync(path, Buffer.alloc(64 * MEBIBYTE, 1))
    putOutOfMemory(path)
    assert.equal(bytesInMemory(path), 0)
    await readThrough(path, { from: MEBIBYTE, to: 3 * MEBIBYTE })
    const bytes = bytesInMemory(path)
    assert.ok(bytes >= 2 * MEBIBYTE && bytes < 32 * MEBIBYTE, `${bytes} bytes are in memory`)
  })

  it('ends with a file that is shorter than was thought', async (t) => {
    const path = tempDatabase(t)
    writeFileSync(path, Buffer.alloc(1000, 1))
    await readThrough(path, { from: 0, to: MEBIBYTE })
  })

  const isAhead = ({ path }: WALRig): boolean => bytesInMemory(`${path}-wal`) > MEBIBYTE / 2

  const lookUntilAhead = async (rig: WALRig): Promise<void> => {
    for (let i = 0; i < MOST_LOOKS && !isAhead(rig); i += 1) await rig.manager.getWALInfo()
    assert.ok(isAhead(rig))
  }

  it('is the beginning of a log that is made to start over', async (t) => {
    const rig = new WALRig(t, { wal: { checkpointer: 'sqlite' } })
    await rig.manager.start()
    rig.commit(2000)
    await rig.manager.checkpoint('PASSIVE')
    putOutOfMemory(`${rig.path}-wal`)
    await rig.manager.checkpoint('PASSIVE')
    assert.ok(!isAhead(rig))
    await rig.manager.checkpoint('RESTART')
    await lookUntilAhead(rig)
  })

  it('is what the writer will overwrite next, when the pool checkpoints', async (t) => {
    const wal = { probeIntervalMs: 250, shrinkBytes: 1024 * MEBIBYTE }
    const rig = new WALRig(t, { wal, clock: fastClock(50) })
    await rig.manager.start()
    rig.commit(2000)
    await rig.manager.checkpoint('RESTART')
    putOutOfMemory(`${rig.path}-wal`)
    assert.equal(bytesInMemory(`${rig.path}-wal`), 0)
    rig.commit(1)
    await lookUntilAhead(rig)
  })
})
