import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { startServer, runServer, type ServerProcess } from './testing/server-process.ts'
import { tempDatabase, tempDir } from './testing/temp-db.ts'
import { until } from './testing/until.ts'

const ADMIN_TOKEN = 'f3b1c9a07d5e4826b1f09c3ad7e85416'
const VIEWER_TOKEN = '8d2e60b7c41f49a3950d7be1c6a2f834'
const TOKENS = { ADMIN_TOKEN, VIEWER_TOKEN }
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

interface Stats {
  readonly available: number
  readonly inUse: number
  readonly total: number
  readonly max: number
  readonly waiting: number
  readonly readers: { readonly inUse: number }
}

async function poolStats(server: ServerProcess): Promise<Stats> {
  const response = await fetch(`${server.url}/api/admin/pool-stats`, bearer(ADMIN_TOKEN))
  assert.equal(response.status, 200)
  return (await response.json()) as Stats
}

/** From outside, when the server is gone. */
function integrity(path: string): unknown {
  const database = new Database(path, { readonly: true, fileMustExist: true })
  try {
    return database.pragma('integrity_check', { simple: true })
  } finally {
    database.close()
  }
}

const newProduct = (name: string): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ name, category: 'coffee', priceCents: 499, stock: 3 }),
})

describe('the server', () => {
  it('answers under both names of loopback, and keeps the database in WAL mode', async (t) => {
    const server = await startServer(t, TOKENS)
    for (const host of ['127.0.0.1', 'localhost']) {
      const response = await fetch(`http://${host}:${server.port}/api/products`)
      assert.equal(response.status, 200, host)
    }
    const database = new Database(server.databasePath, { readonly: true })
    assert.equal(database.pragma('journal_mode', { simple: true }), 'wal')
    assert.deepEqual(database.prepare('SELECT count(*) AS n FROM product').get(), { n: 10_000 })
    database.close()
  })

  it('shows the pool to an administrator, and to nobody else', async (t) => {
    const server = await startServer(t, TOKENS)
    const url = `${server.url}/api/admin/pool-stats`
    assert.equal((await fetch(url)).status, 401)
    assert.equal((await fetch(url, bearer(VIEWER_TOKEN))).status, 403)
    const { available, inUse, total, max } = await poolStats(server)
    assert.equal(max, 5)
    assert.equal(available + inUse, total)
  })

  it('makes a log that a checkpoint brings back down', async (t) => {
    const server = await startServer(t, TOKENS)
    for (let i = 0; i < 50; i += 1) {
      assert.equal(
        (await fetch(`${server.url}/api/products`, newProduct(`Roast ${i}`))).status,
        201,
      )
    }
    const wal = `${server.databasePath}-wal`
    assert.ok(statSync(wal).size > 0)
    const { headers } = bearer(ADMIN_TOKEN)
    const response = await fetch(`${server.url}/api/admin/checkpoint`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ mode: 'TRUNCATE' }),
    })
    const result = (await response.json()) as Record<string, unknown>
    assert.equal(response.status, 200, JSON.stringify(result))
    assert.equal(result['busy'], 0)
    assert.equal(statSync(wal).size, 0)
  })

  it('refuses at once with Retry-After when too many wait', async (t) => {
    const server = await startServer(t, { ...TOKENS, DB_POOL_SIZE: '2', POOL_MAX_WAITERS: '1' })
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => fetch(`${server.url}/api/products/stats`)),
    )
    const refused = answers.filter((answer) => answer.status === 503)
    assert.ok(refused.length > 0)
    assert.ok(answers.some((answer) => answer.status === 200))
    for (const answer of refused) {
      assert.ok(Number(answer.headers.get('retry-after')) >= 1)
      const { error } = (await answer.json()) as { error: { code: string; outcome: string } }
      assert.deepEqual([error.code, error.outcome], ['POOL_QUEUE_FULL', 'not_started'])
    }
  })

  it('keeps to the same secrets and rows over a restart, without filling the database again', async (t) => {
    const first = await startServer(t, TOKENS)
    await fetch(`${first.url}/api/products`, newProduct('Kept'))
    first.kill('SIGTERM')
    assert.deepEqual(await first.exited, { code: 0, signal: null })
    const second = await startServer(t, { ...TOKENS, DATABASE_PATH: first.databasePath })
    const response = await fetch(`${second.url}/api/products?search=Kept`)
    const { items } = (await response.json()) as { items: unknown[] }
    assert.equal(items.length, 1)
  })
})

describe('a shutdown', () => {
  it('answers every accepted request, leaves no log, and exits with 0', async (t) => {
    const server = await startServer(t, { ...TOKENS, DB_POOL_SIZE: '2' })
    const heavy = Array.from({ length: 25 }, () => fetch(`${server.url}/api/products/stats`))
    await until(async () => (await poolStats(server)).waiting >= 15)
    server.kill('SIGTERM')
    const answers = await Promise.all(heavy)
    assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([200]))
    assert.deepEqual(await server.exited, { code: 0, signal: null }, server.output())
    assert.equal(existsSync(`${server.databasePath}-wal`), false)
    assert.equal(integrity(server.databasePath), 'ok')
  })

  it('ends at once at a second signal, whatever runs', async (t) => {
    const server = await startServer(t, { ...TOKENS, DB_POOL_SIZE: '2' })
    const requests = Array.from({ length: 25 }, () => fetch(`${server.url}/api/products/stats`))
    const settled = Promise.allSettled(requests)
    await until(async () => (await poolStats(server)).waiting >= 15)
    server.kill('SIGTERM')
    await until(() => server.output().includes('draining'))
    server.kill('SIGTERM')
    const { code, signal } = await server.exited
    assert.ok(code === 143 || signal === 'SIGKILL', `${String(code)} ${String(signal)}`)
    await settled
    assert.equal(integrity(server.databasePath), 'ok')
  })
})

describe('a crash', () => {
  it('loses no acknowledged row, at eight kills under write load', async (t) => {
    const databasePath = tempDatabase(t)
    const acknowledged = new Set<number>()
    for (let round = 0; round < 8; round += 1) {
      const server = await startServer(t, { ...TOKENS, DATABASE_PATH: databasePath })
      const isEnough = acknowledged.size + 20 + round * 10
      let isOver = false
      const write = async (): Promise<void> => {
        while (!isOver) {
          const response = await fetch(`${server.url}/api/products`, newProduct('Crash')).catch(
            () => null,
          )
          const body = (await response?.json().catch(() => null)) as
            | { id: number }
            | null
            | undefined
          if (response?.status === 201 && body != null) acknowledged.add(body.id)
          if (response === null) return
        }
      }
      const writers = Promise.all(Array.from({ length: 8 }, write))
      await until(() => acknowledged.size >= isEnough)
      server.kill('SIGKILL')
      await server.exited
      isOver = true
      await writers
    }
    const database = new Database(databasePath)
    t.after(() => database.close())
    assert.equal(database.pragma('integrity_check', { simple: true }), 'ok')
    const rows = database.prepare("SELECT id FROM product WHERE name = 'Crash'").pluck().all()
    const present = new Set(rows as number[])
    assert.deepEqual(
      [...acknowledged].filter((id) => !present.has(id)),
      [],
    )
    assert.ok(acknowledged.size >= 8 * 20)
  })
})

describe('a start that cannot succeed', () => {
  const cases: readonly { name: string; env: Record<string, string>; says: readonly RegExp[] }[] = [
    { name: 'a size that is no number', env: { DB_POOL_SIZE: 'abc' }, says: [/DB_POOL_SIZE/] },
    { name: 'a size of 0', env: { DB_POOL_SIZE: '0' }, says: [/DB_POOL_SIZE/] },
    { name: 'a negative size', env: { DB_POOL_SIZE: '-1' }, says: [/DB_POOL_SIZE/] },
    { name: 'half a connection', env: { DB_POOL_SIZE: '1.5' }, says: [/DB_POOL_SIZE/] },
    { name: 'a size in hexadecimal', env: { DB_POOL_SIZE: '0x10' }, says: [/DB_POOL_SIZE/] },
    { name: 'an empty size', env: { DB_POOL_SIZE: '' }, says: [/DB_POOL_SIZE is empty/] },
    { name: 'a database in memory', env: { DATABASE_PATH: ':memory:' }, says: [/DATABASE_PATH/] },
    { name: 'a blank path', env: { DATABASE_PATH: ' ' }, says: [/DATABASE_PATH/] },
    { name: 'a missing directory', env: { DATABASE_PATH: 'no/such/db' }, says: [/DATABASE_PATH/] },
    { name: 'a directory', env: { DATABASE_PATH: '.' }, says: [/DATABASE_PATH/] },
    {
      name: 'an interval in words',
      env: { WAL_CHECKPOINT_INTERVAL: '1m' },
      says: [/WAL_CHECKPOINT_INTERVAL/],
    },
    {
      name: 'an interval too short',
      env: { WAL_CHECKPOINT_INTERVAL: '5' },
      says: [/WAL_CHECKPOINT_INTERVAL/],
    },
    { name: 'a port too high', env: { PORT: '70000' }, says: [/PORT/] },
    { name: 'a host that is a sentence', env: { HOST: 'my computer' }, says: [/HOST/] },
    { name: 'a level that does not exist', env: { LOG_LEVEL: 'loud' }, says: [/LOG_LEVEL/] },
    { name: 'a short token', env: { ADMIN_TOKEN: 'short' }, says: [/ADMIN_TOKEN/] },
    {
      name: 'a sample token',
      env: { ADMIN_TOKEN: 'change-me-change-me-change-me-change-me' },
      says: [/ADMIN_TOKEN/],
    },
    {
      name: 'an open address without conditions',
      env: { HOST: '0.0.0.0' },
      says: [/ADMIN_TOKEN/, /ALLOWED_HOSTS/, /TLS/],
    },
    {
      name: 'a misspelt name',
      env: { DB_POOL_SIZ: '4' },
      says: [/DB_POOL_SIZ is not a setting; did you mean DB_POOL_SIZE/],
    },
    {
      name: 'a certificate without its key',
      env: { TLS_CERT_PATH: '/no/cert' },
      says: [/TLS_CERT_PATH/],
    },
    {
      name: 'many at once',
      env: { DB_POOL_SIZE: 'x', PORT: 'y', LOG_LEVEL: 'z', POOL_MAX_WAITERS: '-3' },
      says: [/4 settings are wrong/, /DB_POOL_SIZE/, /PORT/, /LOG_LEVEL/, /POOL_MAX_WAITERS/],
    },
  ]
  for (const { name, env, says } of cases) {
    it(`exits with 78 for ${name}, names it, and creates nothing`, async (t) => {
      const cwd = tempDir(t)
      const { code, output } = await runServer(cwd, { DATABASE_PATH: './database.sqlite', ...env })
      assert.equal(code, 78, output)
      for (const pattern of says) assert.match(output, pattern)
      if (env['ADMIN_TOKEN'] !== undefined)
        assert.doesNotMatch(output, new RegExp(env['ADMIN_TOKEN']))
      assert.deepEqual(readdirSync(cwd), [])
    })
  }

  it('exits with 75 when the port is taken, before it touches the database', async (t) => {
    const squatter = createServer().listen(0, '127.0.0.1')
    t.after(() => squatter.close())
    await once(squatter, 'listening')
    const { port } = squatter.address() as { port: number }
    const cwd = tempDir(t)
    const { code, output } = await runServer(cwd, { PORT: String(port) })
    assert.equal(code, 75, output)
    assert.match(output, new RegExp(`${port}`))
    assert.deepEqual(readdirSync(cwd), [])
  })

  it('exits with 69 when the file is no database, and leaves it as it is', async (t) => {
    const path = tempDatabase(t)
    const { writeFileSync, readFileSync } = await import('node:fs')
    writeFileSync(path, 'this is a letter to my aunt, and not a database\n'.repeat(100))
    const before = readFileSync(path, 'utf8')
    const { code, output } = await runServer(dirname(path), { PORT: '0', DATABASE_PATH: path })
    assert.equal(code, 69, output)
    assert.match(output, /not a database/)
    assert.equal(readFileSync(path, 'utf8'), before)
  })
})
