/** A number as the page shows it: `unit` is set smaller and dimmer beside `value`. */
export interface Quantity {
  readonly value: string
  readonly unit: string
}

/** No data: never the same as zero, and never the last known value. */
export const NO_DATA: Quantity = { value: '–', unit: '' }

const THIN_SPACE = '\u2009'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** `2.41 ms` in one string, the unit behind a thin space. */
export const toText = ({ value, unit }: Quantity): string =>
  unit === '' ? value : `${value}${THIN_SPACE}${unit}`

/**
 * A duration with three significant digits: `812 µs`, `2.41 ms`, `38.1 s`, then `4 m 12 s`.
 * Below a microsecond it is `0 ms`: nobody waited.
 */
export function duration(ms: number | null): Quantity {
  if (ms === null) return NO_DATA
  if (ms < 0.000_5) return { value: '0', unit: 'ms' }
  if (roundsBelow(ms * 1000, 1000)) return { value: threeDigits(ms * 1000), unit: 'µs' }
  if (roundsBelow(ms, 1000)) return { value: threeDigits(ms), unit: 'ms' }
  if (Number((ms / 1000).toPrecision(3)) < 60) return { value: threeDigits(ms / 1000), unit: 's' }
  return { value: longDuration(Math.round(ms / 1000) * 1000), unit: '' }
}

/** An age that ticks: whole seconds from ten on, so that a column of them stays calm. */
export function age(ms: number): Quantity {
  const past = Math.max(0, ms)
  if (past < 1000) return { value: String(Math.floor(past / 10) * 10), unit: 'ms' }
  if (past < 10_000) return { value: (Math.floor(past / 100) / 10).toFixed(1), unit: 's' }
  if (past < MINUTE_MS) return { value: String(Math.floor(past / 1000)), unit: 's' }
  return { value: longDuration(past), unit: '' }
}

/** IEC units, one decimal below 100: `6.2 MiB`. */
export function bytes(count: number | null): Quantity {
  if (count === null) return NO_DATA
  let size = count
  let step = 0
  while (step < BYTE_UNITS.length - 1 && roundedBytes(size, step) >= 1024) {
    size /= 1024
    step += 1
  }
  const isWhole = step === 0 || size >= 99.95
  return { value: isWhole ? String(Math.round(size)) : size.toFixed(1), unit: BYTE_UNITS[step]! }
}

/** Grouped up to 9,999, then `12.4 k`. A fraction below ten keeps one decimal. */
export function count(amount: number | null): Quantity {
  if (amount === null) return NO_DATA
  const isWhole = Number.isInteger(amount) || Math.abs(amount) >= 9.95
  if (Math.abs(amount) < 9999.5) {
    return { value: isWhole ? group(Math.round(amount)) : amount.toFixed(1), unit: '' }
  }
  const [divisor, unit] =
    amount < 999_500 ? [1e3, 'k'] : amount < 999_500_000 ? [1e6, 'M'] : [1e9, 'G']
  return { value: threeDigits(amount / divisor), unit }
}

/** A count in a second. */
export function rate(perSecond: number | null): Quantity {
  const { value, unit } = count(perSecond)
  return value === NO_DATA.value ? NO_DATA : { value, unit: `${unit}/s` }
}

/** Local time of day, `12:04:31`. */
export function timeOfDay(atMs: number): string {
  const date = new Date(atMs)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')
}

/** A whole number with thousands grouped, for totals that are to be compared. */
export const group = (amount: number): string => String(amount).replaceAll(/\B(?=(\d{3})+$)/g, ',')

/** `one waiter`, `3 waiters`: `plural(3, 'waiter')` → `3 waiters`. */
export const plural = (amount: number, noun: string): string =>
  `${group(amount)} ${noun}${amount === 1 ? '' : 's'}`

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

// What is shown decides, not what is: 1,023.99 KiB must not read `1024 KiB`.
const roundedBytes = (size: number, step: number): number =>
  step === 0 || size >= 99.95 ? Math.round(size) : size

const roundsBelow = (amount: number, limit: number): boolean =>
  Number(amount.toPrecision(3)) < limit

const threeDigits = (amount: number): string => {
  const rounded = Number(amount.toPrecision(3))
  const decimals = rounded >= 100 ? 0 : rounded >= 10 ? 1 : 2
  return rounded.toFixed(decimals)
}

function longDuration(ms: number): string {
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(ms / DAY_MS), 'd'],
    [Math.floor((ms % DAY_MS) / HOUR_MS), 'h'],
    [Math.floor((ms % HOUR_MS) / MINUTE_MS), 'm'],
    [Math.floor((ms % MINUTE_MS) / 1000), 's'],
  ]
  const first = parts.findIndex(([amount]) => amount > 0)
  return parts
    .slice(first, first + 2)
    .map(([amount, unit]) => `${amount}${THIN_SPACE}${unit}`)
    .join(' ')
}

const twoDigits = (part: number): string => String(part).padStart(2, '0')
