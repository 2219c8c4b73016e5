import { RANGES } from './series-store.ts'
import type { RangeName } from './series-store.ts'

export const THEMES = ['auto', 'dark', 'light'] as const
export type Theme = (typeof THEMES)[number]

/** What of the page is in its address, so that a link shows the same. */
export interface UrlState {
  readonly range: RangeName
  /** `null` leaves it to what this browser chose before. */
  readonly theme: Theme | null
}

export const DEFAULT_RANGE: RangeName = '5m'

/** Reads `?range=15m&theme=dark`; what it does not know is ignored. */
export function readUrl(search: string): UrlState {
  const query = new URLSearchParams(search)
  return {
    range: RANGES.find(({ name }) => name === query.get('range'))?.name ?? DEFAULT_RANGE,
    theme: THEMES.find((name) => name === query.get('theme')) ?? null,
  }
}

/** The search part with a setting changed and everything else kept; a default leaves no trace. */
export function writeUrl(search: string, change: Partial<UrlState>): string {
  const query = new URLSearchParams(search)
  if (change.range !== undefined) set(query, 'range', change.range, DEFAULT_RANGE)
  if (change.theme !== undefined) set(query, 'theme', change.theme ?? 'auto', null)
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}

/** The token of a login link, `#token=…`, or `null`. */
export function readToken(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, '')).get('token')
  return token === null || token === '' ? null : token
}

function set(query: URLSearchParams, name: string, value: string, byDefault: string | null): void {
  if (value === byDefault) query.delete(name)
  else query.set(name, value)
}
