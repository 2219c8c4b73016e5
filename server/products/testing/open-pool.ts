import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConnectionPool } from '../../connection-pool.ts'
import type { PoolOptions } from '../../pool/index.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { prepareProducts } from '../prepare.ts'
import { ProductService } from '../product-service.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

export interface Shop {
  readonly pool: ConnectionPool
  readonly products: ProductService
}

/** Both ways to run the same statements. */
export const executions = ['inline', 'thread'] as const

/** A pool on a fresh database, inline unless told otherwise, closed after the test. */
export async function openPool(
  t: Cleanup,
  options: Partial<PoolOptions> = {},
): Promise<ConnectionPool> {
  const pool = new ConnectionPool({
    path: tempDatabase(t),
    size: 3,
    execution: 'inline',
    ...options,
  })
  t.after(() => pool.close())
  await pool.open()
  return pool
}

/** The bundled shop in a database of its own. */
export async function openShop(t: Cleanup, options: Partial<PoolOptions> = {}): Promise<Shop> {
  const path = tempDatabase(t)
  copyFileSync(await (bundledShop ??= fillShop()), path)
  const pool = await openPool(t, { path, ...options })
  return { pool, products: new ProductService(pool) }
}

/** Filled once per process and closed: a file that nobody has open may be copied. */
let bundledShop: Promise<string> | undefined

async function fillShop(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'glasspool-shop-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const path = join(directory, 'shop.sqlite')
  const pool = new ConnectionPool({ path, size: 1, execution: 'inline' })
  await pool.open()
  await prepareProducts(pool)
  await pool.close()
  return path
}
