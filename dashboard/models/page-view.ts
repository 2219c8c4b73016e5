import { batch, computed, signal } from '@preact/signals'
import type { ReadonlySignal, Signal } from '@preact/signals'
import type { StateBody } from '../../telemetry/protocol.ts'
import type { Mark } from './marks.ts'
import type { PoolFeed } from './pool-feed.ts'
import { rangeNamed } from './series-store.ts'
import type { Range, RangeName, SeriesStore } from './series-store.ts'

/** What the page shows at one moment. */
export interface Shown {
  readonly store: SeriesStore
  readonly marks: readonly Mark[]
  readonly state: StateBody | null
  /** Server time of this moment: the right edge of every chart, and what ages are counted to. */
  readonly atMs: number
  /** The time span of the charts. */
  readonly span: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number }
}

interface Frozen {
  readonly store: SeriesStore
  readonly marks: readonly Mark[]
  readonly state: StateBody | null
  readonly atMs: number
}

/** A stretch that was dragged over: all charts show it until it is left again. */
export interface Zoom {
  readonly fromMs: number
  readonly toMs: number
}

const SHORTEST_ZOOM_MS = 2000

/**
 * Which part of what is recorded is on the screen. `frame` rises when something new is to be drawn, at
 * most once for each animation frame. Paused, the page keeps a copy: recording goes on behind it.
 */
export class PageView {
  readonly frame: Signal<number> = signal(0)
  readonly range: Signal<Range>
  readonly zoom: Signal<Zoom | null> = signal(null)
  /** Server time under the pointer, the same for all charts; `null` when it is over none. */
  readonly cursorAtMs: Signal<number | null> = signal(null)
  readonly #feed: PoolFeed
  readonly #frozen: Signal<Frozen | null> = signal(null)
  readonly isPaused: ReadonlySignal<boolean> = computed(() => this.#frozen.value !== null)

  constructor(feed: PoolFeed, range: RangeName) {
    this.#feed = feed
    this.range = signal(rangeNamed(range))
  }

  /** Server time at which it was paused, or `null`. */
  get pausedAtMs(): number | null {
    return this.#frozen.value?.atMs ?? null
  }

  pause(): void {
    if (this.#frozen.value !== null) return
    const { store, marks, state } = this.#feed
    this.#frozen.value = { store: store.copy(), marks: marks.all, state, atMs: this.#edgeMs() }
  }

  resume(): void {
    batch(() => {
      this.#frozen.value = null
      this.zoom.value = null
    })
  }

  showRange(name: RangeName): void {
    batch(() => {
      this.range.value = rangeNamed(name)
      this.zoom.value = null
    })
  }

  /** Shows a stretch of time in all charts, and keeps it from running away. */
  zoomTo(fromMs: number, toMs: number): void {
    if (toMs - fromMs < SHORTEST_ZOOM_MS) return
    batch(() => {
      this.pause()
      this.zoom.value = { fromMs, toMs }
    })
  }

  /** Read it while rendering: it follows every frame. */
  shown(): Shown {
    void this.frame.value
    const { windowMs, stepMs } = this.range.value
    const base = this.#frozen.value ?? {
      store: this.#feed.store,
      marks: this.#feed.marks.all,
      state: this.#feed.state,
      atMs: this.#edgeMs(),
    }
    const zoom = this.zoom.value
    const span = zoom ?? { fromMs: base.atMs - windowMs, toMs: base.atMs }
    return { ...base, span: { ...span, stepMs } }
  }

  // While ticks come, the newest one is the edge: a clock of our own beside it would make it jitter.
  #edgeMs(): number {
    const { store, link, serverClock } = this.#feed
    const last = store.lastAtMs
    if (last !== null && link.phase.value === 'live') {
      return Math.max(last, serverClock.nowMs() - EDGE_SLACK_MS)
    }
    return serverClock.nowMs()
  }
}

const EDGE_SLACK_MS = 1000
