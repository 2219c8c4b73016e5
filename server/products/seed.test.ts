import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { productLimits } from './product.ts'
import { Random } from '../random.ts'
import { SEED_PRODUCT_COUNT, seedProducts } from './seed.ts'
import { seedCatalog } from './seed-catalog.ts'

const DIGEST = 'cbaf16a6340e8e9b7fc495b40f96db8553fb27016c44d00ceeabda2a8af76870'

describe('seedProducts', () => {
  const products = seedProducts()

  it('makes the same shop on every machine', () => {
    const digest = createHash('sha256').update(JSON.stringify(products)).digest('hex')
    assert.equal(digest, DIGEST)
  })

  it('makes 10,000 products with ids from 1 on, later ones created later', () => {
    assert.equal(products.length, SEED_PRODUCT_COUNT)
    assert.equal(SEED_PRODUCT_COUNT, 10_000)
    for (const [index, product] of products.entries()) {
      assert.equal(product.id, index + 1)
      assert.ok(index === 0 || product.createdAtMs >= products[index - 1]!.createdAtMs)
    }
  })

  it('makes fewer on demand: the same ones', () => {
    assert.deepEqual(seedProducts(50), products.slice(0, 50))
    assert.deepEqual(seedProducts(0), [])
  })

  it('never gives a name twice', () => {
    assert.equal(new Set(products.map(({ name }) => name)).size, products.length)
  })

  it('fills all 24 categories, coffee among them, by their weights', () => {
    const counts = Map.groupBy(products, ({ category }) => category)
    assert.equal(counts.size, 24)
    assert.deepEqual([...counts.keys()].toSorted(), seedCatalog.map(({ slug }) => slug).toSorted())
    assert.ok(counts.get('coffee')!.length > 2 * counts.get('laptops')!.length)
  })

  it('keeps within the limits, and sells out a few', () => {
    for (const { name, description, priceCents, stock } of products) {
      assert.ok(name.length <= productLimits.nameLength, name)
      assert.ok(description.length <= productLimits.descriptionLength, description)
      assert.ok(priceCents > 0 && priceCents <= productLimits.priceCents, name)
      assert.ok(stock >= 0 && stock <= productLimits.stock, name)
    }
    const soldOutCount = products.filter(({ stock }) => stock === 0).length
    assert.ok(soldOutCount > 500 && soldOutCount < 1200, String(soldOutCount))
  })
})

describe('Random', () => {
  it('gives the numbers of mulberry32', () => {
    const random = new Random(1)
    assert.deepEqual(
      [random.next(), random.next(), random.next()],
      [0.627_073_940_588_161_3, 0.002_735_721_180_215_478, 0.527_447_039_959_952_2],
    )
  })

  it('stays below its limit', () => {
    const random = new Random(2)
    const drawn = Array.from({ length: 1000 }, () => random.below(3))
    assert.deepEqual(new Set(drawn), new Set([0, 1, 2]))
  })
})
