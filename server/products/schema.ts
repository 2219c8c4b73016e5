import { productLimits as limits } from './product.ts'

/** Says whose file this is, in the header of the database: "GLSP". */
export const APPLICATION_ID = 0x47_4c_53_50

/**
 * The steps from an empty database to today's. Step `n` leads to `user_version` `n + 1`. A step that has
 * shipped is never edited: a new one is added below it.
 *
 * - `category` is the slug itself and not a number: no list needs a join to filter by it or to show it.
 * - AUTOINCREMENT: the address of a deleted product never becomes that of another one.
 * - An index ends with the row's id, so each one below gives the order that a cursor continues:
 *   (key, id). `product_by_category` is for the newest of a category.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE category (
    slug TEXT PRIMARY KEY CHECK (length(slug) BETWEEN 1 AND 40),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 80)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE product (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND ${limits.nameLength}),
    description TEXT NOT NULL DEFAULT '' CHECK (length(description) <= ${limits.descriptionLength}),
    category TEXT NOT NULL REFERENCES category (slug),
    price_cents INTEGER NOT NULL CHECK (price_cents BETWEEN 0 AND ${limits.priceCents}),
    stock INTEGER NOT NULL DEFAULT 0 CHECK (stock BETWEEN 0 AND ${limits.stock}),
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL CHECK (updated_at_ms >= created_at_ms)
  ) STRICT;

  CREATE INDEX product_by_category ON product (category);
  CREATE INDEX product_by_category_price ON product (category, price_cents);
  CREATE INDEX product_by_category_name ON product (category, name);
  CREATE INDEX product_by_price ON product (price_cents);
  CREATE INDEX product_by_name ON product (name);
  `,
]

/** The `user_version` of a database that this code can use. */
export const SCHEMA_VERSION = migrations.length
