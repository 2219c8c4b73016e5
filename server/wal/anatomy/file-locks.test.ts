import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { covers, parseFileLocks } from './file-locks.ts'
import type { FileLock } from './file-locks.ts'

const text = `1: POSIX  ADVISORY  WRITE 22418 fe:00:2359854 120 120
2: POSIX  ADVISORY  READ  71 fe:00:2359854 124 125
2: -> POSIX  ADVISORY  WRITE 99 fe:00:2359854 124 124
3: FLOCK  ADVISORY  WRITE 22418 fe:00:2359854 0 EOF
4: POSIX  ADVISORY  READ  0 fe:00:2359854 126 126
5: OFDLCK ADVISORY  READ  -1 fe:00:2359854 127 EOF
6: POSIX  ADVISORY  READ  71 fe:00:12359854 128 128
7: LEASE  ACTIVE    READ  71 fe:00:2359854 0 EOF
8: POSIX  MANDATORY READ  5 103:0a:2359855 1073741826 1073742335
`

const inWords = (locks: readonly FileLock[]): string[] =>
  locks.map(
    ({ firstByte, lastByte, pid, isExclusive }) =>
      `${pid} ${isExclusive ? 'alone' : 'shared'} ${firstByte}-${lastByte}`,
  )

describe('parseFileLocks', () => {
  it('takes the locks on one inode that are held, whoever holds them', () => {
    assert.deepEqual(inWords(parseFileLocks(text, 2_359_854n)), [
      '22418 alone 120-120',
      '71 shared 124-125',
      'null shared 126-126',
      'null shared 127-Infinity',
    ])
  })

  it('knows devices with longer names', () => {
    assert.deepEqual(inWords(parseFileLocks(text, 2_359_855n)), ['5 shared 1073741826-1073742335'])
  })

  it('finds nothing where there is nothing', () => {
    assert.deepEqual(parseFileLocks(text, 1n), [])
    assert.deepEqual(parseFileLocks('', 1n), [])
  })

  it('keeps inodes apart that a number would take for the same', () => {
    const inode = 2n ** 53n
    const row = `1: POSIX  ADVISORY  READ 7 00:1f:${inode + 1n} 128 128`
    assert.deepEqual(parseFileLocks(row, inode), [])
    assert.equal(parseFileLocks(row, inode + 1n).length, 1)
  })

  describe('with one inode on two devices', () => {
    const two = `1: POSIX  ADVISORY  READ 7 00:1f:50 128 128
2: POSIX  ADVISORY  READ 8 00:2a:50 128 128
3: POSIX  ADVISORY  READ 9 00:1f:50 124 124
4: POSIX  ADVISORY  READ 7 00:2a:50 124 124`

    it('takes the one on which we hold the byte that every connection holds', () => {
      const locks = parseFileLocks(two, 50n, { ownPid: 8, device: '00:1f' })
      assert.deepEqual(inWords(locks), ['8 shared 128-128', '7 shared 124-124'])
    })

    it('takes the one that stat names when we hold none', () => {
      const locks = parseFileLocks(two, 50n, { ownPid: 1, device: '00:1f' })
      assert.deepEqual(inWords(locks), ['7 shared 128-128', '9 shared 124-124'])
    })

    it('takes neither when it cannot tell', () => {
      assert.deepEqual(parseFileLocks(two, 50n, { ownPid: 1, device: 'fe:00' }), [])
    })
  })
})

describe('a range of locked bytes', () => {
  const range = { firstByte: 124, lastByte: 126, pid: 1, isExclusive: false }
  it('covers its first and its last byte, and none beside it', () => {
    const covered = [123, 124, 125, 126, 127].map((byte) => covers(range, byte))
    assert.deepEqual(covered, [false, true, true, true, false])
  })

  it('covers every byte from its first when it has no end', () => {
    assert.ok(covers({ ...range, lastByte: Number.POSITIVE_INFINITY }, 1e12))
  })
})
