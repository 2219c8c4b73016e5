import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createPool } from '../create-pool.ts'
import { tempDatabase } from '../testing/temp-db.ts'
import { WALError, type WALErrorCode } from '../wal/errors.ts'
import { adminRoutesPlugin, type AdminOptions } from './admin-routes.ts'
import { ADMIN_TOKEN, bearer, createRig, VIEWER_TOKEN } from './testing/rig.ts'

const own = { host: 'localhost' }
const admin = { ...own, ...bearer(ADMIN_TOKEN) }

async function startRig(t: TestContext) {
  const pool = await createPool({ path: tempDatabase(t), size: 3 })
  t.after(() => pool.close())
  await pool.run('CREATE TABLE note (text TEXT)')
  const rig = await createRig(t, {
    routes: (app) => void app.register(adminRoutesPlugin, { pool }),
  })
  const checkpoint = (payload: object | undefined, headers: Record<string, string> = admin) =>
    rig.app.inject({
      method: 'POST',
      url: '/api/admin/checkpoint',
      headers,
      ...(payload && { payload }),
    })
  return { ...rig, pool, checkpoint }
}

describe('GET /api/admin/pool-stats', () => {
  it('gives the whole snapshot of a real pool', async (t) => {
    const { app, pool } = await startRig(t)
    await Promise.all(Array.from({ length: 5 }, () => pool.all('SELECT * FROM note')))
    const lease = await pool.acquire()
    const reply = await app.inject({ url: '/api/admin/pool-stats', headers: admin })
    assert.equal(reply.statusCode, 200)
    assert.deepEqual(reply.json(), JSON.parse(JSON.stringify(pool.stats())))
    const { inUse, max } = reply.json<Record<string, number>>()
    assert.deepEqual([inUse, max], [1, 3])
    await pool.release(lease)
  })
})

describe('GET /api/admin/wal', () => {
  it('gives all that is known of the log, before and after a checkpoint', async (t) => {
    const { app, pool, checkpoint } = await startRig(t)
    for (const _ of [1, 2]) {
      const reply = await app.inject({ url: '/api/admin/wal', headers: admin })
      assert.equal(reply.statusCode, 200)
      const [given, expected] = [
        reply.json<object>(),
        JSON.parse(JSON.stringify(await pool.wal.getWALInfo())),
      ]
      for (const info of [given, expected])
        Object.assign(info, { probedAtMs: 0, oldestPendingMs: 0 })
      assert.deepEqual(given, expected)
      assert.equal((await checkpoint({ mode: 'TRUNCATE' })).statusCode, 200)
    }
  })
})

describe('POST /api/admin/checkpoint', () => {
  it('checkpoints, in every mode, and leaves a line that says who did', async (t) => {
    const { pool, checkpoint, lines } = await startRig(t)
    for (const mode of ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE']) {
      await pool.run('INSERT INTO note VALUES (?)', [mode])
      const reply = await checkpoint({ mode, budgetMs: 500 })
      assert.equal(reply.statusCode, 200, reply.body)
      const result = reply.json<Record<string, unknown>>()
      assert.deepEqual([result['trigger'], result['busy']], ['manual', 0])
      assert.match(String(result['outcome']), /^complete/)
    }
    assert.equal((await pool.wal.getWALInfo()).sizeBytes, 0)
    const audits = lines().flatMap((line) => (line['audit'] as Record<string, unknown>) ?? [])
    assert.equal(audits.length, 4)
    assert.deepEqual(audits.at(-1), {
      who: { access: 'admin', by: 'bearer', address: '127.0.0.1' },
      verb: 'checkpoint',
      mode: 'TRUNCATE',
      result: 'complete_reset',
    })
  })

  it('says who is in the way', async (t) => {
    const { pool, checkpoint } = await startRig(t)
    const reader = await pool.acquire({ label: 'the slow report' })
    await reader.exec('BEGIN')
    await reader.prepare('SELECT count(*) FROM note').get()
    await pool.run("INSERT INTO note VALUES ('x')")
    const reply = await checkpoint({ mode: 'RESTART', budgetMs: 0 })
    assert.equal(reply.statusCode, 200)
    const { busy, blockedBy } = reply.json<{ busy: number; blockedBy: { label: string }[] }>()
    assert.deepEqual([busy, blockedBy.map(({ label }) => label)], [1, ['the slow report']])
    await reader.exec('COMMIT')
    await pool.release(reader)
  })

  const wrong: readonly (object | undefined)[] = [
    undefined,
    {},
    { mode: 'passive' },
    { mode: 'VACUUM' },
    { mode: 'PASSIVE; DROP TABLE note' },
    { mode: ['FULL'] },
    { mode: 'FULL', budgetMs: -1 },
    { mode: 'FULL', budgetMs: '5' },
    { mode: 'FULL', budgetMs: 10_001 },
    { mode: 'FULL', path: '/etc/passwd' },
  ]
  it('refuses everything but a mode and a budget', async (t) => {
    const { pool, checkpoint } = await startRig(t)
    for (const body of wrong) {
      const reply = await checkpoint(body)
      assert.equal(reply.statusCode, 400, JSON.stringify(body))
    }
    const reply = await checkpoint({ mode: 'VACUUM' })
    assert.match(reply.body, /must be one of PASSIVE, FULL, RESTART, TRUNCATE/)
    assert.equal(pool.wal.lastCheckpoint, null)
  })

  it('turns what the log refuses into an answer, and into a line', async (t) => {
    const statuses: Readonly<Partial<Record<WALErrorCode, number>>> = {
      WAL_NOT_ENABLED: 409,
      WAL_EXTERNAL_CHECKPOINTER: 409,
      WAL_UNSAFE_SQLITE: 409,
      WAL_CLOSED: 503,
      DB_WORKER_LOST: 503,
    }
    for (const [code, status] of Object.entries(statuses)) {
      const wal = {
        checkpoint: () => Promise.reject(new WALError(code as WALErrorCode, '/secret/path')),
      } as unknown as AdminOptions['pool']['wal']
      const pool = { wal, stats: () => assert.fail() }
      const { app, lines } = await createRig(t, {
        routes: (app) => void app.register(adminRoutesPlugin, { pool }),
      })
      const reply = await app.inject({
        method: 'POST',
        url: '/api/admin/checkpoint',
        headers: admin,
        payload: { mode: 'FULL' },
      })
      const { error } = reply.json<{ error: { code: string } }>()
      assert.deepEqual([error.code, reply.statusCode], [code, status])
      assert.doesNotMatch(reply.body, /secret/)
      const results = lines().flatMap((line) => (line['audit'] as { result: string })?.result ?? [])
      assert.deepEqual(results, [code])
    }
  })
})

describe('the admin routes', () => {
  it('are for administrators', async (t) => {
    const { app } = await startRig(t)
    for (const [method, path] of [
      ['GET', 'pool-stats'],
      ['HEAD', 'pool-stats'],
      ['GET', 'wal'],
      ['POST', 'checkpoint'],
    ] as const) {
      const url = `/api/admin/${path}`
      const statuses = []
      for (const headers of [own, { ...own, ...bearer(VIEWER_TOKEN) }]) {
        statuses.push((await app.inject({ method, url, headers })).statusCode)
      }
      assert.deepEqual(statuses, [401, 403], `${method} ${url}`)
    }
  })
})
