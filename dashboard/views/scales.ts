import type { ChartScale } from '../components/chart-spec.ts'
import { bytes, count, duration, toText } from '../format.ts'

const KIB = 1024
/** Ten microseconds: what waits less did not wait. */
const SHORTEST_WAIT_MS = 0.01

/** Whole things: connections, callers. Some room above, so that a line at the limit is not the edge. */
export const countScale: ChartScale = {
  isLog: false,
  steps: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000],
  range: (highest) => [0, Math.max(4, highest * 1.15)],
  labels: (values) => values.map((value) => toText(count(value))),
}

/** From 10 µs in powers of ten: an idle pool and a starved one fit on one axis. */
export const waitScale: ChartScale = {
  isLog: true,
  range: (highest) => [
    SHORTEST_WAIT_MS,
    10 ** Math.max(1, Math.ceil(Math.log10(Math.max(1, highest) * 1.2))),
  ],
  labels: (values) => values.map(decadeLabel),
}

/** Bytes in one unit, in steps of powers of two. */
export const bytesScale: ChartScale = {
  isLog: false,
  steps: Array.from({ length: 32 }, (_, power) => KIB * 2 ** power),
  range: (highest) => [0, Math.max(64 * KIB, highest * 1.15)],
  labels: byteLabels,
}

function decadeLabel(ms: number): string {
  const { value, unit } = duration(ms)
  return `${Number(value)}\u2009${unit}`
}

function byteLabels(values: readonly number[]): string[] {
  const { unit } = bytes(Math.max(0, ...values))
  const divisor = KIB ** Math.max(0, ['B', 'KiB', 'MiB', 'GiB', 'TiB'].indexOf(unit))
  return values.map((value) => {
    const amount = value / divisor
    const text = Number.isInteger(amount) ? String(amount) : amount.toFixed(amount < 1 ? 2 : 1)
    return value === 0 ? '0' : `${text}\u2009${unit}`
  })
}
