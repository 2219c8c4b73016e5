import { createHash } from 'node:crypto'
import Database from 'better-sqlite3'

export interface Dump {
  readonly integrity: unknown
  readonly schema: readonly unknown[]
  /** Of each table, how many rows and a digest of everything in them. */
  readonly tables: Readonly<Record<string, { readonly rowCount: number; readonly digest: string }>>
}

/** What is in a database, whatever pages it is on. With the driver alone, when no pool has it open. */
export function dump(path: string): Dump {
  const database = new Database(path, { fileMustExist: true })
  try {
    const schema = database
      .prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
      .all() as { readonly type: string; readonly name: string }[]
    const tables: Record<string, { rowCount: number; digest: string }> = {}
    for (const { name } of schema.filter(({ type }) => type === 'table')) {
      const digest = createHash('sha256')
      let rowCount = 0
      for (const row of database
        .prepare(`SELECT * FROM "${name}" ORDER BY rowid`)
        .raw()
        .iterate()) {
        rowCount += 1
        for (const value of row as unknown[]) {
          const bytes = Buffer.isBuffer(value) ? value : Buffer.from(String(value))
          digest.update(`${typeof value} ${bytes.length}:`).update(bytes)
        }
      }
      tables[name] = { rowCount, digest: digest.digest('hex') }
    }
    return { integrity: database.pragma('integrity_check', { simple: true }), schema, tables }
  } finally {
    database.close()
  }
}
