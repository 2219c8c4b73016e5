/** A product as the API shows it. Money is whole cents, moments are epoch milliseconds. */
export interface Product {
  readonly id: number
  readonly name: string
  readonly description: string
  /** The `slug` of its category. */
  readonly category: string
  readonly priceCents: number
  /** Units in stock. */
  readonly stock: number
  readonly createdAtMs: number
  readonly updatedAtMs: number
}

/** What a list shows of a product. */
export type ProductSummary = Pick<Product, 'id' | 'name' | 'category' | 'priceCents' | 'stock'>

/** One page of a list; `nextCursor` is `null` on the last one. */
export interface ProductPage {
  readonly items: ProductSummary[]
  readonly nextCursor: string | null
}

/** What a new product needs. */
export interface ProductDraft {
  readonly name: string
  readonly category: string
  readonly priceCents: number
  /** Default: empty. */
  readonly description?: string
  /** Default: 0. */
  readonly stock?: number
}

/** What is to change; everything else stays. */
export type ProductChanges = Partial<ProductDraft>

/** The bounds of each field: the table checks them, the request schemas repeat them. */
export const productLimits = {
  nameLength: 120,
  descriptionLength: 2000,
  /** 100,000.00. */
  priceCents: 10_000_000,
  stock: 1_000_000,
} as const
