/** https://sqlite.org/fileformat2.html#walformat: all numbers big-endian. */
const LOG_HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24

export interface Frame {
  /** Where it begins in the file. */
  readonly offset: number
  readonly sizeBytes: number
  /** Of the database, the first is 1. */
  readonly pageNumber: number
  /** The last one of a transaction. */
  readonly isCommit: boolean
  /** Of the log that counts, and not left behind by one before. */
  readonly isCurrent: boolean
}

export interface LogFile {
  readonly bytes: Buffer
  readonly pageSizeBytes: number
  readonly frames: readonly Frame[]
}

/** Reads a log of which every frame is in order. Which frames count is told by the salts alone. */
export function parseLog(bytes: Buffer): LogFile {
  const pageSizeBytes = bytes.readUInt32BE(8)
  const salts = bytes.subarray(16, 24)
  const sizeBytes = FRAME_HEADER_BYTES + pageSizeBytes
  const frames: Frame[] = []
  let isCurrent = true
  for (let offset = LOG_HEADER_BYTES; offset + sizeBytes <= bytes.length; offset += sizeBytes) {
    isCurrent &&= bytes.subarray(offset + 8, offset + 16).equals(salts)
    frames.push({
      offset,
      sizeBytes,
      pageNumber: bytes.readUInt32BE(offset),
      isCommit: bytes.readUInt32BE(offset + 4) !== 0,
      isCurrent,
    })
  }
  return { bytes, pageSizeBytes, frames }
}

/** How many commits of the log are whole in a damaged copy: those before the first byte that differs. */
export function wholeCommits({ bytes, frames }: LogFile, copy: Buffer): number {
  const isSame = (from: number, sizeBytes: number): boolean =>
    bytes.subarray(from, from + sizeBytes).equals(copy.subarray(from, from + sizeBytes))
  if (!isSame(0, LOG_HEADER_BYTES)) return 0
  const firstBad = frames.findIndex(
    ({ isCurrent, offset, sizeBytes }) => !isCurrent || !isSame(offset, sizeBytes),
  )
  return frames.slice(0, firstBad === -1 ? undefined : firstBad).filter(({ isCommit }) => isCommit)
    .length
}
