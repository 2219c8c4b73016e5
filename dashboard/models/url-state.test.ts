import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readToken, readUrl, writeUrl } from './url-state.ts'

describe('readUrl', () => {
  const cases: readonly (readonly [search: string, range: string, theme: string | null])[] = [
    ['', '5m', null],
    ['?range=15m', '15m', null],
    ['?range=7m&theme=pink', '5m', null],
    ['?theme=dark&range=1h&other=1', '1h', 'dark'],
    ['?range=%', '5m', null],
  ]
  for (const [search, range, theme] of cases) {
    it(`reads ${search === '' ? 'nothing' : search}`, () => {
      assert.deepEqual(readUrl(search), { range, theme })
    })
  }
})

describe('writeUrl', () => {
  const cases: readonly (readonly [
    before: string,
    change: Parameters<typeof writeUrl>[1],
    after: string,
  ])[] = [
    ['', { range: '15m' }, '?range=15m'],
    ['?range=15m', { range: '5m' }, ''],
    ['?x=1&range=15m', { range: '1h' }, '?x=1&range=1h'],
    ['?x=1', {}, '?x=1'],
    ['', { theme: 'light' }, '?theme=light'],
  ]
  for (const [before, change, after] of cases) {
    it(`turns “${before}” into “${after}”`, () => assert.equal(writeUrl(before, change), after))
  }
})

describe('readToken', () => {
  const cases: readonly (readonly [hash: string, token: string | null])[] = [
    ['#token=abc-123_X', 'abc-123_X'],
    ['#token=', null],
    ['#wal', null],
    ['', null],
  ]
  for (const [hash, token] of cases) {
    it(`finds ${token} in “${hash}”`, () => assert.equal(readToken(hash), token))
  }
})
