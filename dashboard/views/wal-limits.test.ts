import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { WalView } from '../../telemetry/protocol.ts'
import { calmWal } from '../models/testing/calm-wal.ts'
import { walLimits } from './wal-limits.ts'

const mib = 1024 ** 2
const labels = (change: Partial<WalView>): string[] =>
  walLimits({ ...calmWal, ...change }).map(({ label }) => label)

describe('the limits across the chart of the log', () => {
  it('are the size at which a checkpoint starts, unless none does', () => {
    assert.deepEqual(walLimits(calmWal), [{ value: 32 + 1000 * 4120, label: 'checkpoint' }])
    assert.deepEqual(labels({ checkpointFrames: 0 }), [])
    assert.deepEqual(walLimits(null), [])
  })

  it('are the size at which writers are held back, once the log is half as long', () => {
    const limitBytes = 64 * mib
    assert.deepEqual(labels({ limitBytes, sizeBytes: 32 * mib - 1 }), ['checkpoint'])
    assert.deepEqual(labels({ limitBytes, sizeBytes: 32 * mib }), ['checkpoint', 'limit'])
    assert.deepEqual(labels({ limitBytes: 0, sizeBytes: 32 * mib }), ['checkpoint'])
    assert.deepEqual(labels({ limitBytes, sizeBytes: null }), ['checkpoint'])
  })
})
