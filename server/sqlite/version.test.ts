import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sqliteVersion } from './version.ts'

describe('sqliteVersion', () => {
  it('is the version that the pool needs at least', () => {
    const [major = 0, minor = 0] = sqliteVersion().split('.').map(Number)
    assert.ok(major === 3 && minor >= 51, sqliteVersion())
  })
})
