import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assertSafeSqlite, hasNoop, hasWalResetRace } from './guard.ts'

describe('hasWalResetRace', () => {
  const cases: [version: string, hasRace: boolean][] = [
    ['3.6.23', false],
    ['3.7.0', true],
    ['3.44.5', true],
    ['3.44.6', false],
    ['3.45.0', true],
    ['3.50.6', true],
    ['3.50.7', false],
    ['3.51.2', true],
    ['3.51.3', false],
    ['3.54.1', false],
    ['4.0.0', false],
  ]
  for (const [version, hasRace] of cases) {
    it(`${version} → ${hasRace}`, () => assert.equal(hasWalResetRace(version), hasRace))
  }
})

describe('assertSafeSqlite', () => {
  it('refuses a version with the race and one without NOOP, naming it', () => {
    for (const version of ['3.51.0', '3.50.7', '3.44.6', '3.46.1']) {
      assert.throws(() => assertSafeSqlite(version), {
        code: 'WAL_UNSAFE_SQLITE',
        message: new RegExp(`^SQLite ${version} `),
      })
    }
  })

  it('accepts the version that better-sqlite3 brings', () => assertSafeSqlite('3.54.1'))

  it('knows NOOP from 3.51.0 on', () => {
    assert.deepEqual(['3.50.9', '3.51.0', '3.100.0'].map(hasNoop), [false, true, true])
  })
})
