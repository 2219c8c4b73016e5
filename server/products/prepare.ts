import type { Lease, Pool } from '../pool/index.ts'
import { ProductError } from './product-error.ts'
import { APPLICATION_ID, migrations, SCHEMA_VERSION } from './schema.ts'
import { seedProducts } from './seed.ts'
import { seedCatalog } from './seed-catalog.ts'

/** What a start had to do; zeros when everything was there. */
export interface PreparedProducts {
  readonly migrationCount: number
  readonly seededCount: number
}

/** Rows of one INSERT: a message to the connection's thread holds them all. */
const SEED_BATCH_ROWS = 1000

/**
 * Brings the database to today's schema, and fills a new one with the bundled shop: 10,000 products in 24
 * categories. All of it is one transaction, so that a start that was cut short leaves nothing behind and
 * the next one begins again. A database that is up to date costs one read.
 *
 * A shop that was emptied stays empty: only a new database is filled.
 *
 * @throws {DATABASE_FOREIGN} the file holds tables of something else
 * @throws {DATABASE_NEWER} a later version of this service has migrated it
 */
export async function prepareProducts(pool: Pool): Promise<PreparedProducts> {
  const found = await pool.withConnection(identify, { label: 'prepare products' })
  if (found.version === SCHEMA_VERSION) return { migrationCount: 0, seededCount: 0 }
  return pool.transaction(prepareIn, { label: 'prepare products' })
}

async function prepareIn(db: Lease): Promise<PreparedProducts> {
  // Asked again under the write lock: another process may have done it in the meantime.
  const { version } = await identify(db)
  for (const step of migrations.slice(version)) await db.exec(step)
  await db.exec(
    `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`,
  )
  const seededCount = version === 0 ? await seed(db) : 0
  return { migrationCount: SCHEMA_VERSION - version, seededCount }
}

const IDENTITY = `
  SELECT
    (SELECT application_id FROM pragma_application_id) AS applicationId,
    (SELECT user_version FROM pragma_user_version) AS version,
    (SELECT count(*) FROM sqlite_schema) AS schemaCount`

interface Identity {
  readonly applicationId: number
  readonly version: number
  readonly schemaCount: number
}

async function identify(db: Lease): Promise<Identity> {
  const identity = (await db.get<Identity>(IDENTITY))!
  const { applicationId, version, schemaCount } = identity
  const isNew = schemaCount === 0 && version === 0 && applicationId === 0
  if (!isNew && applicationId !== APPLICATION_ID) {
    throw new ProductError(
      'DATABASE_FOREIGN',
      'the database holds tables of something else: nothing was changed; give the path of a new file',
    )
  }
  if (version > SCHEMA_VERSION) {
    throw new ProductError(
      'DATABASE_NEWER',
      `the database has schema version ${version} and this service knows ${SCHEMA_VERSION}: run the later version, or give the path of a new file`,
    )
  }
  return identity
}

const INSERT_CATEGORY = 'INSERT INTO category (slug, name) VALUES (?, ?)'
const INSERT_PRODUCTS = `
  INSERT INTO product
    (id, name, description, category, price_cents, stock, created_at_ms, updated_at_ms)
  SELECT
    value ->> 'id', value ->> 'name', value ->> 'description', value ->> 'category',
    value ->> 'priceCents', value ->> 'stock', value ->> 'createdAtMs', value ->> 'createdAtMs'
  FROM json_each(?)`

async function seed(db: Lease): Promise<number> {
  const insertCategory = db.prepare(INSERT_CATEGORY)
  await Promise.all(seedCatalog.map(({ slug, name }) => insertCategory.run(slug, name)))
  const insertProducts = db.prepare(INSERT_PRODUCTS)
  const products = seedProducts()
  for (let from = 0; from < products.length; from += SEED_BATCH_ROWS) {
    const rows = products.slice(from, from + SEED_BATCH_ROWS)
    await insertProducts.run(JSON.stringify(rows))
  }
  return products.length
}
