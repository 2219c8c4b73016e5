import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytesScale, countScale, waitScale } from './scales.ts'

const plain = (labels: readonly string[]): string[] =>
  labels.map((label) => label.replaceAll('\u2009', ' '))

describe('the axes', () => {
  it('label decades of waiting, each in its unit', () => {
    assert.deepEqual(plain(waitScale.labels([0.01, 0.1, 1, 10, 100, 1000, 10_000])), [
      '10 µs',
      '100 µs',
      '1 ms',
      '10 ms',
      '100 ms',
      '1 s',
      '10 s',
    ])
  })

  it('reach to the decade above the longest wait', () => {
    assert.deepEqual(waitScale.range(0), [0.01, 10])
    assert.deepEqual(waitScale.range(9), [0.01, 100])
    assert.deepEqual(waitScale.range(4200), [0.01, 10_000])
  })

  it('label bytes in one unit', () => {
    const mib = 1024 ** 2
    assert.deepEqual(plain(bytesScale.labels([0, mib / 2, mib, 3 * mib])), [
      '0',
      '0.50 MiB',
      '1 MiB',
      '3 MiB',
    ])
  })

  it('leave room above the limit', () => {
    assert.ok(countScale.range(8)[1] > 8)
    assert.deepEqual(countScale.range(0), [0, 4])
  })
})
