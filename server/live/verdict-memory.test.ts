import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SENTENCE_HOLD_MS, VerdictMemory } from './verdict-memory.ts'
import { verdictRules } from './verdict.ts'
import type { Finding } from './verdict.ts'

const finding = (code: string, sentence = code): Finding => ({
  rule: verdictRules.find((rule) => rule.code === code)!,
  sentence,
})
const healthy = finding('healthy')

/** What is said at each of the moments, as `code since`. */
function run(steps: readonly (readonly [atMs: number, ...codes: string[]])[]): string[] {
  const memory = new VerdictMemory()
  return steps.map(([atMs, ...codes]) => {
    const verdict = memory.observe([...codes.map((code) => finding(code)), healthy], atMs)
    return `${verdict.code} ${verdict.sinceAtMs}`
  })
}

describe('VerdictMemory', () => {
  it('says at once what stops callers, and since when', () => {
    const said = run([[0], [250, 'saturated'], [500, 'saturated'], [750, 'saturated']])
    assert.deepEqual(said, ['healthy 0', 'saturated 250', 'saturated 250', 'saturated 250'])
  })

  it('keeps it while it comes and goes within two seconds, then lets it go', () => {
    const said = run([[0, 'saturated'], [250], [1500], [2000, 'saturated'], [3750], [4250], [4500]])
    assert.deepEqual(said, [
      'saturated 0',
      'saturated 0',
      'saturated 0',
      'saturated 0',
      'saturated 0',
      'healthy 4250',
      'healthy 4250',
    ])
  })

  it('does not speak of a short peak near capacity', () => {
    const said = run([
      [0, 'near_capacity'],
      [1000, 'near_capacity'],
      [1750],
      [4000, 'near_capacity'],
      [5000, 'near_capacity'],
      [6000, 'near_capacity'],
    ])
    assert.deepEqual(
      said.slice(0, 5),
      Array.from({ length: 5 }, () => 'healthy 0'),
    )
    assert.equal(said[5], 'near_capacity 4000', 'since it began, not since it was said')
  })

  it('remembers a refusal for ten seconds', () => {
    const said = run([[0, 'timeouts'], [10_000], [10_250]])
    assert.deepEqual(said, ['timeouts 0', 'timeouts 0', 'healthy 10250'])
  })

  it('says the higher of two, and comes back to the other with its own beginning', () => {
    const said = run([
      [0, 'leak_suspect'],
      [1000, 'saturated', 'leak_suspect'],
      [2000, 'leak_suspect'],
      [3250, 'leak_suspect'],
    ])
    assert.deepEqual(said, ['leak_suspect 0', 'saturated 1000', 'saturated 1000', 'leak_suspect 0'])
  })

  it('does not linger in a state that the pool has left', () => {
    assert.deepEqual(run([[0, 'starting'], [250]]), ['starting 0', 'healthy 250'])
  })

  it('changes its sentence at most every two seconds while the code stays', () => {
    const memory = new VerdictMemory()
    const said = [0, 500, 1000, 1500, SENTENCE_HOLD_MS, 2500].map(
      (atMs) => memory.observe([finding('saturated', `at ${atMs}`), healthy], atMs).sentence,
    )
    assert.deepEqual(said, ['at 0', 'at 0', 'at 0', 'at 0', 'at 2000', 'at 2000'])
  })
})
