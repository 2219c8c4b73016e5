import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { indexBytes } from './testing/index-bytes.ts'
import { parseWALIndex } from './wal-index.ts'

describe('parseWALIndex', () => {
  it('says what SQLite shares', () => {
    assert.deepEqual(parseWALIndex(indexBytes()), {
      frames: 7,
      pages: 5,
      pageSizeBytes: 4096,
      backfilledFrames: 2,
      backfillAttemptedFrames: 4,
      salts: [0x0102_0304, 0xf1f2_f3f4],
      changeCounter: 12,
      readMarks: [0, 3, 7, null, null],
    })
  })

  const sizes: [coded: number, bytes: number][] = [
    [512, 512],
    [4096, 4096],
    [32_768, 32_768],
    [1, 65_536],
  ]
  for (const [coded, bytes] of sizes) {
    it(`knows pages of ${bytes} bytes`, () => {
      const index = parseWALIndex(indexBytes({ codedPageSize: coded }))
      assert.equal(index?.pageSizeBytes, bytes)
    })
  }

  it('reads numbers above 2³¹', () => {
    const readMarks = [0, 0xffff_fffe, 0xffff_ffff, 0x8000_0000, 0]
    const index = parseWALIndex(indexBytes({ frames: 0xf000_0000, readMarks }))
    assert.equal(index?.frames, 0xf000_0000)
    assert.deepEqual(index?.readMarks, [0, 0xffff_fffe, null, 0x8000_0000, 0])
  })

  it('reads bytes that lie anywhere in a larger buffer', () => {
    const large = Buffer.concat([Buffer.alloc(3), indexBytes(), Buffer.alloc(100)])
    assert.equal(parseWALIndex(large.subarray(3))?.frames, 7)
  })

  const torn = (offset: number): Buffer => {
    const bytes = indexBytes()
    bytes[offset]! ^= 1
    return bytes
  }
  const bothTorn = (offset: number): Buffer => {
    const bytes = torn(offset)
    bytes[offset + 48]! ^= 1
    return bytes
  }
  const refused: [name: string, bytes: Buffer][] = [
    ['another version', indexBytes({ version: 3_007_001 })],
    ['not set up yet', indexBytes({ isInitialised: false })],
    ['only zeros', Buffer.alloc(136)],
    ['too few bytes', indexBytes().subarray(0, 135)],
    ['the first copy is newer than the second', torn(16)],
    ['the second copy is newer than the first', torn(16 + 48)],
    ['both copies are alike and the first half of the checksum is wrong', bothTorn(40)],
    ['both copies are alike and the second half of the checksum is wrong', bothTorn(44)],
    ['both copies are alike and are not what was summed', bothTorn(20)],
  ]
  for (const [name, bytes] of refused) {
    it(`does not trust it: ${name}`, () => assert.equal(parseWALIndex(bytes), null))
  }
})
