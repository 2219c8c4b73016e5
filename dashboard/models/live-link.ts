import { signal } from '@preact/signals'
import type { Signal } from '@preact/signals'
import { CLOSE_CODES, SUBPROTOCOL, parseServerFrame } from '../../telemetry/protocol.ts'
import type { ServerFrame } from '../../telemetry/protocol.ts'
import { retryDelayMs } from './back-off.ts'

/** Silence after which what is shown counts as stale; the server pings more often than that. */
const STALE_AFTER_MS = 7000
/** Silence after which the socket counts as dead, whatever the browser believes. */
const DEAD_AFTER_MS = 15_000
/** At most ten acknowledgements a second. */
const ACK_EVERY_MS = 100

/** `off` before the first start and after `stop`. */
export type LinkPhase = 'off' | 'connecting' | 'live' | 'stale' | 'disconnected'

/** Time as the link needs it, so that tests can turn it. */
export interface LinkClock {
  nowMs(): number
  setTimer(fn: () => void, delayMs: number): unknown
  clearTimer(timer: unknown): void
}

export interface LinkSocket {
  send(text: string): void
  close(): void
}

export interface SocketListener {
  onText(text: string): void
  onClose(code: number): void
}

export interface LinkParts {
  readonly clock: LinkClock
  readonly random: () => number
  /** The address, relative to the page, with what to resume from. */
  address(): string
  openSocket(address: string, subprotocol: string, listener: SocketListener): LinkSocket
  onFrame(frame: ServerFrame): void
  /** A connection ended before it said hello: nothing tells a browser why. */
  onRefused(): void
  /** The session ended. */
  onUnauthenticated(): void
}

/**
 * Keeps a websocket to the live stream open.
 *
 * | phase        | silent 7 s | silent 15 s  | socket closes | hello | any frame |
 * | ------------ | ---------- | ------------ | ------------- | ----- | --------- |
 * | connecting   | –          | disconnected | disconnected  | live  | –         |
 * | live         | stale      | –            | disconnected  | live  | live      |
 * | stale        | –          | disconnected | disconnected  | live  | live      |
 * | disconnected | –          | –            | –             | –     | –         |
 *
 * Disconnected means that a timer runs: 250 ms doubling to 5 s. `wake()` cuts it short.
 */
export class LiveLink {
  readonly phase: Signal<LinkPhase> = signal('off')
  /** When the last frame came, by the link's clock. */
  readonly heardAtMs: Signal<number | null> = signal(null)
  /** When the next attempt starts, by the link's clock; `null` when none is planned. */
  readonly retryAtMs: Signal<number | null> = signal(null)
  readonly #parts: LinkParts
  #socket: LinkSocket | null = null
  #timer: unknown = null
  #ackTimer: unknown = null
  #ackedAtMs = Number.NEGATIVE_INFINITY
  #ackSeq = 0
  #hasGreeted = false
  #attempt = 0

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  start(): void {
    if (this.phase.value === 'off') this.#connect()
  }

  stop(): void {
    this.#dropSocket()
    this.#clearTimer()
    this.retryAtMs.value = null
    this.phase.value = 'off'
  }

  /** The network is back, or someone looks again: no reason to wait any longer. */
  wake(): void {
    if (this.phase.value === 'disconnected') this.#connect()
  }

  #connect(): void {
    this.#clearTimer()
    this.retryAtMs.value = null
    this.phase.value = 'connecting'
    this.#hasGreeted = false
    const isCurrent = (): boolean => this.#socket === socket
    const socket: LinkSocket = this.#parts.openSocket(this.#parts.address(), SUBPROTOCOL, {
      onText: (text) => {
        if (isCurrent()) this.#hear(text)
      },
      onClose: (code) => {
        if (isCurrent()) this.#lose(code)
      },
    })
    this.#socket = socket
    this.#watch(DEAD_AFTER_MS, () => this.#lose(0))
  }

  #hear(text: string): void {
    const { clock } = this.#parts
    this.heardAtMs.value = clock.nowMs()
    this.#watch(STALE_AFTER_MS, () => this.#goStale())
    const frame = parseServerFrame(text)
    if (frame === null) return
    if (frame[0] === 'hello') {
      this.#hasGreeted = true
      this.#attempt = 0
    }
    if (this.#hasGreeted) this.phase.value = 'live'
    this.#parts.onFrame(frame)
    if (frame[0] === 'tick' || frame[0] === 'state' || frame[0] === 'event') this.#ack(frame[1])
  }

  #goStale(): void {
    if (this.phase.value === 'live') this.phase.value = 'stale'
    this.#watch(DEAD_AFTER_MS - STALE_AFTER_MS, () => this.#lose(0))
  }

  #lose(code: number): void {
    const wasRefused = !this.#hasGreeted
    this.#dropSocket()
    this.phase.value = 'disconnected'
    if (code === CLOSE_CODES.unauthenticated) {
      this.stop()
      this.#parts.onUnauthenticated()
      return
    }
    const delayMs = retryDelayMs(this.#attempt, this.#parts.random)
    this.#attempt += 1
    this.retryAtMs.value = this.#parts.clock.nowMs() + delayMs
    this.#watch(delayMs, () => this.#connect())
    if (wasRefused) this.#parts.onRefused()
  }

  #ack(seq: number): void {
    this.#ackSeq = seq
    if (this.#ackTimer !== null) return
    const { clock } = this.#parts
    const waitMs = ACK_EVERY_MS - (clock.nowMs() - this.#ackedAtMs)
    if (waitMs <= 0) this.#sendAck()
    else this.#ackTimer = clock.setTimer(() => this.#sendAck(), waitMs)
  }

  #sendAck(): void {
    this.#ackTimer = null
    this.#ackedAtMs = this.#parts.clock.nowMs()
    this.#socket?.send(JSON.stringify(['ack', this.#ackSeq]))
  }

  #dropSocket(): void {
    const socket = this.#socket
    this.#socket = null
    if (this.#ackTimer !== null) this.#parts.clock.clearTimer(this.#ackTimer)
    this.#ackTimer = null
    socket?.close()
  }

  #watch(delayMs: number, then: () => void): void {
    this.#clearTimer()
    this.#timer = this.#parts.clock.setTimer(() => {
      this.#timer = null
      then()
    }, delayMs)
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#parts.clock.clearTimer(this.#timer)
    this.#timer = null
  }
}
