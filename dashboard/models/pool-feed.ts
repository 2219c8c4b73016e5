import { signal } from '@preact/signals'
import type { Signal } from '@preact/signals'
import { PROTOCOL_VERSION } from '../../telemetry/protocol.ts'
import type {
  HelloBody,
  History,
  PoolEvent,
  ServerFrame,
  StateBody,
} from '../../telemetry/protocol.ts'
import type { Api } from './api.ts'
import { LiveLink } from './live-link.ts'
import type { LinkClock, LinkParts, LinkSocket } from './live-link.ts'
import { MarkLog } from './mark-log.ts'
import { markOf, restartMark } from './marks.ts'
import { Sequence } from './sequence.ts'
import { SeriesStore } from './series-store.ts'
import type { Range } from './series-store.ts'
import { ServerClock } from './server-clock.ts'
import { StarvationLog } from './starvation-log.ts'

/** Between two requests for the history that holes ask for. */
const REFETCH_EVERY_MS = 2000

export interface FeedParts {
  readonly api: Api
  readonly clock: LinkClock
  readonly random: () => number
  openSocket(...args: Parameters<LinkParts['openSocket']>): LinkSocket
  /** The window that the history has to fill. */
  range(): Range
  /** Something was recorded; the view draws when it gets to it. */
  onChange(): void
  onUnauthenticated(): void
}

/** What a page that cannot go on as it is has to be told; `null` when all is well. */
export type Notice = 'shutdown' | 'reload' | null

/**
 * Everything that comes from the server, recorded: history over HTTP, then the live stream. It records
 * while the page is paused or hidden; nothing here draws.
 */
export class PoolFeed {
  readonly store: SeriesStore = new SeriesStore()
  readonly marks: MarkLog = new MarkLog()
  readonly serverClock: ServerClock
  readonly link: LiveLink
  readonly hello: Signal<HelloBody | null> = signal(null)
  readonly notice: Signal<Notice> = signal(null)
  /** Whether the first history has come: until then nothing is known, which is not nothing. */
  readonly isLoaded: Signal<boolean> = signal(false)
  #state: StateBody | null = null
  #bootId: string | null = null
  #starvation = new StarvationLog()
  readonly #parts: FeedParts
  readonly #sequence = new Sequence()
  #stateSeq = 0
  #isFetching = false
  #isFetchWanted = false
  #fetchedAtMs = Number.NEGATIVE_INFINITY
  #refetchTimer: unknown = null

  constructor(parts: FeedParts) {
    this.#parts = parts
    this.serverClock = new ServerClock(() => parts.clock.nowMs())
    this.link = new LiveLink({
      clock: parts.clock,
      random: parts.random,
      openSocket: (...args) => parts.openSocket(...args),
      address: () => this.#address(),
      onFrame: (frame) => this.#record(frame),
      onRefused: () => this.#refetch(),
      onUnauthenticated: () => parts.onUnauthenticated(),
    })
  }

  /** The newest state, or `null` before the first. */
  get state(): StateBody | null {
    return this.#state
  }

  /** First the past, so that the first picture is whole; then the stream from there on. */
  async start(): Promise<void> {
    await this.fetchHistory()
    this.link.start()
  }

  stop(): void {
    this.link.stop()
    if (this.#refetchTimer !== null) this.#parts.clock.clearTimer(this.#refetchTimer)
    this.#refetchTimer = null
  }

  /** Fills the window of the range with what the server remembers. */
  async fetchHistory(): Promise<void> {
    if (this.#isFetching) {
      this.#isFetchWanted = true
      return
    }
    this.#isFetching = true
    const { api, clock } = this.#parts
    const sentAtMs = clock.nowMs()
    const { windowMs, stepMs } = this.#parts.range()
    const fromMs = Math.floor(this.serverClock.nowMs() - windowMs)
    const reply = await api.get<History>(`v1/history?fromMs=${fromMs}&stepMs=${stepMs}`)
    this.#isFetching = false
    this.#fetchedAtMs = clock.nowMs()
    if (reply.kind === 'ok') {
      this.serverClock.learn(reply.body.serverAtMs, sentAtMs)
      this.#recordHistory(reply.body)
    } else if (reply.kind === 'unauthenticated') {
      this.stop()
      this.#parts.onUnauthenticated()
      return
    }
    if (this.#isFetchWanted) {
      this.#isFetchWanted = false
      await this.fetchHistory()
    }
  }

  #recordHistory(history: History): void {
    this.#meetBoot(history.bootId, history.startedAtMs)
    this.store.merge(history)
    for (const event of history.events) this.#starvation.learn(event)
    for (const event of history.events) this.#recordEvent(event)
    if (history.seq >= this.#stateSeq) {
      this.#stateSeq = history.seq
      this.#state = history.state
    }
    if (this.#sequence.last === null) this.#sequence.reset(history.seq)
    this.isLoaded.value = true
    this.#parts.onChange()
  }

  #record(frame: ServerFrame): void {
    const continuity = this.#sequence.accept(frame)
    if (continuity === 'seen') return
    if (continuity === 'hole') this.#noteHole()
    switch (frame[0]) {
      case 'hello':
        this.#greet(frame[2])
        break
      case 'tick':
        this.store.tick(frame[2], frame[3])
        break
      case 'state':
        this.#stateSeq = frame[1]
        this.#state = frame[2]
        break
      case 'event':
        this.#recordEvent(frame[2])
        break
      case 'ping':
        this.serverClock.learn(frame[2])
        break
      case 'gap':
        this.#sequence.reset(frame[1])
        this.#noteHole()
        break
      case 'bye':
        if (frame[2] !== 'slow') this.notice.value = frame[2]
        break
    }
    this.#parts.onChange()
  }

  #greet(body: HelloBody): void {
    if (body.version !== PROTOCOL_VERSION) this.notice.value = 'reload'
    else if (this.notice.value === 'shutdown') this.notice.value = null
    this.serverClock.learn(body.serverAtMs)
    this.hello.value = body
    this.#state = body.state
    this.store.describe(body.series.map(({ name }) => name))
    const isNewBoot = this.#meetBoot(body.bootId, body.startedAtMs)
    if (isNewBoot || !this.isLoaded.value) this.#refetch()
  }

  /** Remembers which run of the server this is; true when it is not the one that we know. */
  #meetBoot(bootId: string, startedAtMs: number): boolean {
    const known = this.#bootId
    if (known === bootId) return false
    this.#bootId = bootId
    if (known !== null) {
      this.marks.add(restartMark(bootId, startedAtMs))
      this.store.markGap()
    }
    // Numbers and states of the run before mean nothing in this one.
    this.#sequence.reset(null)
    this.#stateSeq = 0
    this.#starvation = new StarvationLog()
    return true
  }

  #recordEvent(event: PoolEvent): void {
    this.#starvation.learn(event)
    const beganAtMs = event.type === 'checkpoint' ? event.startedAtMs : event.atMs
    const isStarved = this.#starvation.isStarvedAt(beganAtMs)
    const mark = markOf(event, { bootId: this.#bootId ?? '', isStarved })
    if (mark !== null) this.marks.add(mark)
  }

  #noteHole(): void {
    this.store.markGap()
    this.#refetch()
  }

  // A viewer that cannot keep up meets hole after hole: it must not ask for the history each time.
  #refetch(): void {
    if (this.#refetchTimer !== null) return
    const { clock } = this.#parts
    const waitMs = REFETCH_EVERY_MS - (clock.nowMs() - this.#fetchedAtMs)
    this.#refetchTimer = clock.setTimer(
      () => {
        this.#refetchTimer = null
        void this.fetchHistory()
      },
      Math.max(0, waitMs),
    )
  }

  #address(): string {
    const { last } = this.#sequence
    const query = new URLSearchParams()
    if (this.#bootId !== null && last !== null) {
      query.set('boot', this.#bootId)
      query.set('after', String(last))
    }
    const text = query.toString()
    return `../api/v1/live${text === '' ? '' : `?${text}`}`
  }
}
