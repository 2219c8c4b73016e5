import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ProductSummary } from './product.ts'
import type { CategoryStats } from './product-stats.ts'
import { seedCatalog } from './seed-catalog.ts'
import { openShop } from './testing/open-pool.ts'
import { anyDraft, restock } from './testing/shelf.ts'

/** The figures of one category, the slow and obvious way. */
function figuresOf(shelf: readonly ProductSummary[]): Omit<CategoryStats, 'category' | 'name'> {
  const prices = shelf.map(({ priceCents }) => priceCents).toSorted((a, b) => a - b)
  const values = shelf.map(({ priceCents, stock }) => priceCents * stock)
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)
  const count = prices.length
  const middle = [prices[Math.ceil(count / 2) - 1]!, prices[Math.floor(count / 2)]!]
  const best = values.indexOf(Math.max(...values))
  return {
    productCount: count,
    soldOutCount: shelf.filter(({ stock }) => stock === 0).length,
    stock: sum(shelf.map(({ stock }) => stock)),
    stockValueCents: sum(values),
    minPriceCents: prices[0] ?? null,
    medianPriceCents: count === 0 ? null : Math.round(sum(middle) / 2),
    meanPriceCents: count === 0 ? null : Math.round(sum(prices) / count),
    p90PriceCents: prices[Math.ceil(count * 0.9) - 1] ?? null,
    maxPriceCents: prices.at(-1) ?? null,
    mostValuable: shelf[best]?.name ?? null,
  }
}

describe('ProductService.getStats', () => {
  it('agrees with the same figures made in JavaScript', async (t) => {
    const { pool, products } = await openShop(t)
    const agrees = fc.asyncProperty(fc.array(anyDraft, { maxLength: 40 }), async (drafts) => {
      const shelf = await restock(pool, products, drafts)
      const stats = await products.getStats()
      assert.equal(stats.productCount, shelf.length)
      for (const { category, name, ...figures } of stats.categories) {
        const ofCategory = shelf.filter((product) => product.category === category)
        assert.deepEqual(figures, figuresOf(ofCategory), name)
      }
    })
    await fc.assert(agrees, { numRuns: 50 })
  })

  it('has a row for every category, the most valuable first', async (t) => {
    const { products } = await openShop(t)
    const { categories, productCount, stockValueCents } = await products.getStats()
    assert.deepEqual(
      categories.map(({ category, name }) => `${category} ${name}`).toSorted(),
      seedCatalog.map(({ slug, name }) => `${slug} ${name}`).toSorted(),
    )
    const values = categories.map((category) => category.stockValueCents)
    assert.deepEqual(
      values,
      values.toSorted((a, b) => b - a),
    )
    assert.equal(productCount, 10_000)
    assert.equal(
      stockValueCents,
      values.reduce((a, b) => a + b),
    )
  })
})
