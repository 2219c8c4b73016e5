import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { createPool } from '../../index.ts'
import type { ConnectionPool } from '../../index.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { until } from '../../testing/until.ts'
import { detectLitestream } from './detect.ts'
import { readLitestreamMetrics } from './metrics.ts'
import type { LitestreamNumbers } from './metrics.ts'
import { findLitestreamProgram, litestreamStarter } from './testing/litestream-process.ts'

interface Cleanup {
  after(fn: () => void | Promise<void>): void
}

const program = findLitestreamProgram()
const ROW_BYTES = 3000
const PAGE_BYTES = 4096

async function openPool(t: Cleanup, path: string): Promise<ConnectionPool> {
  const pool = await createPool({ path, size: 2, checkpointer: 'external' })
  t.after(() => pool.close())
  await pool.run('CREATE TABLE entries (id INTEGER PRIMARY KEY, body BLOB)')
  return pool
}

const tablesOf =
  (pool: ConnectionPool) =>
  async (names: readonly string[]): Promise<boolean> => {
    const sql = `SELECT name FROM sqlite_schema WHERE name IN (${names.map(() => '?').join()})`
    return (await pool.all(sql, [...names])).length > 0
  }

async function numbersOf(url: string, path: string): Promise<LitestreamNumbers> {
  const { numbers, error } = await readLitestreamMetrics(url, { path, timeoutMs: 60_000 })
  if (numbers === null) throw new Error(error.message)
  return numbers
}

describe('a real Litestream', { skip: 'missing' in program && program.missing }, () => {
  const binary = 'path' in program ? program.path : ''

  it('checkpoints the log of a pool that leaves it alone, and its copy is whole', async (t) => {
    const startLitestream = litestreamStarter(t, binary)
    const path = tempDatabase(t)
    const pool = await openPool(t, path)
    const checkpoints: unknown[] = []
    pool.onEvent((event) => {
      if (event.type === 'checkpoint') checkpoints.push(event)
    })
    const litestream = startLitestream(path)
    const url = await litestream.metricsUrl()
    await until(tableExists(pool))

    let rowCount = 0
    let longestBytes = 0
    // Every row takes at least one page in the log: a log that nobody copied back would hold them all, and this would not end.
    await until(async () => {
      for (let i = 0; i < 20; i += 1) {
        await pool.run('INSERT INTO entries (body) VALUES (randomblob(?))', [ROW_BYTES])
      }
      rowCount += 20
      const info = await pool.wal.getWALInfo()
      longestBytes = Math.max(longestBytes, info.sizeBytes ?? 0)
      return info.resets >= 3 && rowCount * PAGE_BYTES > 3 * longestBytes
    })
    const { externalCheckpoints, pin } = await pool.wal.getWALInfo()
    assert.ok(externalCheckpoints > 0)
    assert.equal(pin, null)
    assert.deepEqual(checkpoints, [])
    t.diagnostic(`${rowCount} rows, log at most ${longestBytes} B`)

    const numbers = await numbersOf(url, path)
    assert.ok(numbers.checkpoints! > 0)
    assert.ok(numbers.syncs! > 0)
    assert.equal(numbers.syncErrors, 0)
    const { syncs } = numbers
    await until(async () => (await numbersOf(url, path)).syncs! >= syncs! + 2)
    await litestream.end()
    const copy = join(dirname(path), 'copy.sqlite')
    await litestream.restore(copy)
    const restored = new Database(copy, { readonly: true })
    t.after(() => void restored.close())
    const last = (): unknown =>
      restored.prepare('SELECT count(*) AS rows, max(id) AS last FROM entries').get()
    assert.deepEqual(last(), { rows: rowCount, last: rowCount })
    assert.equal(restored.pragma('integrity_check', { simple: true }), 'ok')
  })

  it('is told by its tables, its folder and its process', async (t) => {
    const startLitestream = litestreamStarter(t, binary)
    const path = tempDatabase(t)
    const pool = await openPool(t, path)
    const hasTable = tablesOf(pool)
    assert.equal(await detectLitestream(path, { hasTable }), null)

    const litestream = startLitestream(path)
    const folder = join(dirname(path), '.database.sqlite-litestream')
    await until(async () => (await detectLitestream(path, { hasTable }))?.directory === folder)
    const signs = await detectLitestream(path, { hasTable })
    assert.equal(signs?.hasTables, true)
    assert.equal(signs.pid, litestream.pid)
    assert.equal(signs.isLive, true)

    await litestream.end()
    const left = await detectLitestream(path, { hasTable })
    assert.equal(left?.pid, null)
    assert.equal(left.hasTables, true)
    const later = { hasTable, nowEpochMs: Date.now() + 600_000 }
    assert.equal((await detectLitestream(path, later))?.isLive, null)
  })
})

const tableExists = (pool: ConnectionPool) => (): Promise<boolean> =>
  tablesOf(pool)(['_litestream_lock'])
