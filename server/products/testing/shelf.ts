import fc from 'fast-check'
import type { ConnectionPool } from '../../connection-pool.ts'
import type { ProductDraft, ProductSummary } from '../product.ts'
import { productLimits } from '../product.ts'
import { productSorts, type ProductFilters, type ProductSort } from '../product-filters.ts'
import type { ProductService } from '../product-service.ts'

/** Few values, so that many products are equal in what they are sorted by. */
const names = [
  'Anise',
  'anise',
  'ANISE 5%',
  'Basil_1',
  'Basil-1',
  'ä',
  'Zest',
  String.raw`a\b`,
  '🐟',
]
const prices = [0, 1, 99, 100, 1999, productLimits.priceCents]
const categories = ['coffee', 'tea', 'toys']

export const anyDraft: fc.Arbitrary<ProductDraft> = fc.record({
  name: fc.constantFrom(...names),
  category: fc.constantFrom(...categories),
  priceCents: fc.constantFrom(...prices),
  stock: fc.nat(3),
})

const anyPrices = fc
  .tuple(fc.constantFrom(...prices), fc.constantFrom(...prices))
  .map(([a, b]) => ({ minPrice: Math.min(a, b), maxPrice: Math.max(a, b) }))

export const anyFilters: fc.Arbitrary<ProductFilters> = fc
  .tuple(
    fc.record(
      {
        category: fc.constantFrom(...categories, 'nowhere'),
        search: fc.constantFrom('a', '5%', '%', '_', '\\', 'BASIL', 'ä', 'nothing'),
      },
      { requiredKeys: [] },
    ),
    fc.option(anyPrices, { nil: {} }),
    fc.constantFrom(...productSorts),
    fc.integer({ min: 1, max: 5 }),
  )
  .map(([some, range, sort, limit]) => ({ ...some, ...range, sort, limit }))

/** Replaces all products of a prepared database. */
export async function restock(
  pool: ConnectionPool,
  products: ProductService,
  drafts: readonly ProductDraft[],
): Promise<ProductSummary[]> {
  await pool.run('DELETE FROM product')
  const made: ProductSummary[] = []
  for (const draft of drafts) {
    const { id, name, category, priceCents, stock } = await products.createProduct(draft)
    made.push({ id, name, category, priceCents, stock })
  }
  return made
}

/** What a list must hold, in its order: the filters and the sorts in JavaScript. */
export function expectedList(
  shelf: readonly ProductSummary[],
  filters: ProductFilters,
): ProductSummary[] {
  const { category, minPrice = 0, maxPrice = Infinity, search, sort = 'newest' } = filters
  return shelf
    .filter(
      (product) =>
        (category === undefined || product.category === category) &&
        product.priceCents >= minPrice &&
        product.priceCents <= maxPrice &&
        (search === undefined || fold(product.name).includes(fold(search))),
    )
    .toSorted(orders[sort])
}

type Order = (a: ProductSummary, b: ProductSummary) => number

const byName: Order = (a, b) =>
  Buffer.compare(Buffer.from(fold(a.name)), Buffer.from(fold(b.name))) || a.id - b.id
const byPrice: Order = (a, b) => a.priceCents - b.priceCents || a.id - b.id
const orders: Readonly<Record<ProductSort, Order>> = {
  newest: (a, b) => b.id - a.id,
  price: byPrice,
  '-price': (a, b) => byPrice(b, a),
  name: byName,
  '-name': (a, b) => byName(b, a),
}

/** SQLite knows the case of ASCII letters only. */
const fold = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
