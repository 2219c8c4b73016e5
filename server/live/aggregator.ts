import type { EventSink, PoolEvent } from '../../telemetry/events.ts'
import type { PoolView } from '../../telemetry/pool-view.ts'
import type { SeriesName, StateBody, TickValues, Verdict } from '../../telemetry/protocol.ts'
import type { Clock, Timer } from '../pool/clock.ts'
import { EventGate } from './event-gate.ts'
import type { HistoryStore } from './history.ts'
import type { FrameDraft, Hub } from './hub.ts'
import { seriesNames } from './series.ts'
import { readState } from './state-reader.ts'
import { StatsWindow } from './stats-window.ts'
import type { WindowFigures } from './stats-window.ts'
import { VerdictMemory } from './verdict-memory.ts'
import { readSituation, slowWaitMs } from './verdict-situation.ts'
import { judge } from './verdict.ts'

export const TICK_MS = 250
/** While nobody watches, for the history alone. */
const UNWATCHED_TICK_MS = 1000
/** A timer may fire this much before its time. */
const EARLY_MS = 1

export interface AggregatorOptions {
  readonly view: PoolView
  readonly onEvent: (sink: EventSink) => () => void
  readonly clock: Clock
  readonly history: HistoryStore
  readonly hub: Hub
  /** p99 of the event loop's delay since the last call, in ms; `null` is unknown. */
  readonly readEventLoopDelayMs: () => number | null
  /** Hears the error of a sample that could not be taken. The next one is taken all the same. */
  readonly onError?: (error: unknown) => void
}

/**
 * Reads the pool four times a second and tells it to the history and the hub: the events since the last
 * time, the state if anything in it changed, and one value per series.
 *
 * Ticks lie on the grid of epoch time. While nobody watches there is one a second. Its timer does not
 * keep the process alive, and a view that throws costs one sample, which is then `null` all through.
 */
export class Aggregator {
  readonly #options: AggregatorOptions
  readonly #gate: EventGate
  readonly #window = new StatsWindow()
  readonly #verdicts = new VerdictMemory()
  #verdict: Verdict
  #state: StateBody | null = null
  #stateJson = ''
  #poolReason: string | null = null
  #errorCount = 0
  #lastTickAtMs = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined = undefined
  #stopListening: (() => void) | undefined = undefined

  constructor(options: AggregatorOptions) {
    this.#options = options
    this.#gate = new EventGate(slowWaitMs(options.view.acquireTimeoutMs))
    const sinceAtMs = this.#nowEpochMs()
    this.#verdict = { level: 'watch', code: 'starting', sentence: 'No sample yet.', sinceAtMs }
  }

  /** Samples that could not be taken. */
  get errorCount(): number {
    return this.#errorCount
  }

  /** Events that viewers do not see because there were too many of their kind. */
  get droppedEventCount(): number {
    return this.#gate.droppedCount
  }

  /** Begins to listen and to sample; the first sample is taken at once. */
  start(): void {
    this.#stopListening ??= this.#options.onEvent((event) => this.#hear(event))
    this.#tick()
  }

  stop(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer)
    this.#timer = undefined
  }

  /** Somebody began to watch: the next tick comes within a quarter of a second. */
  wake(): void {
    if (this.#timer !== undefined) this.#schedule()
  }

  /** The state of now, with the verdict of the last tick. When the view throws, the last that was read. */
  readState(): StateBody {
    try {
      return this.#readState()
    } catch (error) {
      this.#noteError(error)
      if (this.#state === null) throw error
      return this.#state
    }
  }

  #readState(): StateBody {
    const { view, hub } = this.#options
    this.#state = readState(view, { verdict: this.#verdict, viewers: hub.viewerCount })
    return this.#state
  }

  #hear(event: PoolEvent): void {
    if (event.type === 'pool') this.#poolReason = event.reason
    this.#gate.offer(event)
  }

  #onTimer(): void {
    this.#timer = undefined
    this.#tick()
  }

  #tick(): void {
    const nowMs = this.#nowEpochMs()
    const atMs = Math.floor((nowMs + EARLY_MS) / TICK_MS) * TICK_MS
    if (atMs > this.#lastTickAtMs) {
      this.#lastTickAtMs = atMs
      this.#sample(atMs)
    }
    this.#schedule()
  }

  #schedule(): void {
    const { clock, hub } = this.#options
    if (this.#stopListening === undefined) return
    if (this.#timer !== undefined) clock.clearTimer(this.#timer)
    const stepMs = hub.isWatched ? TICK_MS : UNWATCHED_TICK_MS
    const nowMs = this.#nowEpochMs()
    const fromMs = Math.max(nowMs, this.#lastTickAtMs)
    const nextMs = (Math.floor(fromMs / stepMs) + 1) * stepMs
    this.#timer = clock.setTimer(() => this.#onTimer(), Math.ceil(nextMs - nowMs))
  }

  #sample(atMs: number): void {
    const { history, hub } = this.#options
    const drafts: FrameDraft[] = this.#drainEvents()
    let values: TickValues = seriesNames.map(() => null)
    try {
      values = this.#readValues(atMs)
      const state = this.#draftState()
      if (state !== null) drafts.push(state)
    } catch (error) {
      this.#noteError(error)
    }
    history.add(atMs, values)
    drafts.push({ type: 'tick', rest: `${atMs},${JSON.stringify(values)}` })
    hub.publish(drafts)
  }

  #noteError(error: unknown): void {
    this.#errorCount += 1
    this.#options.onError?.(error)
  }

  #drainEvents(): FrameDraft[] {
    return this.#gate.drain().map(({ event, droppedCount }) => {
      this.#options.history.addEvent(event)
      const dropped = droppedCount === 0 ? '' : `,${droppedCount}`
      return { type: 'event', rest: JSON.stringify(event) + dropped }
    })
  }

  #draftState(): FrameDraft | null {
    const json = JSON.stringify(this.#readState())
    if (json === this.#stateJson) return null
    this.#stateJson = json
    return { type: 'state', rest: json }
  }

  /** Reads the numbers, and forms the verdict from them and the moment. */
  #readValues(atMs: number): TickValues {
    const { view, clock } = this.#options
    const figures = this.#window.advance(view.stats, clock.nowMs())
    const eventLoopDelayP99Ms = this.#options.readEventLoopDelayMs()
    const situation = readSituation(view, {
      atMs: this.#nowEpochMs(),
      poolReason: this.#poolReason,
      failures: figures.failures,
      waitP99Ms: figures.waitP99Ms,
      eventLoopDelayP99Ms,
    })
    this.#verdict = this.#verdicts.observe(judge(situation), atMs)
    const values = { ...readGauges(view), ...figures, eventLoopDelayP99Ms }
    return seriesNames.map((name) => values[name])
  }

  #nowEpochMs(): number {
    const { clock } = this.#options
    return clock.timeOriginMs + clock.nowMs()
  }
}

type Gauges = Omit<Record<SeriesName, number | null>, keyof WindowFigures | 'eventLoopDelayP99Ms'>

function readGauges({ stats }: PoolView): Gauges {
  const { reader, writer, wal } = stats
  const isKnown = wal.frames !== null && wal.backfilledFrames !== null
  return {
    inUse: reader.inUse + writer.inUse,
    idle: reader.idle + writer.idle,
    limit: reader.max + writer.max,
    waiting: reader.waiting + writer.waiting,
    readersInUse: reader.inUse,
    writerInUse: writer.inUse,
    walBytes: wal.sizeBytes,
    walFrames: wal.frames,
    walPendingFrames: isKnown ? wal.frames! - wal.backfilledFrames! : null,
  }
}
