import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { formatAcquire, measureAcquire, type AcquireReport } from './acquire.ts'
import { contenders } from './contenders.ts'
import { peers } from './peers.ts'
import { settled } from '../testing/hand-clock.ts'

describe('measureAcquire', () => {
  let report: AcquireReport
  before(async () => {
    report = await measureAcquire({ rounds: 2, sampleMs: 1 })
  })

  it('measures every contender in every case, and compares', () => {
    assert.deepEqual(Object.keys(report.nsPerAcquire), [
      'uncontended',
      'contended',
      'queue_32',
      'queue_10000',
      'queue_32_awaited',
      'queue_10000_awaited',
    ])
    for (const spreads of Object.values(report.nsPerAcquire)) {
      assert.deepEqual(Object.keys(spreads), Object.keys(contenders))
      for (const { median, min, max } of Object.values(spreads)) {
        assert.ok(min > 0 && min <= median && median <= max)
      }
    }
    for (const bytes of Object.values(report.bytesPerAcquire)) {
      assert.deepEqual(Object.keys(bytes), Object.keys(contenders))
      for (const each of Object.values(bytes)) assert.ok(each > 0)
    }
    const others = Object.keys(contenders).slice(1)
    assert.deepEqual(Object.keys(report.ratios), [
      'uncontended_vs_fastest',
      'contended_vs_fastest',
      'queue_10000_vs_32',
      ...others.map((other) => `queue_10000_vs_32_of_${other}`),
      'queue_10000_vs_32_awaited',
      ...others.map((other) => `queue_10000_vs_32_awaited_of_${other}`),
      ...Object.keys(report.nsPerAcquire).flatMap((name) =>
        others.map((other) => `${name}_vs_${other}`),
      ),
    ])
    for (const ratio of Object.values(report.ratios)) assert.ok(ratio > 0)
    const spreads = `( +\\d+ \\[\\d+–\\d+\\]){${Object.keys(contenders).length}}`
    assert.match(formatAcquire(report), new RegExp(`^queue_10000${spreads}$`, 'm'))
  })

  it('compares with the peer of the lowest median, which the floor never is', () => {
    const { fastest, nsPerAcquire, ratios, bars } = report
    for (const name of ['uncontended', 'contended'] as const) {
      const lowest = Object.keys(peers).toSorted(
        (a, b) => nsPerAcquire[name][a]!.median - nsPerAcquire[name][b]!.median,
      )[0]
      assert.equal(fastest[name], lowest)
      assert.equal(ratios[`${name}_vs_fastest`], ratios[`${name}_vs_${lowest}`])
    }
    assert.deepEqual(
      bars.map(({ ratio, most, isMet }) => [ratio, most, isMet]),
      [
        ['uncontended_vs_fastest', 1.2, ratios['uncontended_vs_fastest']! <= 1.2],
        ['contended_vs_fastest', 1, ratios['contended_vs_fastest']! <= 1],
        ['queue_10000_vs_32', 1.5, ratios['queue_10000_vs_32']! <= 1.5],
      ],
    )
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
      assert.equal(served.length, 10_000)
      // Not the whole lists: the difference of two that long takes minutes to be told.
      const firstWrong = served.findIndex((caller, place) => caller !== place)
      assert.equal(firstWrong, -1)
      await pool.close()
    })
  }
})

describe('npm run bench', () => {
  for (const args of [[], ['acquired'], ['acquire', 'threads'], ['acquire', '--jsn']]) {
    it(`ends with 64 and the usage for "${args.join(' ')}"`, () => {
      const main = join(import.meta.dirname, 'main.ts')
      const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
      assert.equal(status, 64)
      assert.equal(
        stderr,
        'npm run bench -- <acquire|threads|wal> [--json], wal also [--minutes N]\n',
      )
    })
  }
})
