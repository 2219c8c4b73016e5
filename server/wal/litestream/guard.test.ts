import assert from 'node:assert/strict'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { createPool } from '../../create-pool.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { assertNoLitestream } from './guard.ts'

const hour = 3600

/** A database with the folder that Litestream keeps beside it, last written so long ago. */
function withFolder(t: TestContext, agoSeconds: number): string {
  const path = tempDatabase(t)
  const folder = join(dirname(path), `.${basename(path)}-litestream`)
  mkdirSync(folder)
  const atSeconds = Date.now() / 1000 - agoSeconds
  writeFileSync(join(folder, 'generation'), '')
  utimesSync(join(folder, 'generation'), atSeconds, atSeconds)
  utimesSync(folder, atSeconds, atSeconds)
  return path
}

describe('assertNoLitestream', () => {
  it('has nothing against a database that none was ever at', async (t) => {
    await assertNoLitestream(tempDatabase(t), () => false)
  })

  it('lets pass what one has left behind: its tables, and a folder that nobody writes', async (t) => {
    await assertNoLitestream(tempDatabase(t), () => true)
    await assertNoLitestream(withFolder(t, hour), () => true)
  })

  it('refuses beside one whose folder is fresh, and says what to set', async (t) => {
    await assert.rejects(
      assertNoLitestream(withFolder(t, 1), () => true),
      {
        code: 'WAL_EXTERNAL_CHECKPOINTER',
        message: /folder .*-litestream is fresh.*checkpointer: 'external'/,
      },
    )
  })

  it('keeps a pool from checkpointing there, and leaves one alone that does not', async (t) => {
    const path = withFolder(t, 1)
    await assert.rejects(createPool({ path }), { code: 'WAL_EXTERNAL_CHECKPOINTER' })
    const pool = await createPool({ path, checkpointer: 'external' })
    await pool.close()
  })
})
