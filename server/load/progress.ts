import { quantileMs, subtract, type HistogramSnapshot } from '../../telemetry/histogram.ts'
import type { Timer } from '../pool/clock.ts'
import type { LoadClock } from './clock.ts'
import type { Schedule } from './schedule.ts'
import type { Tally } from './tally.ts'

const TERMINAL_INTERVAL_MS = 500
const PLAIN_INTERVAL_MS = 5000
const CLEAR_LINE = '\r\u001B[2K'

/** Where the progress line goes. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/**
 * Says how it goes: on a terminal one line that is written over twice a second, otherwise a line every five.
 * Rate and latencies are those since the line before.
 */
export function startProgress(parts: {
  readonly clock: LoadClock
  readonly progress: ProgressOutput
  readonly tally: Tally
  readonly schedule: Schedule
  readonly durationMs: number
}): { stop(): void } {
  const { clock, progress, tally, schedule } = parts
  const isTerminal = progress.isTTY === true
  const intervalMs = isTerminal ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS
  let before: Moment = { atMs: schedule.startedAtMs, snapshot: tally.all.histogram.snapshot() }
  let timer: Timer

  const tell = (): void => {
    const now: Moment = { atMs: clock.nowMs(), snapshot: tally.all.histogram.snapshot() }
    const line = progressLine({
      ...parts,
      elapsedMs: now.atMs - schedule.startedAtMs,
      before,
      now,
    })
    progress.write(isTerminal ? `${CLEAR_LINE}${line}` : `${line}\n`)
    before = now
    timer = clock.setTimer(tell, intervalMs)
  }
  timer = clock.setTimer(tell, intervalMs)

  return {
    stop() {
      clock.clearTimer(timer)
      if (isTerminal) progress.write(CLEAR_LINE)
    },
  }
}

interface Moment {
  readonly atMs: number
  readonly snapshot: HistogramSnapshot
}

function progressLine(given: {
  readonly tally: Tally
  readonly durationMs: number
  readonly elapsedMs: number
  readonly before: Moment
  readonly now: Moment
}): string {
  const { tally, before, now } = given
  const since = subtract(now.snapshot, before.snapshot)
  const perSecond = Math.round((since.count * 1000) / Math.max(1, now.atMs - before.atMs))
  const refusals = [...tally.statuses]
    .filter(([status]) => status >= 400)
    .sort(([a], [b]) => a - b)
    .map(([status, value]) => `${status}: ${value.toLocaleString('en')}`)
  return [
    `${seconds(given.elapsedMs)} of ${seconds(given.durationMs)} s`,
    `${perSecond.toLocaleString('en')} requests/s`,
    `p50 ${ms(quantileMs(since, 0.5))} ms`,
    `p99 ${ms(quantileMs(since, 0.99))} ms`,
    ...refusals,
    `errors: ${tally.errorCount.toLocaleString('en')}`,
  ].join(' · ')
}

const seconds = (valueMs: number): string => String(Math.round(valueMs / 1000))
const ms = (valueMs: number | null): string => (valueMs === null ? '–' : valueMs.toFixed(1))
