import type { EventSink, PoolEvent, PoolEventBody, PoolObserver, TraceRef } from './events.ts'

/** Errors in a row after which a sink is no longer called. */
export const SINK_ERROR_LIMIT = 10

interface Entry {
  readonly sink: EventSink
  errorsInARow: number
}

const epochNowMs = (): number => performance.timeOrigin + performance.now()

/**
 * Numbers and stamps every event and tells all sinks, synchronously and in the order they were added.
 *
 * `emit` never throws. A sink that throws is counted in `sinkErrors`, and removed after
 * `SINK_ERROR_LIMIT` errors in a row: a broken reader must not cost the pool anything.
 */
export class EventBus implements PoolObserver {
  readonly #captureTrace: (() => TraceRef | null) | undefined
  readonly #nowEpochMs: () => number
  // Replaced, never mutated: a sink may come or go while an event is being told.
  #entries: readonly Entry[] = []
  #seq = 0
  #sinkErrors = 0

  /** Without `captureTrace` no event knows a trace. `nowEpochMs` is for tests. */
  constructor(
    options: {
      readonly captureTrace?: () => TraceRef | null
      readonly nowEpochMs?: () => number
    } = {},
  ) {
    this.#captureTrace = options.captureTrace
    this.#nowEpochMs = options.nowEpochMs ?? epochNowMs
  }

  /** The number of the latest event; 0 before the first. */
  get seq(): number {
    return this.#seq
  }

  get isObserved(): boolean {
    return this.#entries.length > 0
  }

  /** Errors thrown by sinks since start. */
  get sinkErrors(): number {
    return this.#sinkErrors
  }

  emit(body: PoolEventBody): void {
    this.#seq += 1
    if (this.#entries.length === 0) return
    const event: PoolEvent = { ...body, seq: this.#seq, atMs: this.#nowEpochMs() }
    for (const entry of this.#entries) this.#tell(entry, event)
  }

  captureTrace(): TraceRef | null {
    if (this.#captureTrace === undefined) return null
    try {
      return this.#captureTrace()
    } catch {
      this.#sinkErrors += 1
      return null
    }
  }

  /** Adds a reader of all events from now on; the result removes it again. */
  addSink(sink: EventSink): () => void {
    const entry: Entry = { sink, errorsInARow: 0 }
    this.#entries = [...this.#entries, entry]
    return () => this.#remove(entry)
  }

  #tell(entry: Entry, event: PoolEvent): void {
    try {
      entry.sink(event)
      entry.errorsInARow = 0
    } catch {
      this.#sinkErrors += 1
      entry.errorsInARow += 1
      if (entry.errorsInARow >= SINK_ERROR_LIMIT) this.#remove(entry)
    }
  }

  #remove(entry: Entry): void {
    this.#entries = this.#entries.filter((other) => other !== entry)
  }
}
