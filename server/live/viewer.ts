import type { WebSocket } from 'ws'
import type { FrameRing } from './frame-ring.ts'
import { TokenBucket } from './token-bucket.ts'

/** A viewer that has not acknowledged more frames than these gets no more until it has. */
export const UNACKNOWLEDGED_LIMIT = 32
/** With more than this in our own buffers the kernel's are full. */
export const BUFFER_LIMIT_BYTES = 64 * 1024
/** Owing an acknowledgement for so long, a viewer is sent away. */
export const ACK_TIMEOUT_MS = 10_000
const INBOUND_LIMITS = { perSecond: 20, burst: 40 }
/** Protocol pings in a row that may stay without an answer. */
const MISSED_PONG_LIMIT = 2

export type ViewerSocket = Pick<
  WebSocket,
  'bufferedAmount' | 'send' | 'close' | 'terminate' | 'ping' | 'on'
>

/**
 * One open page: where it is in the stream, and whether it keeps up.
 *
 * The kernel hides a viewer that reads nothing behind some 4 MB of buffers, so it is its acknowledgements
 * that count. One that falls behind is skipped; when it has caught up it is told of the gap and goes on with
 * what is new. Nothing is kept for it meanwhile.
 */
export class Viewer {
  readonly socket: ViewerSocket
  readonly isAccessAlive: () => boolean
  readonly inbound: TokenBucket
  /** The last frame that was sent to it or skipped. */
  #cursor: number
  #sentSeq: number
  #ackedSeq: number
  /** Since when an acknowledgement is due; `null` while there is none. */
  #owesSinceMonoMs: number | null = null
  #skippedCount = 0
  #missedPongs = 0

  /** `afterSeq` is the last frame that it has. */
  constructor(
    socket: ViewerSocket,
    start: {
      readonly afterSeq: number
      readonly monoMs: number
      readonly isAccessAlive: () => boolean
    },
  ) {
    this.socket = socket
    this.isAccessAlive = start.isAccessAlive
    this.inbound = new TokenBucket(INBOUND_LIMITS, start.monoMs)
    this.#cursor = start.afterSeq
    this.#sentSeq = start.afterSeq
    this.#ackedSeq = start.afterSeq
  }

  /**
   * Sends the frames that it does not have, or skips them. The result is how many it skipped.
   *
   * A gap is told when it ends, not when it begins: a viewer that does not read would not read that either.
   */
  pump(ring: FrameRing, monoMs: number): number {
    const count = ring.latestSeq - this.#cursor
    if (count === 0) return 0
    if (this.#isBehind()) {
      this.#cursor = ring.latestSeq
      this.#skippedCount += count
      return count
    }
    if (this.#skippedCount > 0) this.#tellGap()
    this.#sendAll(ring, monoMs)
    return 0
  }

  /** Sends everything up to now in one go. None of it counts as unacknowledged. */
  replay(ring: FrameRing, monoMs: number): void {
    this.#sendAll(ring, monoMs)
    this.#ackedSeq = this.#sentSeq
  }

  /** Sends a frame that has no number of its own. */
  tell(frame: readonly unknown[]): void {
    this.send(Buffer.from(JSON.stringify(frame)))
  }

  send(frame: Buffer): void {
    this.socket.send(frame, { binary: false })
  }

  acknowledge(seq: number, monoMs: number): void {
    if (seq <= this.#ackedSeq) return
    this.#ackedSeq = seq
    this.#owesSinceMonoMs = seq >= this.#sentSeq ? null : monoMs
  }

  /** It has owed an acknowledgement for too long. */
  isLate(monoMs: number): boolean {
    return this.#owesSinceMonoMs !== null && monoMs - this.#owesSinceMonoMs >= ACK_TIMEOUT_MS
  }

  /** Whether it answered one of the last pings; sends the next one. */
  probe(): boolean {
    if (this.#missedPongs >= MISSED_PONG_LIMIT) return false
    this.#missedPongs += 1
    this.socket.ping()
    return true
  }

  notePong(): void {
    this.#missedPongs = 0
  }

  #isBehind(): boolean {
    if (this.socket.bufferedAmount > BUFFER_LIMIT_BYTES) return true
    const unacknowledged = this.#sentSeq - this.#ackedSeq
    // Once behind, it must catch up wholly: else each late frame would bring a gap of its own.
    return this.#skippedCount > 0 ? unacknowledged > 0 : unacknowledged > UNACKNOWLEDGED_LIMIT
  }

  #tellGap(): void {
    this.tell(['gap', this.#cursor, this.#skippedCount])
    this.#skippedCount = 0
  }

  #sendAll(ring: FrameRing, monoMs: number): void {
    for (let seq = this.#cursor + 1; seq <= ring.latestSeq; seq += 1) {
      const frame = ring.get(seq)
      if (frame !== undefined) this.send(frame)
    }
    this.#cursor = ring.latestSeq
    this.#sentSeq = ring.latestSeq
    if (this.#sentSeq > this.#ackedSeq) this.#owesSinceMonoMs ??= monoMs
  }
}
