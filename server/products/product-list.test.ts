import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ConnectionPool } from '../connection-pool.ts'
import { productSorts, resolveFilters, type ProductFilters } from './product-filters.ts'
import { listQuery, listStatements } from './product-list.ts'
import { openShop } from './testing/open-pool.ts'
import { anyFilters } from './testing/shelf.ts'

/** One query of each statement, by the statement's name. */
const queries = productSorts.flatMap((sort) =>
  [{}, { category: 'coffee' }].flatMap((category) =>
    [{}, { search: '50%' }].map((search) => {
      const filters: ProductFilters = { sort, ...category, ...search }
      const { sql, args } = listQuery(resolveFilters(filters))
      const name = [...listStatements].find(([, text]) => text === sql)![0]
      return { name, sql, args, isSearch: 'search' in search }
    }),
  ),
)

async function planOf(
  pool: ConnectionPool,
  { sql, args }: { readonly sql: string; readonly args: readonly unknown[] },
): Promise<string[]> {
  const steps = await pool.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, args)
  return steps.map(({ detail }) => detail)
}

const isFullScan = (step: string): boolean => /^SCAN product\b/.test(step)
const isSort = (step: string): boolean => step.includes('TEMP B-TREE')

describe('listStatements', () => {
  it('has one statement for each sort, with and without a category and a search', () => {
    assert.equal(listStatements.size, productSorts.length * 4)
    assert.deepEqual([...new Set(queries.map(({ name }) => name))], [...listStatements.keys()])
  })

  it('binds every value behind a subquery, where it cannot make the driver prepare anew', () => {
    for (const [name, sql] of listStatements) {
      assert.equal(sql.replaceAll('(SELECT ?)', '').includes('?'), false, name)
      assert.equal(/'[^\\]/.test(sql.replaceAll(String.raw`'\'`, '')), false, `${name}: a literal`)
    }
  })

  it('has the statement of every request', () => {
    const known = new Set(listStatements.values())
    fc.assert(
      fc.property(anyFilters, (filters) => {
        const { sql, args } = listQuery(resolveFilters(filters))
        assert.ok(known.has(sql))
        assert.equal(args.length, sql.split('?').length - 1)
      }),
    )
  })

  const databases = [
    { name: 'an empty shop', fill: 'DELETE FROM product' },
    { name: 'the bundled shop', fill: '' },
    { name: 'the bundled shop with statistics', fill: 'ANALYZE' },
  ]
  for (const { name: database, fill } of databases) {
    it(`is a search in the order of an index, for ${database}`, async (t) => {
      const { pool } = await openShop(t)
      await pool.withConnection((db) => db.exec(fill), { mode: 'write' })
      for (const query of queries) {
        const plan = await planOf(pool, query)
        const text = `${query.name}:\n${plan.join('\n')}`
        assert.ok(
          plan.some((step) => step.startsWith('SEARCH product USING')),
          text,
        )
        assert.equal(plan.some(isFullScan), false, text)
        assert.equal(plan.some(isSort), false, text)
      }
    })
  }

  const indexes = [
    { filters: { sort: 'newest' }, plan: /INTEGER PRIMARY KEY \(rowid<\?\)/ },
    {
      filters: { sort: 'newest', category: 'tea' },
      plan: /product_by_category \(category=\? AND rowid<\?\)/,
    },
    { filters: { sort: 'price' }, plan: /product_by_price \(price_cents>\? AND price_cents<\?\)/ },
    {
      filters: { sort: '-price', category: 'tea' },
      plan: /product_by_category_price \(category=\? AND price_cents>\? AND price_cents<\?\)/,
    },
    { filters: { sort: '-name' }, plan: /product_by_name \(name<\?\)/ },
    {
      filters: { sort: 'name', category: 'tea', minPrice: 100, maxPrice: 200 },
      plan: /product_by_category_name \(category=\? AND name>\?\)/,
    },
  ] as const
  for (const { filters, plan } of indexes) {
    it(`walks the index made for ${JSON.stringify(filters)}`, async (t) => {
      const { pool } = await openShop(t)
      const steps = await planOf(pool, listQuery(resolveFilters(filters)))
      assert.match(steps.join('\n'), plan)
    })
  }
})
