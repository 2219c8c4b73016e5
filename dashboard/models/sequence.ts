import type { ServerFrame } from '../../telemetry/protocol.ts'

/** What a frame's number says: it follows, frames before it were lost, or it was seen already. */
export type Continuity = 'next' | 'hole' | 'seen'

/** Follows the numbers of one boot's frames and finds the holes in them. */
export class Sequence {
  #last: number | null = null

  /** The newest number seen; `null` when the next frame may have any. */
  get last(): number | null {
    return this.#last
  }

  /** From here on: `null` takes whatever comes first. */
  reset(last: number | null): void {
    this.#last = last
  }

  accept(frame: ServerFrame): Continuity {
    const [type, seq] = frame
    const isCounted = type === 'tick' || type === 'state' || type === 'event'
    if (!isCounted) return this.#acceptRepeated(type, seq)
    if (this.#last !== null && seq <= this.#last) return 'seen'
    const isNext = this.#last === null || seq === this.#last + 1
    this.#last = seq
    return isNext ? 'next' : 'hole'
  }

  // A ping repeats the latest number: when we have not seen that one, it was skipped for us. A hello
  // comes before the replay, so its number says nothing.
  #acceptRepeated(type: ServerFrame[0], seq: number): Continuity {
    if (type !== 'ping' || this.#last === null || seq <= this.#last) return 'next'
    this.#last = seq
    return 'hole'
  }
}
