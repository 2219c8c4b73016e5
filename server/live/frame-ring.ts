/** Ten minutes of ticks. */
export const FRAME_LIMIT = 2400
/** Under load a state frame is some kilobytes: the bytes are bounded too. */
const BYTE_LIMIT = 4 * 1024 * 1024

/**
 * The latest numbered frames, serialised once and shared by all viewers: nothing is queued per viewer.
 * The first frame is number 1; numbers have no holes.
 */
export class FrameRing {
  readonly #frames: (Buffer | undefined)[]
  readonly #byteLimit: number
  #byteCount = 0
  #latestSeq = 0
  #oldestSeq = 1

  constructor(limits: { readonly frames?: number; readonly bytes?: number } = {}) {
    this.#frames = Array.from({ length: limits.frames ?? FRAME_LIMIT })
    this.#byteLimit = limits.bytes ?? BYTE_LIMIT
  }

  /** The number of the latest frame; 0 before the first. */
  get latestSeq(): number {
    return this.#latestSeq
  }

  get byteCount(): number {
    return this.#byteCount
  }

  /** Numbers the frame `[type, seq, …]` whose members after `seq` are `rest`, as JSON with commas between. */
  push(type: string, rest: string): void {
    this.#latestSeq += 1
    const frame = Buffer.from(`["${type}",${this.#latestSeq},${rest}]`)
    if (this.#latestSeq - this.#oldestSeq >= this.#frames.length) this.#dropOldest()
    this.#frames[this.#latestSeq % this.#frames.length] = frame
    this.#byteCount += frame.length
    while (this.#byteCount > this.#byteLimit && this.#oldestSeq < this.#latestSeq) {
      this.#dropOldest()
    }
  }

  /** A frame that is still here. */
  get(seq: number): Buffer | undefined {
    const isHere = seq >= this.#oldestSeq && seq <= this.#latestSeq
    return isHere ? this.#frames[seq % this.#frames.length] : undefined
  }

  /** Bytes of all frames after `seq`; `null` when they are not all here, or `seq` was never given. */
  bytesAfter(seq: number): number | null {
    if (seq > this.#latestSeq || seq + 1 < this.#oldestSeq) return null
    let sum = 0
    for (let next = seq + 1; next <= this.#latestSeq; next += 1) sum += this.get(next)!.length
    return sum
  }

  #dropOldest(): void {
    const slot = this.#oldestSeq % this.#frames.length
    this.#byteCount -= this.#frames[slot]!.length
    this.#frames[slot] = undefined
    this.#oldestSeq += 1
  }
}
