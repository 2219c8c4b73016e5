/** Opens damaged copies, one after the other, and says which commit each of them shows. */
import Database from 'better-sqlite3'
import { createPool } from '../../../index.ts'
import { SLOTS, type Copy, type Reading } from './numbered-commits.ts'
import { tell, wishes } from './tell.ts'

const SQL = {
  integrity: 'PRAGMA integrity_check',
  slots: 'SELECT n FROM slot ORDER BY id',
  history: 'SELECT n, filler FROM history ORDER BY n',
  addition: "INSERT INTO history VALUES (1000000, x'00')",
} as const

interface Rows {
  readonly integrity: unknown
  readonly slots: readonly { readonly n: number }[]
  readonly history: readonly { readonly n: number; readonly filler: Uint8Array }[]
}

for await (const copy of wishes<Copy>()) tell(`reading ${JSON.stringify(await read(copy))}`)

async function read({ path, isPooled }: Copy): Promise<Reading> {
  try {
    return judge(isPooled ? await readPooled(path) : readAlone(path))
  } catch (error) {
    const { code, message } = error as { readonly code?: unknown; readonly message: string }
    return { problem: `${String(code)}: ${message}` }
  }
}

function readAlone(path: string): Rows {
  const database = new Database(path, { fileMustExist: true })
  try {
    // Hundreds of copies: what a power cut would do to them is no matter.
    database.pragma('synchronous = OFF')
    const rows = {
      integrity: database.pragma('integrity_check'),
      slots: database.prepare(SQL.slots).all(),
      history: database.prepare(SQL.history).all(),
    }
    // What was recovered can be written to, copied back and read again.
    database.prepare(SQL.addition).run()
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.prepare('DELETE FROM history WHERE n = 1000000').run()
    return { ...(rows as Rows), integrity: [rows.integrity, database.pragma('integrity_check')] }
  } finally {
    database.close()
  }
}

async function readPooled(path: string): Promise<Rows> {
  const pool = await createPool({ path, size: 2 })
  try {
    const read = (): Promise<Rows> =>
      pool.read(async (db) => ({
        integrity: await db.all(SQL.integrity),
        slots: await db.all<Rows['slots'][number]>(SQL.slots),
        history: await db.all<Rows['history'][number]>(SQL.history),
      }))
    const rows = await read()
    await pool.run(SQL.addition)
    await pool.wal.checkpoint('TRUNCATE')
    return { ...rows, integrity: [rows.integrity, (await read()).integrity] }
  } finally {
    await pool.close()
  }
}

/** A whole commit, or the parts of which ones. */
function judge({ integrity, slots, history }: Rows): Reading {
  const ok = [{ integrity_check: 'ok' }]
  if (JSON.stringify(integrity) !== JSON.stringify([ok, ok]))
    return { problem: JSON.stringify(integrity) }
  const numbers = slots.map(({ n }) => n)
  const commit = history.length
  const isWhole =
    numbers.length === SLOTS &&
    numbers.every((n) => n === commit) &&
    history.every(({ n, filler }, i) => n === i + 1 && filler.every((byte) => byte === n))
  if (isWhole) return { commit }
  return { problem: `slots ${numbers.join()}, history up to ${commit}` }
}
