import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { productLimits } from './product.ts'
import { decodeCursor, encodeCursor } from './product-cursor.ts'
import { listLimits, resolveFilters, type ProductFilters } from './product-filters.ts'

const position = { key: 1499, id: 42 }
const given: ProductFilters = { sort: 'price', category: 'coffee', minPrice: 100 }
const filters = resolveFilters(given)
const refusal = { name: 'ProductError', code: 'VALIDATION', message: /^querystring\/cursor / }

const base64url = (content: unknown): string =>
  Buffer.from(JSON.stringify(content)).toString('base64url')

describe('a cursor', () => {
  it('brings back the position, whatever the key', () => {
    const key = fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme' }), fc.maxSafeNat())
    fc.assert(
      fc.property(key, fc.maxSafeNat(), (any, id) => {
        const cursor = encodeCursor({ key: any, id }, filters)
        assert.match(cursor, /^[A-Za-z0-9_-]+$/)
        assert.deepEqual(decodeCursor(cursor, filters), { key: any, id })
      }),
    )
  })

  it('fits another limit', () => {
    const cursor = encodeCursor(position, filters)
    assert.deepEqual(decodeCursor(cursor, { ...filters, limit: 7 }), position)
  })

  const others: readonly ProductFilters[] = [
    { sort: '-price' },
    { sort: 'newest' },
    { category: 'tea' },
    { minPrice: 101 },
    { maxPrice: 5000 },
    { search: 'a' },
  ]
  for (const other of others) {
    it(`is refused with ${JSON.stringify(other)}`, () => {
      const cursor = encodeCursor(position, filters)
      assert.throws(() => decodeCursor(cursor, resolveFilters({ ...given, ...other })), {
        ...refusal,
        message: /another sort or other filters/,
      })
    })
  }

  const mark = JSON.parse(
    Buffer.from(encodeCursor(position, filters), 'base64url').toString(),
  )[0] as string
  const broken = [
    { name: 'other text', cursor: 'hello' },
    { name: 'no JSON', cursor: Buffer.from('[1,').toString('base64url') },
    { name: 'no array', cursor: base64url({ mark, key: 1, id: 2 }) },
    { name: 'too short', cursor: base64url([mark, 1]) },
    { name: 'too long an array', cursor: base64url([mark, 1, 2, 3]) },
    { name: 'an id that is no number', cursor: base64url([mark, 1, '2 OR 1']) },
    { name: 'a fractional id', cursor: base64url([mark, 1, 2.5]) },
    { name: 'an object as key', cursor: base64url([mark, { toString: 1 }, 2]) },
    { name: 'a truth value as key', cursor: base64url([mark, true, 2]) },
    { name: 'a huge text', cursor: 'A'.repeat(listLimits.cursorLength + 1) },
  ]
  for (const { name, cursor } of broken) {
    it(`is refused when it is ${name}`, () => {
      assert.throws(() => decodeCursor(cursor, filters), refusal)
    })
  }

  it('is refused, and nothing else happens, for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        assert.throws(() => decodeCursor(text, filters), refusal)
      }),
    )
  })

  it('is short enough for the longest name', () => {
    for (const character of ['x', '"', '\\', 'ü', '🐟']) {
      const key = character.repeat(productLimits.nameLength)
      const cursor = encodeCursor({ key, id: Number.MAX_SAFE_INTEGER }, filters)
      assert.ok(cursor.length <= listLimits.cursorLength, `${character}: ${cursor.length}`)
      assert.deepEqual(decodeCursor(cursor, filters).key, key)
    }
  })
})
