/** Figures of one category. Money is whole cents; without products there is nothing to report: `null`. */
export interface CategoryStats {
  readonly category: string
  readonly name: string
  readonly productCount: number
  readonly soldOutCount: number
  /** Units in stock. */
  readonly stock: number
  /** Price × stock, summed. */
  readonly stockValueCents: number
  readonly minPriceCents: number | null
  readonly medianPriceCents: number | null
  readonly meanPriceCents: number | null
  /** Nine of ten products cost at most this. */
  readonly p90PriceCents: number | null
  readonly maxPriceCents: number | null
  /** The product with the highest price × stock. */
  readonly mostValuable: string | null
}

export interface ProductStats {
  readonly productCount: number
  readonly stockValueCents: number
  /** The most valuable first. */
  readonly categories: CategoryStats[]
}

/** Ranks every product in its category twice: the heavy statement of this service, tens of milliseconds. */
export const CATEGORY_STATS = `
  WITH ranked AS (
    SELECT
      category, name, price_cents, stock,
      price_cents * stock AS value_cents,
      row_number() OVER (PARTITION BY category ORDER BY price_cents, id) AS price_rank,
      row_number() OVER (PARTITION BY category ORDER BY price_cents * stock DESC, id) AS value_rank,
      count(*) OVER (PARTITION BY category) AS size
    FROM product
  ),
  figures AS (
    SELECT
      category,
      count(*) AS product_count,
      count(*) FILTER (WHERE stock = 0) AS sold_out_count,
      sum(stock) AS stock,
      sum(value_cents) AS stock_value_cents,
      min(price_cents) AS min_price_cents,
      -- The middle one, or the mean of the two in the middle.
      avg(price_cents) FILTER (WHERE price_rank IN ((size + 1) / 2, (size + 2) / 2)) AS median_price_cents,
      avg(price_cents) AS mean_price_cents,
      max(price_cents) FILTER (WHERE price_rank = (size * 9 + 9) / 10) AS p90_price_cents,
      max(price_cents) AS max_price_cents,
      max(name) FILTER (WHERE value_rank = 1) AS most_valuable
    FROM ranked
    GROUP BY category
  )
  SELECT
    category.slug AS category,
    category.name AS name,
    coalesce(product_count, 0) AS productCount,
    coalesce(sold_out_count, 0) AS soldOutCount,
    coalesce(stock, 0) AS stock,
    coalesce(stock_value_cents, 0) AS stockValueCents,
    min_price_cents AS minPriceCents,
    CAST(round(median_price_cents) AS INTEGER) AS medianPriceCents,
    CAST(round(mean_price_cents) AS INTEGER) AS meanPriceCents,
    p90_price_cents AS p90PriceCents,
    max_price_cents AS maxPriceCents,
    most_valuable AS mostValuable
  FROM category LEFT JOIN figures ON figures.category = category.slug
  ORDER BY stockValueCents DESC, category.slug`

export function summarize(categories: CategoryStats[]): ProductStats {
  let productCount = 0
  let stockValueCents = 0
  for (const category of categories) {
    productCount += category.productCount
    stockValueCents += category.stockValueCents
  }
  return { productCount, stockValueCents, categories }
}
