import { productLimits } from './product.ts'
import { refused } from './product-error.ts'

export const productSorts = ['newest', 'price', '-price', 'name', '-name'] as const

/** The order of a list; `-` is descending. Names are ordered without regard to ASCII case. */
export type ProductSort = (typeof productSorts)[number]

export const listLimits = { items: 100, searchLength: 100, cursorLength: 1000 } as const

/** Which products, in which order, how many. Every part is optional; together they narrow. */
export interface ProductFilters {
  /** The slug of a category. An unknown one has no products. */
  readonly category?: string
  /** In cents, inclusive. Default: 0. */
  readonly minPrice?: number
  /** In cents, inclusive. Default: no limit. */
  readonly maxPrice?: number
  /** Part of the name, without regard to ASCII case; `%` and `_` mean themselves. */
  readonly search?: string
  /** Default: `newest`. */
  readonly sort?: ProductSort
  /** Products per page, 1 to 100. Default: 20. */
  readonly limit?: number
  /** `nextCursor` of the page before, with the same filters and sort. */
  readonly cursor?: string
}

export type ResolvedFilters = Readonly<Required<Omit<ProductFilters, 'category' | 'search'>>> & {
  readonly category: string | null
  readonly search: string | null
}

/** Fills in the defaults; `cursor` is empty on the first page. @throws {VALIDATION} naming the field. */
export function resolveFilters(filters: ProductFilters): ResolvedFilters {
  const { sort = 'newest', limit = 20, minPrice = 0, maxPrice = productLimits.priceCents } = filters
  if (!productSorts.includes(sort)) {
    throw refused('querystring', {
      field: 'sort',
      rule: 'enum',
      message: `must be one of ${productSorts.join(', ')}`,
    })
  }
  requireWholeNumber('limit', limit, { from: 1, to: listLimits.items })
  requireWholeNumber('minPrice', minPrice, { from: 0, to: productLimits.priceCents })
  requireWholeNumber('maxPrice', maxPrice, { from: 0, to: productLimits.priceCents })
  if (minPrice > maxPrice) {
    throw refused('querystring', {
      field: 'minPrice',
      rule: 'maximum',
      message: `must not be above maxPrice, ${maxPrice}`,
    })
  }
  const { category = null, search = null, cursor = '' } = filters
  return { category, minPrice, maxPrice, search, sort, limit, cursor }
}

function requireWholeNumber(
  field: string,
  value: number,
  { from, to }: { readonly from: number; readonly to: number },
): void {
  if (Number.isSafeInteger(value) && value >= from && value <= to) return
  throw refused('querystring', {
    field,
    rule: 'range',
    message: `must be a whole number from ${from} to ${to}`,
  })
}
