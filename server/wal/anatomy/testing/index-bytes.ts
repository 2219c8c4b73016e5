import { endianness } from 'node:os'

export interface IndexFields {
  readonly frames?: number
  readonly codedPageSize?: number
  readonly version?: number
  readonly isInitialised?: boolean
  readonly readMarks?: readonly number[]
}

/** The start of a wal-index as SQLite would write it on this machine, with a valid checksum in both copies. */
export function indexBytes(fields: IndexFields = {}): Buffer {
  const { frames = 7, codedPageSize = 4096, version = 3_007_000, isInitialised = true } = fields
  const { readMarks = [0, 3, 7, 0xffff_ffff, 0xffff_ffff] } = fields
  const bytes = Buffer.alloc(136)
  const isLittle = endianness() === 'LE'
  const view = new DataView(bytes.buffer, bytes.byteOffset, 136)
  const put = (offset: number, value: number): void => view.setUint32(offset, value, isLittle)
  put(0, version)
  put(8, 12)
  bytes[12] = isInitialised ? 1 : 0
  view.setUint16(14, codedPageSize, isLittle)
  put(16, frames)
  put(20, 5)
  view.setUint32(32, 0x0102_0304)
  view.setUint32(36, 0xf1f2_f3f4)
  seal(bytes)
  put(96, 2)
  for (const [slot, mark] of readMarks.entries()) put(100 + slot * 4, mark)
  put(128, 4)
  return bytes
}

/** Makes the checksum right, and the second copy the same as the first. */
function seal(bytes: Buffer): void {
  const words = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 48))
  const sums = new Uint32Array(2)
  for (let i = 0; i < 10; i += 2) {
    sums[0]! += words[i]! + sums[1]!
    sums[1]! += words[i + 1]! + sums[0]!
  }
  words.set(sums, 10)
  bytes.set(new Uint8Array(words.buffer), 0)
  bytes.copy(bytes, 48, 0, 48)
}
