import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDuration } from './duration.ts'

describe('parseDuration', () => {
  const cases: readonly (readonly [text: string, ms: number | null])[] = [
    ['500ms', 500],
    ['60s', 60_000],
    ['5m', 300_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['60', null],
    ['s', null],
    ['', null],
    ['-1s', null],
    ['1 s', null],
    ['1S', null],
    ['1s2', null],
    ['1e3s', null],
    ['.5s', null],
  ]
  for (const [text, ms] of cases) {
    it(`reads "${text}" as ${ms === null ? 'nothing' : `${ms} ms`}`, () => {
      assert.equal(parseDuration(text), ms)
    })
  }
})
