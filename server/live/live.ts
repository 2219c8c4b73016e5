import { randomUUID } from 'node:crypto'
import type { EventSink } from '../../telemetry/events.ts'
import type { PoolView } from '../../telemetry/pool-view.ts'
import { PROTOCOL_VERSION, SERIES } from '../../telemetry/protocol.ts'
import type { HelloBody, History } from '../../telemetry/protocol.ts'
import type { Clock } from '../pool/clock.ts'
import { Aggregator, TICK_MS } from './aggregator.ts'
import { HistoryStore } from './history.ts'
import type { HistoryQuery } from './history.ts'
import { Hub, PING_MS } from './hub.ts'
import type { ViewerRequest } from './hub.ts'
import { seriesNames } from './series.ts'
import type { ViewerSocket } from './viewer.ts'

/** History without a range: so much, up to now. */
const DEFAULT_RANGE_MS = 15 * 60_000

export interface LiveOptions {
  readonly view: PoolView
  /** Adds a reader of the pool's events; the result removes it. */
  readonly onEvent: (sink: EventSink) => () => void
  readonly clock: Clock
  /** Viewers at once; one more is refused. */
  readonly maxViewers: number
  /** Names this run of the server. Default: a random one. */
  readonly bootId?: string
  /** p99 of the event loop's delay since the last call, in ms. */
  readonly readEventLoopDelayMs: () => number | null
  /** Hears why a sample could not be taken. */
  readonly onError?: (error: unknown) => void
}

/** A viewer that is let in. */
export interface LiveViewer extends Pick<ViewerRequest, 'isAccessAlive' | 'resume'> {
  readonly isAdmin: boolean
}

/** The live view of one pool: it samples, remembers, and streams. It runs until `shutdown()`. */
export class Live {
  readonly bootId: string
  readonly #options: LiveOptions
  readonly #history = new HistoryStore()
  readonly #hub: Hub
  readonly #aggregator: Aggregator

  constructor(options: LiveOptions) {
    this.bootId = options.bootId ?? randomUUID()
    this.#options = options
    this.#hub = new Hub({
      bootId: this.bootId,
      clock: options.clock,
      maxViewers: options.maxViewers,
      onWatch: () => this.#aggregator.wake(),
    })
    this.#aggregator = new Aggregator({ ...options, history: this.#history, hub: this.#hub })
    this.#aggregator.start()
  }

  get viewerCount(): number {
    return this.#hub.viewerCount
  }

  get isFull(): boolean {
    return this.#hub.isFull
  }

  get isClosed(): boolean {
    return this.#hub.isClosed
  }

  /** Frames that slow viewers did not get, since start. */
  get skippedFrameCount(): number {
    return this.#hub.skippedCount
  }

  /** Events that were left out because there were too many of their kind, since start. */
  get droppedEventCount(): number {
    return this.#aggregator.droppedEventCount
  }

  /** Samples that could not be taken, since start. */
  get sampleErrorCount(): number {
    return this.#aggregator.errorCount
  }

  /** What was, up to a number of the stream: open the stream after it and nothing is missing in between. */
  history(query: Partial<HistoryQuery>): History {
    this.#hub.noteWatcher()
    const nowMs = this.#nowEpochMs()
    const toMs = query.toMs ?? nowMs
    const fromMs = query.fromMs ?? toMs - DEFAULT_RANGE_MS
    return {
      bootId: this.bootId,
      seq: this.#hub.seq,
      serverAtMs: nowMs,
      startedAtMs: this.#startedAtMs,
      series: seriesNames,
      ...this.#history.query({ fromMs, toMs, stepMs: query.stepMs }),
      state: this.#aggregator.readState(),
    }
  }

  /** Takes over the socket of a viewer. */
  accept(socket: ViewerSocket, { isAdmin, isAccessAlive, resume }: LiveViewer): void {
    this.#hub.add(socket, { hello: () => this.#hello(isAdmin), isAccessAlive, resume })
  }

  /** Ends the sampling and says goodbye to the viewers; takes half a second at most. Idempotent. */
  async shutdown(): Promise<void> {
    this.#aggregator.stop()
    await this.#hub.shutdown()
  }

  #hello(isAdmin: boolean): HelloBody {
    const { view } = this.#options
    const { reader, writer, name, maxWaiters } = view.stats
    return {
      version: PROTOCOL_VERSION,
      bootId: this.bootId,
      poolName: name,
      serverAtMs: this.#nowEpochMs(),
      startedAtMs: this.#startedAtMs,
      tickMs: TICK_MS,
      pingMs: PING_MS,
      series: SERIES,
      access: isAdmin ? 'admin' : 'read',
      limits: {
        max: reader.max + writer.max,
        readers: reader.max,
        maxWaiters,
        acquireTimeoutMs: view.acquireTimeoutMs,
      },
      state: this.#aggregator.readState(),
    }
  }

  get #startedAtMs(): number {
    return Math.round(this.#options.view.startedAtMs)
  }

  #nowEpochMs(): number {
    const { clock } = this.#options
    return Math.round(clock.timeOriginMs + clock.nowMs())
  }
}
