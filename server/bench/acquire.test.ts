import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { formatAcquire, measureAcquire } from './acquire.ts'
import { contenders } from './contenders.ts'
import { settled } from '../testing/hand-clock.ts'

describe('measureAcquire', () => {
  it('measures every contender in every case, and compares', async () => {
    const report = await measureAcquire({ rounds: 2, sampleMs: 1 })
    assert.deepEqual(Object.keys(report.nsPerAcquire), [
      'uncontended',
      'contended',
      'queue_32',
      'queue_10000',
    ])
    for (const spreads of Object.values(report.nsPerAcquire)) {
      assert.deepEqual(Object.keys(spreads), Object.keys(contenders))
      for (const { median, min, max } of Object.values(spreads)) {
        assert.ok(min > 0 && min <= median && median <= max)
      }
    }
    assert.deepEqual(Object.keys(report.ratios), [
      'queue_10000_vs_32',
      'queue_10000_vs_32_of_bare',
      'uncontended_vs_bare',
      'contended_vs_bare',
    ])
    for (const ratio of Object.values(report.ratios)) assert.ok(ratio > 0)
    assert.match(formatAcquire(report), /^queue_10000 +\d+ \[\d+–\d+\] +\d+ \[\d+–\d+\]$/m)
  })
})

// What is fast and wrong must not set the bar.
describe('every contender', () => {
  for (const [name, open] of Object.entries(contenders)) {
    it(`${name} gives each connection to one caller at a time, first come first served`, async () => {
      const pool = await open(2)
      const held = [await pool.acquire(), await pool.acquire()]
      const served: number[] = []
      const callers = Array.from({ length: 10_000 }, async (_, index) => {
        const lease = await pool.acquire()
        served.push(index)
        await pool.release(lease)
      })
      await settled()
      assert.deepEqual(served, [])
      for (const lease of held) await pool.release(lease)
      await Promise.all(callers)
      assert.deepEqual(
        served,
        Array.from({ length: 10_000 }, (_, index) => index),
      )
      await pool.close()
    })
  }
})

describe('npm run bench', () => {
  for (const args of [[], ['acquired'], ['acquire', 'acquire'], ['acquire', '--jsn']]) {
    it(`ends with 64 and the usage for "${args.join(' ')}"`, () => {
      const main = join(import.meta.dirname, 'main.ts')
      const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
      assert.equal(status, 64)
      assert.equal(stderr, 'npm run bench -- <acquire> [--json]\n')
    })
  }
})
