import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { age, bytes, count, duration, group, plural, rate, toText } from './format.ts'

const plain = (text: string): string => text.replaceAll('\u2009', ' ')

describe('duration', () => {
  const cases: readonly (readonly [ms: number | null, text: string])[] = [
    [null, '–'],
    [0, '0 ms'],
    [0.001, '1.00 µs'],
    [0.0123, '12.3 µs'],
    [0.812, '812 µs'],
    [0.9994, '999 µs'],
    [0.9996, '1.00 ms'],
    [2.414, '2.41 ms'],
    [38.06, '38.1 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [38_120, '38.1 s'],
    [59_940, '59.9 s'],
    [59_960, '1 m 0 s'],
    [60_000, '1 m 0 s'],
    [252_000, '4 m 12 s'],
    [3_600_000, '1 h 0 m'],
    [93_600_000, '1 d 2 h'],
  ]
  for (const [ms, text] of cases) {
    it(`shows ${ms} ms as ${text}`, () => assert.equal(plain(toText(duration(ms))), text))
  }
})

describe('age', () => {
  const cases: readonly (readonly [ms: number, text: string])[] = [
    [-5, '0 ms'],
    [847, '840 ms'],
    [1000, '1.0 s'],
    [9999, '9.9 s'],
    [10_000, '10 s'],
    [59_999, '59 s'],
    [60_000, '1 m 0 s'],
    [7_500_000, '2 h 5 m'],
  ]
  for (const [ms, text] of cases) {
    it(`shows ${ms} ms as ${text}`, () => assert.equal(plain(toText(age(ms))), text))
  }
})

describe('bytes', () => {
  const cases: readonly (readonly [amount: number | null, text: string])[] = [
    [null, '–'],
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [4_120_032, '3.9 MiB'],
    [6_501_171, '6.2 MiB'],
    [104_752_742, '99.9 MiB'],
    [104_857_600, '100 MiB'],
    [1024 ** 3 - 1, '1.0 GiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
  ]
  for (const [amount, text] of cases) {
    it(`shows ${amount} as ${text}`, () => assert.equal(plain(toText(bytes(amount))), text))
  }
})

describe('count', () => {
  const cases: readonly (readonly [amount: number | null, text: string])[] = [
    [null, '–'],
    [0, '0'],
    [0.5, '0.5'],
    [9.96, '10'],
    [12.4, '12'],
    [999, '999'],
    [1240, '1,240'],
    [9999, '9,999'],
    [10_000, '10.0 k'],
    [12_400, '12.4 k'],
    [999_499, '999 k'],
    [999_500, '1.00 M'],
    [3_210_000_000, '3.21 G'],
  ]
  for (const [amount, text] of cases) {
    it(`shows ${amount} as ${text}`, () => assert.equal(plain(toText(count(amount))), text))
  }

  it('keeps no data apart from zero, also as a rate', () => {
    assert.equal(plain(toText(rate(null))), '–')
    assert.equal(plain(toText(rate(0))), '0 /s')
    assert.equal(plain(toText(rate(12_400))), '12.4 k/s')
  })
})

describe('group and plural', () => {
  it('group thousands and know one from many', () => {
    assert.equal(group(184_213), '184,213')
    assert.equal(plural(1, 'frame'), '1 frame')
    assert.equal(plural(0, 'frame'), '0 frames')
  })
})
