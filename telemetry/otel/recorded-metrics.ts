import { ValueType } from '@opentelemetry/api'
import type { Attributes, Meter } from '@opentelemetry/api'
import type { CheckpointEvent, EventSink } from '../events.ts'
import type { Histogram } from '../histogram.ts'
import type { PoolView } from '../pool-view.ts'
import { secondsOf } from '../units.ts'
import { ATTRIBUTE } from './attributes.ts'
import { METRIC, type Metric } from './names.ts'
import {
  databaseAttributes,
  laneAttributes,
  poolAttributes,
  statementErrorAttributes,
} from './pool-attributes.ts'

type Recorder = (value: number, attributes: Attributes) => void

/** What a value is recorded under: as it is, or with how it failed. */
interface Outcomes {
  readonly success: Attributes
  failure(errorType: string): Attributes
}

export interface RecordedMetrics {
  /**
   * Must hear every event. A checkpoint's duration comes from its event and not from its histogram,
   * because only the event knows mode and trigger; the WAL manager makes one with every record.
   */
  readonly sink: EventSink
  stop(): void
}

/** Durations and depths: heard from `Histogram.onRecord`, in the same call that counts them. */
export function recordPool(meter: Meter, view: PoolView): RecordedMetrics {
  const { stats } = view
  const waitTime = createRecorder(meter, METRIC.waitTime)
  const useTime = createRecorder(meter, METRIC.useTime)
  const createTime = createRecorder(meter, METRIC.createTime)
  const queueDepth = createRecorder(meter, METRIC.queueDepth)
  const operation = createRecorder(meter, METRIC.operationDuration)
  const checkpoint = createRecorder(meter, METRIC.checkpointDuration)
  const writerStall = createRecorder(meter, METRIC.writerStall)

  const ofStatements = outcomes(databaseAttributes(view), statementErrorAttributes)
  const ofPool = outcomes(poolAttributes(view), errorTypeAttribute)
  const stops = [
    hear(stats.operationMs, inSeconds(operation), ofStatements),
    hear(stats.checkpoint.stallMs, inSeconds(writerStall), ofPool),
  ]
  for (const lane of [stats.reader, stats.writer]) {
    const ofLane = outcomes(laneAttributes(view, lane.role), errorTypeAttribute)
    stops.push(
      hear(lane.waitMs, inSeconds(waitTime), ofLane),
      hear(lane.useMs, inSeconds(useTime), ofLane),
      hear(lane.createMs, inSeconds(createTime), ofLane),
      hear(lane.queueDepth, queueDepth, ofLane),
    )
  }
  return {
    sink: (event) => {
      if (event.type !== 'checkpoint') return
      checkpoint(secondsOf(event.durationMs), checkpointAttributes(view, event))
    },
    stop: () => stops.forEach((stop) => stop()),
  }
}

function createRecorder(
  meter: Meter,
  metric: Metric & { readonly boundaries: readonly number[] },
): Recorder {
  const histogram = meter.createHistogram(metric.name, {
    description: metric.description,
    unit: metric.unit,
    valueType: metric.isInteger === true ? ValueType.INT : ValueType.DOUBLE,
    advice: { explicitBucketBoundaries: [...metric.boundaries] },
  })
  return (value, attributes) => histogram.record(value, attributes)
}

const inSeconds =
  (record: Recorder): Recorder =>
  (valueMs, attributes) =>
    record(secondsOf(valueMs), attributes)

function hear(histogram: Histogram, record: Recorder, of: Outcomes): () => void {
  const onRecord = (value: number, errorType: string | undefined): void =>
    record(value, errorType === undefined ? of.success : of.failure(errorType))
  histogram.onRecord = onRecord
  return () => {
    // Whoever listens by now is not ours to silence.
    if (histogram.onRecord === onRecord) histogram.onRecord = undefined
  }
}

const errorTypeAttribute = (errorType: string): Attributes => ({ [ATTRIBUTE.errorType]: errorType })

/** Error types are few (our failures, SQLite's codes): each gets its attributes once. */
function outcomes(success: Attributes, describe: (errorType: string) => Attributes): Outcomes {
  const failures = new Map<string, Attributes>()
  return {
    success,
    failure: (errorType) => {
      const known = failures.get(errorType)
      if (known !== undefined) return known
      const attributes = { ...success, ...describe(errorType) }
      failures.set(errorType, attributes)
      return attributes
    },
  }
}

function checkpointAttributes(view: PoolView, event: CheckpointEvent): Attributes {
  return {
    ...poolAttributes(view),
    [ATTRIBUTE.checkpointMode]: event.mode.toLowerCase(),
    [ATTRIBUTE.checkpointTrigger]: event.trigger,
    ...(event.errorCode === null ? {} : errorTypeAttribute(event.errorCode)),
  }
}
