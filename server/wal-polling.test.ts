import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import { WebSocket } from 'ws'
import { SUBPROTOCOL } from '../telemetry/protocol.ts'
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'
import { ConnectionPool } from './connection-pool.ts'
import { ADMIN_TOKEN, bearer, listen } from './http/testing/rig.ts'
import { tempDatabase } from './testing/temp-db.ts'

const POLLS = 300
const POLL_INTERVAL_MS = 10
const PATHS = [
  '/api/admin/wal',
  '/api/admin/pool-stats',
  '/api/v1/history',
  '/livez',
  '/readyz',
  '/dashboard/',
]

/** A server on a pool in which nobody checkpoints: whoever moved a frame has done it by looking. */
async function open(t: TestContext): Promise<{ pool: ConnectionPool; port: number; path: string }> {
  const path = tempDatabase(t)
  const config = readConfig({
    DATABASE_PATH: path,
    ADMIN_TOKEN,
    LOG_LEVEL: 'silent',
    WAL_CHECKPOINTER: 'external',
  })
  const pool = new ConnectionPool(config.pool)
  await pool.open()
  const { http } = await buildApp(config, pool)
  t.after(async () => {
    await http.close()
    await pool.close()
  })
  return { pool, port: await listen(http), path }
}

describe('everything that can be asked about the log', () => {
  it('moves no frame and holds no snapshot, asked a hundred times a second', async (t) => {
    const { pool, port, path } = await open(t)
    const headers = bearer(ADMIN_TOKEN)
    const viewer = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`, SUBPROTOCOL, { headers })
    let frameCount = 0
    viewer.on('message', () => (frameCount += 1))
    await once(viewer, 'open')

    await pool.run('CREATE TABLE page (id INTEGER PRIMARY KEY, body BLOB)')
    const answers: Promise<number>[] = []
    let frames = 0
    for (let i = 0; i < POLLS; i += 1) {
      if (i % 3 === 0) await pool.run('INSERT INTO page (body) VALUES (randomblob(3500))')
      for (const url of PATHS) {
        answers.push(fetch(`http://127.0.0.1:${port}${url}`, { headers }).then(statusOf))
      }
      pool.stats()
      pool.connections()
      const info = await pool.wal.getWALInfo()
      assert.equal(info.backfilledFrames, 0)
      assert.ok(info.frames! >= frames)
      frames = info.frames!
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS))
    }
    assert.deepEqual([...new Set(await Promise.all(answers))], [200])
    assert.ok(frames > POLLS / 3)
    assert.ok(frameCount > 0)

    const info = await pool.wal.getWALInfo()
    assert.deepEqual([info.backfilledFrames, info.resets, info.externalCheckpoints], [0, 0, 0])
    const { completed, incomplete, failed } = pool.view.stats.checkpoint
    assert.deepEqual([completed, incomplete, failed], [0, 0, 0])
    // Whoever still held a snapshot would keep this from succeeding.
    const other = new Database(path, { timeout: 0 })
    t.after(() => other.close())
    const [truncated] = other.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[]
    assert.equal(truncated?.busy, 0)
    viewer.terminate()
  })
})

async function statusOf(response: Response): Promise<number> {
  await response.arrayBuffer()
  return response.status
}
