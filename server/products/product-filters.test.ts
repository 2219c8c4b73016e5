import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { productLimits } from './product.ts'
import { ProductError } from './product-error.ts'
import { resolveFilters, type ProductFilters } from './product-filters.ts'

describe('resolveFilters', () => {
  it('asks for the newest twenty of all when nothing is said', () => {
    assert.deepEqual(resolveFilters({}), {
      category: null,
      minPrice: 0,
      maxPrice: productLimits.priceCents,
      search: null,
      sort: 'newest',
      limit: 20,
      cursor: '',
    })
  })

  const refusals: readonly (readonly [field: string, filters: Record<string, unknown>])[] = [
    ['sort', { sort: 'id; DROP TABLE product' }],
    ['sort', { sort: 'constructor' }],
    ['limit', { limit: 0 }],
    ['limit', { limit: 101 }],
    ['limit', { limit: 2.5 }],
    ['limit', { limit: '20' }],
    ['minPrice', { minPrice: -1 }],
    ['minPrice', { minPrice: Number.NaN }],
    ['maxPrice', { maxPrice: productLimits.priceCents + 1 }],
    ['minPrice', { minPrice: 200, maxPrice: 100 }],
  ]
  for (const [field, filters] of refusals) {
    it(`refuses ${JSON.stringify(filters)} and names ${field}`, () => {
      assert.throws(
        () => resolveFilters(filters as ProductFilters),
        (error) => {
          assert.ok(error instanceof ProductError)
          assert.equal(error.code, 'VALIDATION')
          assert.partialDeepStrictEqual(error.details, {
            part: 'querystring',
            fields: [{ field }],
          })
          return true
        },
      )
    })
  }
})
