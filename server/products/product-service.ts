import { systemClock, type CallOptions, type Clock, type Pool } from '../pool/index.ts'
import type {
  Product,
  ProductChanges,
  ProductDraft,
  ProductPage,
  ProductSummary,
} from './product.ts'
import { encodeCursor } from './product-cursor.ts'
import { refused } from './product-error.ts'
import { resolveFilters, type ProductFilters } from './product-filters.ts'
import { listQuery, positionOf } from './product-list.ts'
import {
  CATEGORY_STATS,
  summarize,
  type CategoryStats,
  type ProductStats,
} from './product-stats.ts'

/** Who asks, and when to give up waiting for a connection. */
export type ServiceCall = Omit<CallOptions, 'mode'>

const COLUMNS = `
  id, name, description, category, price_cents AS priceCents, stock,
  created_at_ms AS createdAtMs, updated_at_ms AS updatedAtMs`

const GET = `SELECT ${COLUMNS} FROM product WHERE id = ?`

const INSERT = `
  INSERT INTO product (name, description, category, price_cents, stock, created_at_ms, updated_at_ms)
  VALUES (?, ?, ?, ?, ?, ?, ?)`

/** `null` keeps a column. The wall clock may have been set back since the product was made. */
const UPDATE = `
  UPDATE product SET
    name = coalesce(?, name),
    description = coalesce(?, description),
    category = coalesce(?, category),
    price_cents = coalesce(?, price_cents),
    stock = coalesce(?, stock),
    updated_at_ms = max(?, created_at_ms)
  WHERE id = ?
  RETURNING ${COLUMNS}`

const DELETE = 'DELETE FROM product WHERE id = ?'

/**
 * The products on a pool. Each method is one statement on one connection: reads on a reader, writes on the
 * writer, and a write has been committed when its promise resolves.
 *
 * Errors of the pool and of SQLite pass through with their `code`; its own are `ProductError`.
 */
export class ProductService {
  readonly #pool: Pick<Pool, 'get' | 'all' | 'run'>
  readonly #clock: Clock

  constructor(pool: Pick<Pool, 'get' | 'all' | 'run'>, clock: Clock = systemClock) {
    this.#pool = pool
    this.#clock = clock
  }

  /**
   * One page of the products that all filters let through. `nextCursor` continues it: each product that is
   * there from the first page to the last is seen exactly once, whatever is added or deleted meanwhile.
   * One whose price or name changes may be seen twice or not at all in a list in that order.
   *
   * @throws {VALIDATION} naming the filter that is wrong
   */
  async getProducts(filters: ProductFilters = {}, call?: ServiceCall): Promise<ProductPage> {
    const resolved = resolveFilters(filters)
    const { sql, args } = listQuery(resolved)
    const items = await this.#pool.all<ProductSummary>(sql, args, call)
    if (items.length <= resolved.limit) return { items, nextCursor: null }
    items.pop()
    const position = positionOf(items.at(-1)!, resolved.sort)
    return { items, nextCursor: encodeCursor(position, resolved) }
  }

  getProduct(id: number, call?: ServiceCall): Promise<Product | undefined> {
    return this.#pool.get<Product>(GET, [id], call)
  }

  /** Per category: counts, stock, prices from the lowest to the highest. Reads every product. */
  async getStats(call?: ServiceCall): Promise<ProductStats> {
    return summarize(await this.#pool.all<CategoryStats>(CATEGORY_STATS, [], call))
  }

  /**
   * @throws {VALIDATION} there is no such category
   * @throws {SQLITE_CONSTRAINT_CHECK} a value is out of its bounds
   */
  async createProduct(draft: ProductDraft, call?: ServiceCall): Promise<Product> {
    const { name, description = '', category, priceCents, stock = 0 } = draft
    const nowMs = this.#epochMs()
    const args = [name, description, category, priceCents, stock, nowMs, nowMs]
    const { lastInsertRowid } = await knowingCategory(this.#pool.run(INSERT, args, call))
    const id = Number(lastInsertRowid)
    return {
      id,
      name,
      description,
      category,
      priceCents,
      stock,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    }
  }

  /**
   * The product after the change; `undefined` when there is none with this id.
   *
   * @throws {VALIDATION} there is no such category
   * @throws {SQLITE_CONSTRAINT_CHECK} a value is out of its bounds
   */
  updateProduct(
    id: number,
    changes: ProductChanges,
    call?: ServiceCall,
  ): Promise<Product | undefined> {
    const { name, description, category, priceCents, stock } = changes
    const args = [name, description, category, priceCents, stock, this.#epochMs(), id]
    return knowingCategory(this.#pool.get<Product>(UPDATE, args, { ...call, mode: 'write' }))
  }

  /** Whether there was one to delete. */
  async deleteProduct(id: number, call?: ServiceCall): Promise<boolean> {
    const { changes } = await this.#pool.run(DELETE, [id], call)
    return changes > 0
  }

  #epochMs(): number {
    return Math.round(this.#clock.timeOriginMs + this.#clock.nowMs())
  }
}

/** The one foreign key there is: says which field was wrong. */
async function knowingCategory<T>(written: Promise<T>): Promise<T> {
  try {
    return await written
  } catch (error) {
    if (!isForeignKeyError(error)) throw error
    throw refused('body', {
      field: 'category',
      rule: 'exists',
      message: 'is not one of the categories',
    })
  }
}

const isForeignKeyError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_FOREIGNKEY'
