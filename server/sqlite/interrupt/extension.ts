import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type Database from 'better-sqlite3'

/** A connection that cannot be interrupted. */
export const NO_SLOT = -1

/** `dist/interrupt` from the checkout's sources, and the same folder from the published `dist/server`. */
const FOLDER = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/interrupt/' : '../../../interrupt/',
  import.meta.url,
)

/** The path of the interrupt extension for this machine, `null` when it was not built. */
export function interruptLibrary(): string | null {
  const path = fileURLToPath(new URL(`interrupt-${process.platform}-${process.arch}.so`, FOLDER))
  return existsSync(path) ? path : null
}

/** The slot under which `database` can be interrupted. A library that does not load is as good as none. */
export function loadInterrupt(database: Database.Database, library: string | null): number {
  if (library === null) return NO_SLOT
  try {
    database.loadExtension(library)
    return database.prepare('SELECT glasspool_slot()').pluck().get() as number
  } catch {
    return NO_SLOT
  }
}
