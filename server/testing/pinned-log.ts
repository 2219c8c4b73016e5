import type { Pool } from '../pool/pool.ts'

/** Reads from the pool's `page` table, in a transaction that stays open until `end` is called. */
export async function pinLog(pool: Pool): Promise<{ reading: Promise<void>; end(): void }> {
  const began = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const reading = pool.read(
    async (db) => {
      await db.get('SELECT count(*) FROM page')
      began.resolve()
      await go.promise
    },
    { label: 'GET /report' },
  )
  await began.promise
  return { reading, end: go.resolve }
}
