import type { ConnectionPool } from '../../../connection-pool.ts'
import type { Lease } from '../../../pool/lease.ts'
import type { Random } from '../../../random.ts'

const UNDONE = new Error('undone on purpose')
const TABLES = ['alpha', 'beta', 'gamma'] as const

/** Bytes that cannot be told from noise, and are the same on every machine. */
function noise(random: Random, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  for (let at = 0; at + 4 <= sizeBytes; at += 4) bytes.writeUInt32LE(random.below(2 ** 32), at)
  return bytes
}

type Change = (db: Pick<Lease, 'run'>, random: Random) => Promise<unknown>

const insert: Change = (db, random) =>
  db.run(`INSERT INTO ${random.pick(TABLES)} (n, body) VALUES (?, ?)`, [
    random.below(1000),
    noise(random, random.between(10, 3000)),
  ])

const insertBig: Change = (db, random) =>
  db.run(`INSERT INTO ${random.pick(TABLES)} (n, body) VALUES (?, ?)`, [
    random.below(1000),
    noise(random, random.between(50_000, 200_000)),
  ])

const update: Change = (db, random) =>
  db.run(`UPDATE ${random.pick(TABLES)} SET n = n + 1, body = ? WHERE n % 7 = ?`, [
    noise(random, random.between(10, 5000)),
    random.below(7),
  ])

const remove: Change = (db, random) =>
  db.run(`DELETE FROM ${random.pick(TABLES)} WHERE id % 5 = ? AND n < 400`, [random.below(5)])

const CHANGES: readonly Change[] = [insert, insert, insert, insert, insertBig, update, remove]

async function changes(db: Pick<Lease, 'run'>, random: Random): Promise<void> {
  for (let i = random.between(1, 6); i > 0; i -= 1) await random.pick(CHANGES)(db, random)
}

/** The same statements in the same order for the same seed, whatever else the pool does meanwhile. */
export async function runWorkload(
  pool: ConnectionPool,
  random: Random,
  stepCount: number,
): Promise<void> {
  await pool.transaction(async (db) => {
    for (const table of TABLES) {
      await db.run(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, n INTEGER, body BLOB)`)
      await db.run(`CREATE INDEX ${table}_by_n ON ${table} (n)`)
    }
  })
  let columnCount = 0
  const steps: readonly (() => Promise<unknown>)[] = [
    () => changes(pool, random),
    () => pool.transaction((db) => changes(db, random)),
    () => pool.transaction((db) => changes(db, random)),
    async () =>
      pool.transaction(async (db) => {
        await changes(db, random)
        await undone(() =>
          pool.transaction(async (inner) => (await changes(inner, random), raise())),
        )
        await changes(db, random)
      }),
    () => undone(() => pool.transaction(async (db) => (await changes(db, random), raise()))),
    async () => {
      columnCount += 1
      const table = random.pick(TABLES)
      await pool.run(`ALTER TABLE ${table} ADD COLUMN extra_${columnCount} TEXT DEFAULT 'none'`)
      await pool.run(
        `UPDATE ${table} SET extra_${columnCount} = hex(substr(body, 1, 20)) WHERE n % 2`,
      )
    },
    () => pool.barrier((db) => db.exec('VACUUM')),
  ]
  // Rare ones come last in the list.
  for (let i = 0; i < stepCount; i += 1) {
    await (random.below(12) === 0 ? random.pick(steps.slice(5)) : random.pick(steps.slice(0, 5)))()
  }
}

function raise(): never {
  throw UNDONE
}

async function undone(work: () => Promise<unknown>): Promise<void> {
  await work().catch((error: unknown) => {
    if (error !== UNDONE) throw error
  })
}
