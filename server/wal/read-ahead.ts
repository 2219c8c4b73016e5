import { open } from 'node:fs/promises'
import { framesToBytes } from './policy.ts'

/** So much is read ahead at least, and at most. */
const LEAST_BYTES = 1024 * 1024
const MOST_BYTES = 32 * 1024 * 1024
/** What the writer would write in so long. */
const AHEAD_MS = 2000
/** Its pace is that of at least so long: looks may follow one another at once. */
const PACE_MS = 200
/** For so long what was read counts as in memory. */
const KEPT_MS = 5000
const CHUNK_BYTES = 1024 * 1024
const LOG_HEADER_BYTES = 32

/** The log as of the last look. */
export interface LogExtent {
  readonly frames: number | null
  readonly pageSizeBytes: number | null
  /** Length of the file. */
  readonly sizeBytes: number | null
}

/** Part of the file: from this byte to before that one. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

/**
 * Keeps in memory what the writer is about to overwrite of the log's file.
 *
 * A log that has started over is written over the frames of the round before, which nobody needs, and which the system
 * may have put out of memory since. A frame is a page and 24 bytes: it never covers the file's own pages exactly, and a
 * page that is written in part and is not in memory is read from the disk first, inside the commit (ADR 0013). So it is
 * read here before, in the background: what the writer needs within the next two seconds at its pace.
 *
 * The `-wal` file may be opened: SQLite has no locks on it that closing a descriptor could drop.
 */
export class ReadAhead {
  readonly #path: string
  readonly #read: typeof readThrough
  /** Where the writer was when its pace was last taken. */
  #mark: { readonly headBytes: number; readonly atMs: number } | null = null
  #aheadBytes = LEAST_BYTES
  /** What was read, from where the writer was then. */
  #done: ByteRange & { readonly atMs: number } = { from: 0, to: 0, atMs: 0 }
  #reading: Promise<void> | null = null

  /** @param path of the database file */
  constructor(path: string, read: typeof readThrough = readThrough) {
    this.#path = `${path}-wal`
    this.#read = read
  }

  /** To be called before the log is made to start over: its first frames are those that were written longest ago. */
  async rewind({ sizeBytes }: Pick<LogExtent, 'sizeBytes'>, nowMs: number): Promise<void> {
    // No look comes before the writer is there: this one is not left out.
    await this.#reading
    await this.#keep(0, { sizeBytes: sizeBytes ?? 0, nowMs })
  }

  /** To be called after each look. */
  async follow({ frames, pageSizeBytes, sizeBytes }: LogExtent, nowMs: number): Promise<void> {
    if (frames === null || sizeBytes === null) return
    const headBytes = LOG_HEADER_BYTES + framesToBytes(frames, pageSizeBytes)
    this.#takePace(headBytes, nowMs)
    await this.#keep(headBytes, { sizeBytes, nowMs })
  }

  #takePace(headBytes: number, nowMs: number): void {
    const before = this.#mark
    if (before !== null) {
      const tookMs = nowMs - before.atMs
      if (tookMs < PACE_MS) return
      const hasRestarted = headBytes < before.headBytes
      const writtenBytes = hasRestarted ? headBytes : headBytes - before.headBytes
      const aheadBytes = Math.ceil((writtenBytes / tookMs) * AHEAD_MS)
      this.#aheadBytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, aheadBytes))
    }
    this.#mark = { headBytes, atMs: nowMs }
  }

  /** Never rejects: what cannot be read ahead the writer reads itself. */
  async #keep(
    headBytes: number,
    { sizeBytes, nowMs }: { readonly sizeBytes: number; readonly nowMs: number },
  ): Promise<void> {
    const end = Math.min(headBytes + this.#aheadBytes, sizeBytes)
    const { from, to, atMs } = this.#done
    const isKept = headBytes >= from && headBytes <= to && nowMs - atMs < KEPT_MS
    const done = isKept ? to : headBytes
    // Not a little at each look.
    const isEnough = done >= end || done - headBytes >= this.#aheadBytes / 2
    if (isEnough || this.#reading !== null) return
    this.#reading = this.#bring({ from: done, to: end }, { from: headBytes, to: end, atMs: nowMs })
    await this.#reading
  }

  async #bring(range: ByteRange, whenDone: ByteRange & { readonly atMs: number }): Promise<void> {
    try {
      await this.#read(this.#path, range)
      this.#done = whenDone
    } catch {
      // Gone, or replaced by a shorter one: the next look tells.
    } finally {
      this.#reading = null
    }
  }
}

/** Reads a part of a file, and keeps nothing: it is in memory then. */
export async function readThrough(path: string, { from, to }: ByteRange): Promise<void> {
  await using file = await open(path)
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - from))
  for (let at = from; at < to; at += chunk.length) {
    const { bytesRead } = await file.read(chunk, 0, Math.min(chunk.length, to - at), at)
    if (bytesRead === 0) return
  }
}
