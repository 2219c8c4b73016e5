import { age, toText } from '../format.ts'
import type { LinkPhase } from './live-link.ts'
import type { Notice } from './pool-feed.ts'

export interface LinkWords {
  readonly tone: 'ok' | 'warn' | 'crit' | 'neutral'
  readonly state: string
  readonly detail: string
}

/** The state of the link in words: `Live` `0.2 s`. */
export function linkWords(link: {
  readonly phase: LinkPhase
  readonly nowMs: number
  readonly heardAtMs: number | null
  /** How old the newest numbers are; `null` before the first. */
  readonly dataAgeMs: number | null
  readonly retryAtMs: number | null
  readonly notice: Notice
}): LinkWords {
  const { phase, nowMs, heardAtMs, dataAgeMs, retryAtMs, notice } = link
  switch (phase) {
    case 'live':
      return { tone: 'ok', state: 'Live', detail: dataAgeMs === null ? '' : ageWords(dataAgeMs) }
    case 'stale':
      return {
        tone: 'warn',
        state: 'Stale',
        detail: `silent for ${ageWords(nowMs - (heardAtMs ?? nowMs))}`,
      }
    case 'connecting':
    case 'off':
      return { tone: 'neutral', state: 'Connecting', detail: '…' }
    case 'disconnected': {
      const why = notice === 'shutdown' ? 'server shut down, ' : ''
      const waitMs = retryAtMs === null ? 0 : Math.max(0, retryAtMs - nowMs)
      const when = waitMs < 500 ? 'retrying' : `retry in ${Math.ceil(waitMs / 1000)} s`
      return { tone: 'crit', state: 'Disconnected', detail: why + when }
    }
  }
}

// Tenths all the way down, so that the words keep their width between two frames.
const ageWords = (ms: number): string =>
  ms < 1000 ? `${(Math.max(0, ms) / 1000).toFixed(1)}\u2009s` : toText(age(ms))
