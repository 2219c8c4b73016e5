import type { BindArguments } from '../pool/index.ts'
import type { ProductSummary } from './product.ts'
import { decodeCursor, type Position } from './product-cursor.ts'
import { productSorts, type ProductSort, type ResolvedFilters } from './product-filters.ts'

/** A statement of the registry with the values that are bound to it. */
export interface ListQuery {
  readonly sql: string
  readonly args: BindArguments
}

/**
 * How one sort walks its index. Every page, the first one included, starts after a position: so the plan is
 * the same search for all of them, in the order of the index, and ends with the page wherever it starts.
 */
interface Walk {
  readonly after: string
  readonly order: string
  /** Ends the walk at the limit of a price range, or checks each row on the way. */
  readonly bounds: string
  start(filters: ResolvedFilters): Position
  afterArgs(position: Position): BindArguments
  boundArgs(filters: ResolvedFilters): BindArguments
  keyOf(item: ProductSummary): Position['key']
}

/**
 * The driver's SQLite prepares a statement anew at every bind when a bound value could change its plan, which
 * costs more than finding twenty rows. Behind a subquery the planner cannot see the value, and keeps its plan.
 */
const VALUE = '(SELECT ?)'
const PAIR = `(${VALUE}, ${VALUE})`

const BEFORE_EVERY_ID = 0
const AFTER_EVERY_ID = Number.MAX_SAFE_INTEGER
const BEFORE_EVERY_NAME = ''
/** In SQLite's order every blob comes after every text. */
const AFTER_EVERY_NAME = new Uint8Array()

const keyAndId = ({ key, id }: Position): BindArguments => [key, id]

const checksPrice = {
  // The plus keeps the planner from walking the price index and sorting afterwards.
  bounds: `+price_cents BETWEEN ${VALUE} AND ${VALUE}`,
  boundArgs: ({ minPrice, maxPrice }: ResolvedFilters): BindArguments => [minPrice, maxPrice],
}

const byPrice = {
  afterArgs: keyAndId,
  keyOf: ({ priceCents }: ProductSummary) => priceCents,
}

const byName = {
  ...checksPrice,
  afterArgs: keyAndId,
  keyOf: ({ name }: ProductSummary) => name,
}

const walks: Readonly<Record<ProductSort, Walk>> = {
  newest: {
    ...checksPrice,
    after: `id < ${VALUE}`,
    order: 'id DESC',
    start: () => ({ key: null, id: AFTER_EVERY_ID }),
    afterArgs: ({ id }) => [id],
    keyOf: () => null,
  },
  price: {
    ...byPrice,
    after: `(price_cents, id) > ${PAIR}`,
    order: 'price_cents, id',
    bounds: `price_cents <= ${VALUE}`,
    start: ({ minPrice }) => ({ key: minPrice, id: BEFORE_EVERY_ID }),
    boundArgs: ({ maxPrice }) => [maxPrice],
  },
  '-price': {
    ...byPrice,
    after: `(price_cents, id) < ${PAIR}`,
    order: 'price_cents DESC, id DESC',
    bounds: `price_cents >= ${VALUE}`,
    start: ({ maxPrice }) => ({ key: maxPrice, id: AFTER_EVERY_ID }),
    boundArgs: ({ minPrice }) => [minPrice],
  },
  name: {
    ...byName,
    after: `(name, id) > ${PAIR}`,
    order: 'name, id',
    start: () => ({ key: BEFORE_EVERY_NAME, id: BEFORE_EVERY_ID }),
  },
  '-name': {
    ...byName,
    after: `(name, id) < ${PAIR}`,
    order: 'name DESC, id DESC',
    start: () => ({ key: AFTER_EVERY_NAME, id: AFTER_EVERY_ID }),
  },
}

interface Shape {
  readonly sort: ProductSort
  readonly isOfCategory: boolean
  readonly isSearch: boolean
}

const shapeName = ({ sort, isOfCategory, isSearch }: Shape): string =>
  `${sort}${isOfCategory ? ' of a category' : ''}${isSearch ? ' by search' : ''}`

function listSql({ sort, isOfCategory, isSearch }: Shape): string {
  const { after, bounds, order } = walks[sort]
  const terms = [after, bounds]
  if (isOfCategory) terms.unshift(`category = ${VALUE}`)
  if (isSearch) terms.push(String.raw`name LIKE ${VALUE} ESCAPE '\'`)
  return `
    SELECT id, name, category, price_cents AS priceCents, stock
    FROM product
    WHERE ${terms.join(' AND ')}
    ORDER BY ${order}
    LIMIT ${VALUE}`
}

const shapes: readonly Shape[] = productSorts.flatMap((sort) =>
  [false, true].flatMap((isOfCategory) =>
    [false, true].map((isSearch) => ({ sort, isOfCategory, isSearch })),
  ),
)

/** Every list statement there is, by name: a request chooses one of them, and its text is in none. */
export const listStatements: ReadonlyMap<string, string> = new Map(
  shapes.map((shape) => [shapeName(shape), listSql(shape)]),
)

/**
 * The statement of one page. It asks for one product more than the page has, which tells whether there is
 * another page.
 *
 * @throws {VALIDATION} when the cursor is not one of this list
 */
export function listQuery(filters: ResolvedFilters): ListQuery {
  const { sort, category, search, cursor } = filters
  const walk = walks[sort]
  const position = cursor === '' ? walk.start(filters) : decodeCursor(cursor, filters)
  const isOfCategory = category !== null
  const isSearch = search !== null
  return {
    sql: listStatements.get(shapeName({ sort, isOfCategory, isSearch }))!,
    args: [
      ...(isOfCategory ? [category] : []),
      ...walk.afterArgs(position),
      ...walk.boundArgs(filters),
      ...(isSearch ? [containing(search)] : []),
      filters.limit + 1,
    ],
  }
}

/** Where a page that ends with `item` ends. */
export const positionOf = (item: ProductSummary, sort: ProductSort): Position => ({
  key: walks[sort].keyOf(item),
  id: item.id,
})

/** A pattern of LIKE in which `%`, `_` and `\` mean themselves. */
const containing = (search: string): string => `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
