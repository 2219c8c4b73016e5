import { Type } from 'typebox'
import { productLimits as limits } from './product.ts'
import { listLimits, productSorts } from './product-filters.ts'

const closed = { additionalProperties: false } as const

const id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Its id.' })

const slug = Type.String({
  pattern: '^[a-z0-9-]{1,40}$',
  description: 'The slug of a category: `coffee`, `tea`, `headphones`, …',
})

const name = Type.String({
  maxLength: limits.nameLength,
  // No control characters, no half of a surrogate pair, no space at either end.
  pattern: String.raw`^(?!\s)[^\p{Cc}\p{Cs}]+(?<!\s)$`,
  description: 'One line of text.',
})

const description = Type.String({
  maxLength: limits.descriptionLength,
  pattern: String.raw`^[^\p{Cs}\u0000]*$`,
  description: 'Text, of several lines if need be.',
})

const cents = (text: string) =>
  Type.Integer({ minimum: 0, maximum: limits.priceCents, description: text })

const priceCents = cents('The price in whole cents: 1499 is 14.99.')

const stock = Type.Integer({ minimum: 0, maximum: limits.stock, description: 'Units in stock.' })

const epochMs = (text: string) =>
  Type.Integer({ description: `${text} Milliseconds since 1970, UTC.` })

export const productSchema = Type.Object(
  {
    id,
    name,
    description,
    category: slug,
    priceCents,
    stock,
    createdAtMs: epochMs('When it was created.'),
    updatedAtMs: epochMs('When it was last changed.'),
  },
  closed,
)

export const productPageSchema = Type.Object(
  {
    items: Type.Array(Type.Object({ id, name, category: slug, priceCents, stock }, closed)),
    nextCursor: Type.Union([Type.String(), Type.Null()], {
      description: 'Send it as `cursor`, with the same filters, for the next page. null: no more.',
    }),
  },
  closed,
)

export const listQuerySchema = Type.Object(
  {
    category: Type.Optional(slug),
    minPrice: Type.Optional(cents('The lowest price, inclusive. In cents, as `priceCents`.')),
    maxPrice: Type.Optional(cents('The highest price, inclusive. In cents, as `priceCents`.')),
    search: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: listLimits.searchLength,
        description: 'A part of the name. Upper and lower case (A–Z) are the same.',
      }),
    ),
    sort: Type.Optional(
      Type.Enum([...productSorts], {
        default: 'newest',
        description: 'A minus is descending. Equal ones are in the order of their ids.',
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: listLimits.items,
        default: 20,
        description: 'Products per page.',
      }),
    ),
    cursor: Type.Optional(
      Type.String({
        maxLength: listLimits.cursorLength,
        pattern: '^[A-Za-z0-9_-]+$',
        description: '`nextCursor` of the page before. It fits its own filters and sort only.',
      }),
    ),
  },
  closed,
)

export const productParamsSchema = Type.Object({ id }, closed)

export const productDraftSchema = Type.Object(
  {
    name,
    description: Type.Optional(description),
    category: slug,
    priceCents,
    stock: Type.Optional(stock),
  },
  closed,
)

export const productChangesSchema = Type.Partial(productDraftSchema, {
  ...closed,
  minProperties: 1,
})

const amount = Type.Integer({ minimum: 0 })
const perhaps = (text: string) =>
  Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: text })

const categoryStatsSchema = Type.Object(
  {
    category: slug,
    name: Type.String(),
    productCount: amount,
    soldOutCount: amount,
    stock: Type.Integer({ minimum: 0, description: 'Units in stock.' }),
    stockValueCents: Type.Integer({ minimum: 0, description: 'Price × stock, summed.' }),
    minPriceCents: perhaps('null when there are no products, as for all prices below.'),
    medianPriceCents: perhaps('Half of the products cost at most this.'),
    meanPriceCents: perhaps('Rounded.'),
    p90PriceCents: perhaps('Nine of ten products cost at most this.'),
    maxPriceCents: perhaps('The highest price.'),
    mostValuable: Type.Union([Type.String(), Type.Null()], {
      description: 'The name of the product with the highest price × stock.',
    }),
  },
  closed,
)

export const productStatsSchema = Type.Object(
  {
    productCount: amount,
    stockValueCents: amount,
    categories: Type.Array(categoryStatsSchema, { description: 'The most valuable first.' }),
  },
  closed,
)
