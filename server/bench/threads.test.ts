import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatThreads, measureThreads } from './threads.ts'

describe('measureThreads', () => {
  it('measures every variant, and compares', async () => {
    const report = await measureThreads({ rounds: 2, sampleMs: 150, clients: 4, aggregateMs: 1 })
    assert.ok(report.rows > 0 && report.aggregateMs > 0)
    assert.deepEqual(Object.keys(report.variants), ['inline', '1_reader', '2_readers'])
    for (const spreads of Object.values(report.variants)) {
      assert.deepEqual(Object.keys(spreads), [
        'aggregates_per_s',
        'lateness_p50_ms',
        'lateness_p99_ms',
        'lateness_max_ms',
        'light_turn_p99_ms',
      ])
      for (const { median, min, max } of Object.values(spreads)) {
        assert.ok(min >= 0 && min <= median && median <= max)
      }
      assert.ok(spreads.aggregates_per_s.min > 0)
      assert.ok(spreads.lateness_p50_ms.max <= spreads.lateness_max_ms.max)
    }
    assert.deepEqual(Object.keys(report.ratios), [
      'throughput_1_reader_vs_inline',
      'throughput_2_readers_vs_inline',
      'throughput_2_vs_1_reader',
      'lateness_p99_inline_vs_1_reader',
      'lateness_p99_inline_vs_2_readers',
      'light_turn_p99_inline_vs_1_reader',
      'light_turn_p99_inline_vs_2_readers',
    ])
    for (const ratio of Object.values(report.ratios)) assert.ok(ratio > 0)
    assert.match(formatThreads(report), /^lateness_p99_ms( +[\d.]+ \[[\d.]+–[\d.]+\]){3}$/m)
  })
})
