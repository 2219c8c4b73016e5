import { endianness } from 'node:os'

/** Bytes at the start of the `-shm` file that say what the log holds. */
export const WAL_INDEX_BYTES = 136

/** The wal-index as SQLite shares it between processes. */
export interface WALIndex {
  /** Committed frames in the log. */
  readonly frames: number
  /** Pages of the database as of the last commit. */
  readonly pages: number
  readonly pageSizeBytes: number
  /** Frames that are copied into the database file. */
  readonly backfilledFrames: number
  /** Frames that a checkpoint has begun to copy; after a crash more than were copied. */
  readonly backfillAttemptedFrames: number
  /** They change each time that the log starts over. The same numbers as in the head of the `-wal` file. */
  readonly salts: readonly [number, number]
  /** Counts commits. */
  readonly changeCounter: number
  /** The newest frame that readers of each of the five slots may see; `null` is unused. It stays when they have gone. */
  readonly readMarks: readonly (number | null)[]
}

const VERSION = 3_007_000
const COPY_BYTES = 48
const CHECKSUMMED_BYTES = 40
const UNUSED_MARK = 0xffff_ffff
const READ_SLOTS = 5

/** The index is in the byte order of whoever shares it, which is this machine. */
const IS_LITTLE_ENDIAN = endianness() === 'LE'

/**
 * Reads the first 136 bytes of a wal-index. `null` when they cannot be trusted: a version we do not know, not set up
 * yet, or a writer was just changing them, so that the two copies differ or the checksum is wrong.
 */
export function parseWALIndex(bytes: Buffer): WALIndex | null {
  if (bytes.length < WAL_INDEX_BYTES) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, WAL_INDEX_BYTES)
  const number = (offset: number): number => view.getUint32(offset, IS_LITTLE_ENDIAN)
  if (number(0) !== VERSION || bytes[12] === 0 || !isWhole(bytes, number)) return null
  const marks = Array.from({ length: READ_SLOTS }, (_, slot) => number(100 + slot * 4))
  const codedPageSize = view.getUint16(14, IS_LITTLE_ENDIAN)
  return {
    frames: number(16),
    pages: number(20),
    // 65536 does not fit into two bytes: it is stored as 1.
    pageSizeBytes: (codedPageSize & 0xfe00) + ((codedPageSize & 1) << 16),
    backfilledFrames: number(96),
    backfillAttemptedFrames: number(128),
    // As they are in the log, where numbers are big-endian.
    salts: [view.getUint32(32), view.getUint32(36)],
    changeCounter: number(8),
    readMarks: marks.map((mark) => (mark === UNUSED_MARK ? null : mark)),
  }
}

/** Both copies say the same, and it is what was meant. */
function isWhole(bytes: Buffer, number: (offset: number) => number): boolean {
  if (bytes.compare(bytes, COPY_BYTES, 2 * COPY_BYTES, 0, COPY_BYTES) !== 0) return false
  let [first, second] = [0, 0]
  for (let offset = 0; offset < CHECKSUMMED_BYTES; offset += 8) {
    first = (first + number(offset) + second) >>> 0
    second = (second + number(offset + 4) + first) >>> 0
  }
  return first === number(40) && second === number(44)
}
