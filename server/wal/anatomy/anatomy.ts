import { covers, readFileLocks } from './file-locks.ts'
import type { FileLock } from './file-locks.ts'
import { SharedMemory } from './shared-memory.ts'
import type { WALIndex } from './wal-index.ts'

/** One of the five places at which SQLite notes which frames its readers see. */
export interface ReadSlot {
  /** Readers of slot 0 read the database file alone: nothing may be copied into it meanwhile. */
  readonly slot: 0 | 1 | 2 | 3 | 4
  /** The newest frame that its readers may see; 0 for slot 0, `null`: unused. */
  readonly frame: number | null
  /** Processes with a reader in it now. None: whoever left the mark has gone, and it pins nothing. */
  readonly pids: readonly number[]
  /** There is a reader of whom the system does not say who it is. */
  readonly hasHiddenHolder: boolean
}

export interface AnatomyReading {
  readonly index: WALIndex
  /** Always five, in order. */
  readonly slots: readonly ReadSlot[]
  /** Who has the log for writing; `null`: nobody, or nobody knows who. */
  readonly writerPid: number | null
  readonly checkpointerPid: number | null
}

// Bytes of the `-shm` file that are locked and never read.
const WRITE_BYTE = 120
const CHECKPOINT_BYTE = 121
const FIRST_READ_BYTE = 123

const SLOTS = [0, 1, 2, 3, 4] as const
/** Readers come and go all the time; a reading in which one has moved is still better than none. */
const MAX_ATTEMPTS = 3

/**
 * Who sees which state of the log: SQLite's own notes, and the locks that say which of them are in use. Taken without
 * a lock, a connection, or opening any of the database's files.
 *
 * - It needs a connection of this process that has the log open, and Linux. Else all answers are `null`.
 * - Linux leaves out the locks of a process that our pid namespace cannot see: such a reader looks like a mark that nobody
 *   holds. A lock without a pid is shown only where it belongs to an open file, and then as a hidden holder.
 */
export class WALAnatomy {
  readonly #memory: SharedMemory
  readonly #readLocks: typeof readFileLocks

  /** `readLocks` is for tests: what happens while the locks are read. */
  constructor(path: string, readLocks: typeof readFileLocks = readFileLocks) {
    this.#memory = new SharedMemory(path)
    this.#readLocks = readLocks
  }

  /** Whether this platform can be asked at all. */
  get isAvailable(): boolean {
    return this.#memory.isAvailable
  }

  /** How long the log is: microseconds. Trusts that the connections of `read()` are still there. */
  index(): WALIndex | null {
    return this.#memory.read()
  }

  /** The same, and who holds what: about 0.1 ms. */
  read(): AnatomyReading | null {
    const file = this.#memory.find()
    if (file === null) return null
    let index = this.#memory.read()
    let locks: FileLock[] = []
    for (let attempt = 0; attempt < MAX_ATTEMPTS && index !== null; attempt += 1) {
      const before: WALIndex = index
      locks = this.#readLocks(file)
      index = this.#memory.read()
      if (index !== null && isSameState(before, index)) break
    }
    return index === null ? null : describeReading(index, locks)
  }

  /** Idempotent. */
  close(): void {
    this.#memory.close()
  }
}

/** The locks taken between the two belong to what both say. */
function isSameState(before: WALIndex, after: WALIndex): boolean {
  return (
    before.salts.every((salt, i) => salt === after.salts[i]) &&
    before.readMarks.every((mark, slot) => mark === after.readMarks[slot])
  )
}

/** Puts SQLite's notes and the locks of the system together. */
export function describeReading(index: WALIndex, locks: readonly FileLock[]): AnatomyReading {
  return {
    index,
    slots: SLOTS.map((slot) => {
      // Readers share. Whoever has it alone moves the mark, or copies while nobody reads the file alone.
      const held = locks.filter((lock) => !lock.isExclusive && covers(lock, FIRST_READ_BYTE + slot))
      return {
        slot,
        frame: slot === 0 ? 0 : index.readMarks[slot]!,
        pids: [...new Set(held.flatMap(({ pid }) => pid ?? []))],
        hasHiddenHolder: held.some(({ pid }) => pid === null),
      }
    }),
    writerPid: exclusiveHolder(locks, WRITE_BYTE),
    checkpointerPid: exclusiveHolder(locks, CHECKPOINT_BYTE),
  }
}

function exclusiveHolder(locks: readonly FileLock[], byte: number): number | null {
  return locks.find((lock) => lock.isExclusive && covers(lock, byte))?.pid ?? null
}
