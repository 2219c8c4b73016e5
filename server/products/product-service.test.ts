import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { systemClock, type Clock } from '../pool/index.ts'
import { productLimits, type ProductSummary } from './product.ts'
import { productSorts, type ProductFilters } from './product-filters.ts'
import { ProductService } from './product-service.ts'
import { executions, openShop } from './testing/open-pool.ts'
import { anyDraft, anyFilters, expectedList, restock } from './testing/shelf.ts'

const draft = { name: 'Night Shift', category: 'coffee', priceCents: 1499 }

for (const execution of executions) {
  describe(`ProductService, ${execution}`, () => {
    it('lists a page of the newest', async (t) => {
      const { products } = await openShop(t, { execution })
      const { items, nextCursor } = await products.getProducts()
      assert.deepEqual(
        items.map(({ id }) => id),
        Array.from({ length: 20 }, (_, index) => 10_000 - index),
      )
      assert.deepEqual(Object.keys(items[0]!), ['id', 'name', 'category', 'priceCents', 'stock'])
      assert.equal(typeof nextCursor, 'string')
    })

    it('lists what the filters let through, to the last page', async (t) => {
      const { products } = await openShop(t, { execution })
      const filters = { category: 'coffee', minPrice: 1000, maxPrice: 2000, search: 'kettle' }
      const seen = await walk(products, { ...filters, sort: '-price', limit: 7 })
      assert.ok(seen.length > 7)
      for (const { name, category, priceCents } of seen) {
        assert.equal(category, 'coffee')
        assert.match(name, /Kiln & Kettle/)
        assert.ok(priceCents >= 1000 && priceCents <= 2000)
      }
      const costs = seen.map(({ priceCents }) => priceCents)
      assert.deepEqual(
        costs,
        costs.toSorted((a, b) => b - a),
      )
    })

    it('creates, gets, changes and deletes a product', async (t) => {
      const { products } = await openShop(t, { execution })
      const created = await products.createProduct(draft)
      const { id, createdAtMs } = created
      assert.deepEqual(created, {
        ...draft,
        id: 10_001,
        description: '',
        stock: 0,
        createdAtMs,
        updatedAtMs: createdAtMs,
      })
      assert.deepEqual(await products.getProduct(id), created)
      const changed = await products.updateProduct(id, { stock: 7, description: 'Dark.' })
      assert.deepEqual(changed, {
        ...created,
        stock: 7,
        description: 'Dark.',
        updatedAtMs: changed?.updatedAtMs,
      })
      assert.deepEqual(await products.getProduct(id), changed)
      assert.equal(await products.deleteProduct(id), true)
      assert.equal(await products.getProduct(id), undefined)
      assert.equal(await products.deleteProduct(id), false)
      assert.equal(await products.updateProduct(id, { stock: 1 }), undefined)
    })
  })
}

describe('ProductService.getProducts', () => {
  it('visits each product that the filters let through once and in order, for every sort', async (t) => {
    const { pool, products } = await openShop(t)
    const list = fc.asyncProperty(
      fc.array(anyDraft, { maxLength: 25 }),
      fc.array(anyFilters, { minLength: 1, maxLength: 8 }),
      async (drafts, lists) => {
        const shelf = await restock(pool, products, drafts)
        for (const filters of lists) {
          assert.deepEqual(await walk(products, filters), expectedList(shelf, filters))
        }
      },
    )
    await fc.assert(list, { numRuns: 60 })
  })

  it('neither repeats nor skips what stays, while others come and go between the pages', async (t) => {
    const { pool, products } = await openShop(t)
    const list = fc.asyncProperty(
      fc.array(anyDraft, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(...productSorts),
      fc.infiniteStream(fc.record({ add: anyDraft, remove: fc.option(fc.nat()) })),
      async (drafts, sort, changes) => {
        const before = await restock(pool, products, drafts)
        const gone = new Set<number>()
        let changeCount = 0
        const seen = await walk(products, { sort, limit: 2 }, async () => {
          // Otherwise a walk towards the newcomers might never end.
          if ((changeCount += 1) > 10) return
          const { add, remove } = changes.next().value
          await products.createProduct(add)
          if (remove === null) return
          const { id } = before[remove % before.length]!
          await products.deleteProduct(id)
          gone.add(id)
        })
        const ids = seen.map(({ id }) => id)
        assert.equal(new Set(ids).size, ids.length, 'no product twice')
        assert.deepEqual(seen, expectedList(seen, { sort }), 'in order')
        const missed = before.filter(({ id }) => !gone.has(id) && !ids.includes(id))
        assert.deepEqual(missed, [])
      },
    )
    await fc.assert(list, { numRuns: 100 })
  })

  it('takes what looks like SQL for the text it is', async (t) => {
    const { pool, products } = await openShop(t)
    const texts = ["'", "x' OR 1=1 --", '"; DROP TABLE product; --', '%', '\\', "%' ESCAPE '"]
    for (const text of texts) {
      assert.deepEqual(await products.getProducts({ search: `${text}!` }), {
        items: [],
        nextCursor: null,
      })
      assert.deepEqual((await products.getProducts({ category: text })).items, [])
    }
    assert.deepEqual(await pool.get('SELECT count(*) AS n FROM product'), { n: 10_000 })
  })
})

describe('ProductService', () => {
  it('never gives the id of a deleted product to another', async (t) => {
    const { products } = await openShop(t)
    const { id } = await products.createProduct(draft)
    await products.deleteProduct(id)
    assert.equal((await products.createProduct(draft)).id, id + 1)
  })

  it('never says changed before created, when the clock was set back', async (t) => {
    const { pool, products } = await openShop(t)
    const { id, createdAtMs } = await products.createProduct(draft)
    const past: Clock = { ...systemClock, timeOriginMs: 0, nowMs: () => 1000.7 }
    const changed = await new ProductService(pool, past).updateProduct(id, { stock: 1 })
    assert.equal(changed?.updatedAtMs, createdAtMs)
    assert.equal((await new ProductService(pool, past).createProduct(draft)).createdAtMs, 1001)
  })

  it('names the field when there is no such category, and writes nothing', async (t) => {
    const { pool, products } = await openShop(t)
    const refusal = {
      code: 'VALIDATION',
      details: {
        part: 'body',
        fields: [{ field: 'category', rule: 'exists', message: 'is not one of the categories' }],
      },
    }
    await assert.rejects(products.createProduct({ ...draft, category: 'gold' }), refusal)
    await assert.rejects(products.updateProduct(1, { category: 'gold', stock: 77 }), refusal)
    assert.deepEqual(await pool.get('SELECT count(*) AS n FROM product'), { n: 10_000 })
    assert.notEqual((await products.getProduct(1))?.stock, 77)
  })

  const bad = [
    { ...draft, name: '' },
    { ...draft, name: 'x'.repeat(productLimits.nameLength + 1) },
    { ...draft, description: 'x'.repeat(productLimits.descriptionLength + 1) },
    { ...draft, priceCents: -1 },
    { ...draft, priceCents: 14.99 },
    { ...draft, priceCents: productLimits.priceCents + 1 },
    { ...draft, stock: -1 },
    { ...draft, stock: productLimits.stock + 1 },
  ]
  it('refuses values out of bounds by the constraints of the table, and changes nothing', async (t) => {
    const { products } = await openShop(t)
    const before = await products.getProduct(1)
    for (const values of bad) {
      const refusal = { code: /^SQLITE_CONSTRAINT_(CHECK|DATATYPE)$/ }
      const name = JSON.stringify(values).slice(0, 80)
      await assert.rejects(products.createProduct(values), refusal, name)
      await assert.rejects(products.updateProduct(1, values), refusal, name)
    }
    assert.deepEqual(await products.getProduct(1), before)
  })

  it('stops waiting for a connection when its caller gives up', async (t) => {
    const { pool, products } = await openShop(t)
    await using writer = await pool.acquire({ mode: 'write' })
    const giveUp = new AbortController()
    const call = { label: 'POST /api/products', signal: giveUp.signal }
    const created = products.createProduct(draft, call)
    const changed = products.updateProduct(1, { stock: 1 }, call)
    assert.deepEqual(
      pool.waiters().map(({ label }) => label),
      ['POST /api/products', 'POST /api/products'],
    )
    giveUp.abort(new Error('gone'))
    await assert.rejects(created, { message: 'gone' })
    await assert.rejects(changed, { message: 'gone' })
    await writer.release()
    assert.deepEqual(await pool.get('SELECT count(*) AS n FROM product'), { n: 10_000 })
  })

  it('reads while the writer is taken', async (t) => {
    const { pool, products } = await openShop(t)
    await using writer = await pool.acquire({ mode: 'write' })
    await products.getProducts({ category: 'tea' })
    await products.getProduct(1)
    await products.getStats()
    assert.equal(writer.isReleased, false)
  })
})

/** All pages of a list, `between` them something else. */
async function walk(
  products: ProductService,
  filters: ProductFilters,
  between: () => Promise<void> = async () => undefined,
): Promise<ProductSummary[]> {
  const seen: ProductSummary[] = []
  let page = await products.getProducts(filters)
  for (;;) {
    assert.ok(page.items.length <= (filters.limit ?? 20))
    seen.push(...page.items)
    if (page.nextCursor === null) return seen
    await between()
    page = await products.getProducts({ ...filters, cursor: page.nextCursor })
  }
}
