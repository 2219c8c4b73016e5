import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { linkWords } from './link-words.ts'

const link = {
  phase: 'live',
  nowMs: 10_000,
  heardAtMs: 2000,
  dataAgeMs: 214,
  retryAtMs: null,
  notice: null,
} as const

describe('linkWords', () => {
  const cases: readonly (readonly [
    change: Partial<Parameters<typeof linkWords>[0]>,
    words: string,
  ])[] = [
    [{}, 'ok Live: 0.2 s'],
    [{ dataAgeMs: -40 }, 'ok Live: 0.0 s'],
    [{ dataAgeMs: null }, 'ok Live: '],
    [{ phase: 'stale' }, 'warn Stale: silent for 8.0 s'],
    [{ phase: 'disconnected', retryAtMs: 12_400 }, 'crit Disconnected: retry in 3 s'],
    [{ phase: 'disconnected', retryAtMs: 10_100 }, 'crit Disconnected: retrying'],
    [
      { phase: 'disconnected', retryAtMs: 10_100, notice: 'shutdown' },
      'crit Disconnected: server shut down, retrying',
    ],
    [{ phase: 'connecting' }, 'neutral Connecting: …'],
  ]
  for (const [change, expected] of cases) {
    it(`says “${expected}”`, () => {
      const { tone, state, detail } = linkWords({ ...link, ...change })
      assert.equal(`${tone} ${state}: ${detail}`.replaceAll('\u2009', ' '), expected)
    })
  }
})
