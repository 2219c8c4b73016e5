import { CLOSE_CODES } from '../../telemetry/protocol.ts'
import type { ByeFrame, HelloBody } from '../../telemetry/protocol.ts'
import type { Clock, Timer } from '../pool/clock.ts'
import { FrameRing } from './frame-ring.ts'
import { parseInbound } from './inbound.ts'
import { BUFFER_LIMIT_BYTES, Viewer } from './viewer.ts'
import type { ViewerSocket } from './viewer.ts'

/** Between two `ping` frames, and between two looks at whether a viewer's session still stands. */
export const PING_MS = 5000
/** A protocol ping goes with every third. */
const PINGS_PER_PROBE = 3
/** A viewer that was told to close has so long to do it. */
export const CLOSE_GRACE_MS = 500
/** Above this a resuming viewer reads the history instead: it is smaller. */
export const REPLAY_LIMIT_BYTES = 512 * 1024
/** Somebody is taken to be watching for so long after they asked for the history or left. */
const WATCH_LINGER_MS = 10_000
/** A thousand viewers are served in slices, so that the event loop turns in between. */
const SLICE = 50

/** A frame before it has its number. */
export interface FrameDraft {
  readonly type: 'tick' | 'state' | 'event'
  /** What follows the number, as JSON with commas between. */
  readonly rest: string
}

export interface ViewerRequest {
  /** Makes the first frame, with the state of now; called once. */
  hello(): HelloBody
  /** Whether the session that opened this still stands. */
  isAccessAlive(): boolean
  /** Where an earlier connection of the same page ended; `null` for a fresh page. */
  readonly resume: { readonly bootId: string; readonly afterSeq: number } | null
}

export interface HubOptions {
  readonly bootId: string
  readonly clock: Clock
  readonly maxViewers: number
  /** Told when somebody begins to watch. */
  readonly onWatch?: () => void
}

/**
 * Numbers frames and sends them to all viewers, each frame serialised once.
 *
 * - Every frame that is published has the next number, whoever is watching.
 * - What a viewer gets has no holes, except where it is told of a gap.
 * - A viewer costs its socket and a few numbers; the frames are shared.
 */
export class Hub {
  readonly #bootId: string
  readonly #clock: Clock
  readonly #maxViewers: number
  readonly #onWatch: () => void
  readonly #ring = new FrameRing()
  readonly #viewers = new Set<Viewer>()
  readonly #leaving = new Set<Promise<void>>()
  #skippedCount = 0
  #watchedAtMonoMs = Number.NEGATIVE_INFINITY
  #pulseCount = 0
  #pulse: Timer | undefined = undefined
  #closing: Promise<void> | undefined = undefined

  constructor(options: HubOptions) {
    this.#bootId = options.bootId
    this.#clock = options.clock
    this.#maxViewers = options.maxViewers
    this.#onWatch = options.onWatch ?? (() => {})
  }

  /** The number of the latest frame. */
  get seq(): number {
    return this.#ring.latestSeq
  }

  get viewerCount(): number {
    return this.#viewers.size
  }

  /** Frames that viewers did not get because they did not keep up, since start. */
  get skippedCount(): number {
    return this.#skippedCount
  }

  get isFull(): boolean {
    return this.#viewers.size >= this.#maxViewers
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** Somebody watches, or is about to, or left a moment ago. */
  get isWatched(): boolean {
    return this.#viewers.size > 0 || this.#clock.nowMs() - this.#watchedAtMonoMs < WATCH_LINGER_MS
  }

  /** Somebody read the history and will open the stream next. */
  noteWatcher(): void {
    const wasWatched = this.isWatched
    this.#watchedAtMonoMs = this.#clock.nowMs()
    if (!wasWatched) this.#onWatch()
  }

  /** Numbers the frames, keeps them for resuming viewers, and sends them to all. */
  publish(drafts: readonly FrameDraft[]): void {
    if (this.isClosed) return
    for (const { type, rest } of drafts) this.#ring.push(type, rest)
    this.#pumpSlice([...this.#viewers], 0)
  }

  /**
   * Takes over an open socket. The first frame is `hello`, numbered with the last frame that the viewer is
   * taken to have; then comes what it missed, or `gap` when that cannot be replayed.
   */
  add(socket: ViewerSocket, request: ViewerRequest): void {
    this.noteWatcher()
    const monoMs = this.#clock.nowMs()
    const canResume = this.#canReplay(request.resume)
    const viewer = new Viewer(socket, {
      afterSeq: canResume ? request.resume!.afterSeq : this.seq,
      monoMs,
      isAccessAlive: () => request.isAccessAlive(),
    })
    this.#viewers.add(viewer)
    this.#listen(viewer)
    this.#schedulePulse()
    viewer.tell(['hello', canResume ? request.resume!.afterSeq : this.seq, request.hello()])
    if (request.resume !== null && !canResume) viewer.tell(['gap', this.seq])
    viewer.replay(this.#ring, monoMs)
  }

  /** Says goodbye to all viewers; resolves when their sockets are closed, after half a second at most. Idempotent. */
  shutdown(): Promise<void> {
    this.#closing ??= this.#shutdown()
    return this.#closing
  }

  async #shutdown(): Promise<void> {
    if (this.#pulse !== undefined) this.#clock.clearTimer(this.#pulse)
    for (const viewer of this.#viewers) {
      this.#tellBye(viewer, 'shutdown')
      this.#dismiss(viewer, 1001, 'the server is shutting down')
    }
    await Promise.all(this.#leaving)
  }

  #canReplay(resume: ViewerRequest['resume']): boolean {
    if (resume === null || resume.bootId !== this.#bootId) return false
    const bytes = this.#ring.bytesAfter(resume.afterSeq)
    return bytes !== null && bytes <= REPLAY_LIMIT_BYTES
  }

  #listen(viewer: Viewer): void {
    const { socket } = viewer
    socket.on('message', (data: unknown, isBinary: boolean) => {
      if (this.#isWithinLimit(viewer)) this.#hear(viewer, data, isBinary)
    })
    socket.on('ping', () => void this.#isWithinLimit(viewer))
    socket.on('pong', () => viewer.notePong())
    socket.on('close', () => this.#forget(viewer))
  }

  #isWithinLimit(viewer: Viewer): boolean {
    if (!this.#viewers.has(viewer)) return false
    if (viewer.inbound.take(this.#clock.nowMs())) return true
    this.#dismiss(viewer, CLOSE_CODES.tooManyMessages, 'too many messages')
    return false
  }

  #hear(viewer: Viewer, data: unknown, isBinary: boolean): void {
    const inbound = parseInbound(data, isBinary)
    if (inbound.type === 'unknown') return
    if (inbound.type === 'broken' || inbound.seq > this.seq) {
      this.#dismiss(viewer, 1008, 'only ["ack", seq] of a frame that was sent is understood')
      return
    }
    viewer.acknowledge(inbound.seq, this.#clock.nowMs())
  }

  #pumpSlice(viewers: readonly Viewer[], start: number): void {
    const monoMs = this.#clock.nowMs()
    for (const viewer of viewers.slice(start, start + SLICE)) this.#pump(viewer, monoMs)
    if (start + SLICE < viewers.length) {
      setImmediate(() => this.#pumpSlice(viewers, start + SLICE))
    }
  }

  #pump(viewer: Viewer, monoMs: number): void {
    if (!this.#viewers.has(viewer)) return
    this.#skippedCount += viewer.pump(this.#ring, monoMs)
    if (!viewer.isLate(monoMs)) return
    this.#tellBye(viewer, 'slow')
    this.#dismiss(viewer, CLOSE_CODES.tooSlow, 'nothing was acknowledged for 10 s')
  }

  #schedulePulse(): void {
    this.#pulse ??= this.#clock.setTimer(() => {
      this.#pulse = undefined
      this.#pulseCount += 1
      for (const viewer of this.#viewers) this.#checkOn(viewer)
      if (this.#viewers.size > 0) this.#schedulePulse()
    }, PING_MS)
  }

  #checkOn(viewer: Viewer): void {
    if (!isAlive(viewer)) {
      this.#dismiss(viewer, CLOSE_CODES.unauthenticated, 'the session has ended')
      return
    }
    if (this.#pulseCount % PINGS_PER_PROBE === 0 && !viewer.probe()) {
      this.#viewers.delete(viewer)
      viewer.socket.terminate()
      return
    }
    if (viewer.socket.bufferedAmount > BUFFER_LIMIT_BYTES) return
    viewer.tell(['ping', this.seq, this.#nowEpochMs()])
  }

  #tellBye(viewer: Viewer, reason: ByeFrame[2]): void {
    viewer.tell(['bye', this.seq, reason])
  }

  /** Frees the viewer's place now; its socket gets half a second to close in good order. */
  #dismiss(viewer: Viewer, code: number, reason: string): void {
    this.#forget(viewer)
    const left = new Promise<void>((resolve) => {
      const terminate = (): void => {
        viewer.socket.terminate()
        resolve()
      }
      // Vital: the end of the server waits for it.
      const timer = this.#clock.setTimer(terminate, CLOSE_GRACE_MS, { isVital: true })
      viewer.socket.on('close', () => {
        this.#clock.clearTimer(timer)
        resolve()
      })
    })
    this.#leaving.add(left)
    void left.then(() => this.#leaving.delete(left))
    viewer.socket.close(code, reason)
  }

  #forget(viewer: Viewer): void {
    if (this.#viewers.delete(viewer)) this.#watchedAtMonoMs = this.#clock.nowMs()
  }

  #nowEpochMs(): number {
    return Math.round(this.#clock.timeOriginMs + this.#clock.nowMs())
  }
}

/** A check that throws has not vouched for anybody. */
function isAlive(viewer: Viewer): boolean {
  try {
    return viewer.isAccessAlive()
  } catch {
    return false
  }
}
