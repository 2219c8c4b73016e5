/** Looks at a file that nobody else has open any more, each time it is told to, with the driver alone. */
import Database from 'better-sqlite3'
import type { Findings, Promised } from './moments.ts'
import { tell, wishes } from './tell.ts'

for await (const promised of wishes<Promised>()) tell(`found ${JSON.stringify(examine(promised))}`)

function examine({ path, singles }: Promised): Findings {
  // It writes nothing, so that the next pool has to recover the same log.
  const database = new Database(path, { readonly: true, fileMustExist: true })
  const number = (sql: string): number => database.prepare(sql).pluck().get() as number
  try {
    const problems: string[] = []
    const integrity = database.pragma('integrity_check', { simple: true })
    if (integrity !== 'ok') problems.push(`integrity_check: ${String(integrity)}`)
    const orphans = database.pragma('foreign_key_check') as unknown[]
    if (orphans.length > 0) problems.push(`foreign_key_check: ${orphans.length} rows`)
    for (const [table, index] of [
      ['purchase', 'purchase_by_note'],
      ['item', 'item_by_purchase'],
    ] as const) {
      const inTable = number(`SELECT count(*) FROM ${table} NOT INDEXED`)
      const inIndex = number(`SELECT count(*) FROM ${table} INDEXED BY ${index} WHERE true`)
      if (inTable !== inIndex) problems.push(`${table} has ${inTable}, ${index} ${inIndex}`)
      const tallied = number(`SELECT ${table}s FROM tally`)
      if (tallied !== inTable) problems.push(`${table} has ${inTable}, and ${tallied} were counted`)
    }
    for (const table of ['purchase', 'single']) {
      const gaps = number(`SELECT coalesce(max(id), 0) - count(*) FROM ${table}`)
      if (gaps !== 0) problems.push(`${table} has ${gaps} gaps`)
    }
    const has = database.prepare('SELECT 1 FROM single WHERE id = ?')
    const lost = singles.filter((id) => has.get(id) === undefined)
    if (lost.length > 0) problems.push(`acknowledged and not there: single ${lost.join()}`)
    const ballast = database.prepare('SELECT n, body FROM ballast').all() as {
      n: number
      body: Buffer
    }[]
    if (ballast.some(({ n, body }) => n !== ballast[0]!.n || body.some((byte) => byte !== n))) {
      problems.push('one transaction of big blobs is there in parts')
    }
    return { problems, lastPurchase: number('SELECT coalesce(max(id), 0) FROM purchase') }
  } finally {
    database.close()
  }
}
