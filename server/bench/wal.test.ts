import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { dueUs, quantile, serviceUs, worstStallMs } from './wal-latency.ts'
import { formatEndurance, isBounded, largestOf, measureEndurance } from './wal-minutes.ts'
import { writePaced } from './wal-writer.ts'
import { formatWAL, measureWAL, toReport, type Taken, type WALReport } from './wal.ts'

describe('measureWAL', () => {
  let report: WALReport
  before(async () => {
    const tiny = { rows: 500, rounds: 1, perSecond: 200 }
    report = await measureWAL({
      steady: { ...tiny, sampleMs: 300 },
      overlap: { ...tiny, sampleMs: 300, holdMs: 10, readers: 2 },
      drain: { ...tiny, backlogBytes: 4e6, aroundMs: 100 },
    })
  })

  it('measures every checkpointer in its scenes', () => {
    assert.deepEqual(
      Object.entries(report.scenes).map(([scene, variants]) => [scene, Object.keys(variants)]),
      [
        ['steady', ['default', 'ours']],
        ['overlap', ['default', 'ours', 'nobody']],
        ['drain', ['truncate', 'ours']],
      ],
    )
    assert.deepEqual(report.rounds, { steady: 1, overlap: 1, drain: 1 })
    for (const variants of Object.values(report.scenes)) {
      for (const { median, min, max } of Object.values(variants).flatMap(Object.values)) {
        assert.ok(min >= 0 && min <= median && median <= max)
      }
    }
  })

  it('commits, reads and drains in earnest', () => {
    const { steady, overlap, drain } = report.scenes
    for (const each of Object.values(steady)) {
      assert.ok(each['commits']!.min > 0 && each['largest_wal_mb']!.min > 0)
      assert.ok(each['p50_us']!.min > 0 && each['p50_us']!.max <= each['due_p50_us']!.max)
    }
    for (const each of Object.values(overlap)) {
      assert.ok(each['commits']!.min > 0 && each['reads']!.min > 0)
    }
    for (const each of Object.values(drain)) {
      assert.ok(each['backlog_mb']!.min >= 4 && each['checkpoint_ms']!.min > 0)
      assert.equal(each['busy']!.max, 0)
    }
  })

  it('has a table with every bar', () => {
    const table = formatWAL(report)
    assert.match(table, /^p999_us( +\d+ \[\d+–\d+\]){2}$/m)
    for (const { ratio, most } of report.bars) {
      assert.match(table, new RegExp(`^${ratio} +[\\d.]+ +bar ≤ ${most} +(not )?met$`, 'm'))
    }
  })
})

describe('toReport', () => {
  const rounds = (values: readonly Record<string, number>[]): Record<string, number>[] =>
    values.map((value) => ({ p50_us: 1, p99_us: 1, p999_us: 1, stall_ms: 1, ...value }))

  it('divides the medians over the rounds, ours by the other, and holds them against the bars', () => {
    const taken: Taken = {
      steady: {
        default: rounds([{ p999_us: 900 }, { p999_us: 100 }, { p999_us: 200 }]),
        ours: rounds([{ p999_us: 1 }, { p999_us: 50 }, { p999_us: 20 }]),
      },
      overlap: {
        default: rounds([{ p99_us: 10 }, { p99_us: 30 }]),
        ours: rounds([{ p99_us: 3 }, { p99_us: 5 }]),
        nobody: rounds([{ p99_us: 2 }, { p99_us: 2 }]),
      },
      drain: {
        truncate: rounds([{ stall_ms: 800 }]),
        ours: rounds([{ stall_ms: 100 }]),
      },
    }
    const { ratios, bars } = toReport(taken)
    assert.deepEqual(ratios, {
      p50_vs_default: 1,
      p999_vs_default: 0.1,
      overlap_p99_vs_default: 0.2,
      drain_stall_vs_truncate: 0.125,
    })
    assert.deepEqual(bars, [
      { ratio: 'p50_vs_default', most: 1.2, isMet: true },
      { ratio: 'p999_vs_default', most: 0.1, isMet: true },
      { ratio: 'overlap_p99_vs_default', most: 0.1, isMet: false },
      { ratio: 'drain_stall_vs_truncate', most: 0.125, isMet: true },
    ])
  })
})

describe('the latency of a paced writer', () => {
  const commits = [
    { dueMs: 0, startMs: 0, endMs: 30 },
    { dueMs: 10, startMs: 30, endMs: 31 },
    { dueMs: 40, startMs: 40, endMs: 42 },
  ]

  it('is what a commit took, and apart from it what it had waited for the one ahead', () => {
    assert.deepEqual(serviceUs(commits), [30_000, 1000, 2000])
    assert.deepEqual(dueUs(commits), [30_000, 21_000, 2000])
  })

  for (const [share, expected] of [
    [0.5, 2],
    [0.75, 3],
    [0.76, 4],
    [1, 4],
  ] as const) {
    it(`the quantile ${share} of 4, 1, 3, 2 is ${expected}`, () => {
      assert.equal(quantile([4, 1, 3, 2], share), expected)
    })
  }

  it('counts a commit as stalled when any part of it lies in the time that is looked at', () => {
    assert.equal(worstStallMs(commits, 30, 100), 30)
    assert.equal(worstStallMs(commits, 31, 100), 2)
    assert.equal(worstStallMs(commits, 31, 39), 1)
  })

  it('has no quantile when nothing was committed', () => {
    assert.throws(() => worstStallMs(commits, 50, 60), /nothing was committed/)
  })
})

describe('writePaced', () => {
  it('has one commit out at a time, none before it is due, and moves no due time for a late one', async () => {
    let out = 0
    let most = 0
    const indexes: number[] = []
    const commits = await writePaced(
      async (index) => {
        out += 1
        most = Math.max(most, out)
        indexes.push(index)
        await new Promise((resolve) => setImmediate(resolve))
        out -= 1
      },
      { perSecond: 1000, isOver: () => indexes.length === 5 },
    )
    assert.equal(most, 1)
    assert.deepEqual(indexes, [0, 1, 2, 3, 4])
    commits.forEach(({ dueMs, startMs, endMs }, index) => {
      assert.ok(startMs >= dueMs && endMs >= startMs)
      assert.ok(Math.abs(dueMs - commits[0]!.dueMs - index) < 1e-6)
    })
  })
})

describe('measureEndurance', () => {
  it('tells the longest log of each fifth', async () => {
    const report = await measureEndurance(0.02, { rows: 500 })
    assert.equal(report.largestMb.length, 5)
    assert.ok(report.commits > 0 && report.reads > 0 && report.largestMb.at(-1)! > 0)
    assert.equal(report.bounded, true)
    assert.match(formatEndurance(report), /^bounded +yes$/m)
  })

  it('splits the samples in parts that leave none out', () => {
    assert.deepEqual(largestOf([1, 5, 2, 4, 3, 9, 7], 3), [5, 4, 9])
    assert.deepEqual(largestOf([], 2), [0, 0])
  })

  for (const [sizesMb, expected] of [
    [[10, 20, 200, 260], true],
    [[300, 400, 480, 400], true],
    [[300, 400, 481, 400], false],
    [[100, 200, 300, 400], false],
  ] as const) {
    it(`calls ${sizesMb.join(', ')} MB ${expected ? '' : 'not '}bounded`, () => {
      assert.equal(isBounded(sizesMb), expected)
    })
  }

  for (const args of [[], ['--minutes', '0'], ['--minutes', 'two'], ['--minute', '1']]) {
    it(`ends with 64 and the usage for "${args.join(' ')}"`, () => {
      const file = join(import.meta.dirname, 'wal-minutes.ts')
      const { status, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' })
      assert.equal(status, 64)
      assert.equal(stderr, 'node server/bench/wal-minutes.ts --minutes N [--json]\n')
    })
  }
})
