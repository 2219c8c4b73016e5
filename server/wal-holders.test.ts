import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import type { CheckpointEvent, PoolEvent, WALPin } from '../telemetry/events.ts'
import type { History } from '../telemetry/protocol.ts'
import { buildApp, type App } from './app.ts'
import { readConfig } from './config.ts'
import { ConnectionPool } from './connection-pool.ts'
import { logEvents } from './event-log.ts'
import { ADMIN_TOKEN, bearer } from './http/testing/rig.ts'
import { pinLog } from './testing/pinned-log.ts'
import { tempDatabase } from './testing/temp-db.ts'
import { until } from './testing/until.ts'
import type { WALInfo } from './wal/wal-info.ts'

/** More than a checkpoint leaves behind, every few milliseconds. */
const PAGES = 60

/** The whole server, put together and not listening, and its pool under writes. */
class Rig {
  readonly path: string
  readonly pool: ConnectionPool
  readonly app: App
  readonly events: PoolEvent[] = []
  readonly lines: { readonly fields: Record<string, unknown>; readonly message: string }[] = []
  #isWriting = true
  readonly #writing: Promise<void>

  private constructor(path: string, pool: ConnectionPool, app: App) {
    this.path = path
    this.pool = pool
    this.app = app
    const write = (fields: object, message: string): void =>
      void this.lines.push({ fields: fields as Record<string, unknown>, message })
    pool.onEvent((event) => void this.events.push(event))
    pool.onEvent(logEvents({ info: write, warn: write, error: write }))
    this.#writing = this.#write()
  }

  static async open(t: TestContext): Promise<Rig> {
    const path = tempDatabase(t)
    const config = readConfig({ DATABASE_PATH: path, ADMIN_TOKEN, LOG_LEVEL: 'silent' })
    const pool = new ConnectionPool(config.pool)
    await pool.open()
    await pool.run('CREATE TABLE page (id INTEGER PRIMARY KEY, body BLOB)')
    await pool.run('INSERT INTO page (body) VALUES (randomblob(3500))')
    const app = await buildApp(config, pool)
    const rig = new Rig(path, pool, app)
    t.after(async () => {
      rig.#isWriting = false
      await rig.#writing
      await app.http.close()
      await pool.close()
    })
    return rig
  }

  async info(): Promise<WALInfo> {
    const headers = bearer(ADMIN_TOKEN)
    const answer = await this.app.http.inject({ url: '/api/admin/wal', headers })
    assert.equal(answer.statusCode, 200, answer.body)
    return answer.json()
  }

  /** What a dashboard that is opened now shows. */
  async page(): Promise<History['state']> {
    const answer = await this.app.http.inject({
      url: '/api/v1/history',
      headers: bearer(ADMIN_TOKEN),
    })
    assert.equal(answer.statusCode, 200, answer.body)
    return answer.json<History>().state
  }

  get lastCheckpoint(): CheckpointEvent | undefined {
    return this.events.findLast((event) => event.type === 'checkpoint')
  }

  async #write(): Promise<void> {
    const sql = 'INSERT INTO page (body) VALUES (randomblob(3500))'
    const statements = Array.from({ length: PAGES }, () => ({ sql }))
    while (this.#isWriting) {
      await this.pool.batch(statements)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
}

/** A `sqlite3` shell as somebody forgets it: a process that is in a read transaction until it is told to end it. */
async function forgetShell(t: TestContext, path: string): Promise<{ pid: number; end(): void }> {
  const code = `
    const Database = (await import('better-sqlite3')).default
    const db = new Database(process.argv[1], { readonly: true })
    db.exec('BEGIN')
    db.prepare('SELECT count(*) FROM page').get()
    process.stdout.write('reading')
    process.stdin.once('data', () => { db.exec('COMMIT'); process.stdout.write('done') })
  `
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', code, path], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout!, 'data')
  return { pid: child.pid!, end: () => void child.stdin!.write('end') }
}

interface Scene {
  readonly name: string
  readonly kind: WALPin['holder']['kind']
  /** Only where the platform shows what other processes hold. */
  readonly isLinuxOnly?: true
  /** Pins the log; the result says whom, and ends it. */
  readonly pin: (
    t: TestContext,
    rig: Rig,
  ) => Promise<{ readonly who: RegExp; readonly end: () => Promise<void> }>
}

const scenes: readonly Scene[] = [
  {
    name: 'a lease in a transaction',
    kind: 'lease',
    pin: async (_t, { pool }) => {
      const reader = await pinLog(pool)
      return {
        who: /GET \/report on connection \d/,
        end: async () => {
          reader.end()
          await reader.reading
        },
      }
    },
  },
  {
    name: 'an iterator that was not read to its end',
    kind: 'iterator',
    pin: async (_t, { pool }) => {
      const lease = await pool.acquire({ label: 'export' })
      const rows = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)'
      const cursor = await lease.iterate(`${rows} SELECT i, (SELECT count(*) FROM page) FROM n`)
      await cursor.next()
      return {
        who: /an iterator left open by export on connection \d/,
        end: async () => {
          await cursor.close()
          await lease.release()
        },
      }
    },
  },
  {
    name: 'another process',
    kind: 'process',
    isLinuxOnly: true,
    pin: async (t, { path }) => {
      const shell = await forgetShell(t, path)
      return { who: new RegExp(`process ${shell.pid} \\(.*node`), end: async () => shell.end() }
    },
  },
]

describe('whoever pins the log', () => {
  for (const { name, kind, isLinuxOnly, pin } of scenes) {
    const skip = isLinuxOnly === true && process.platform !== 'linux' && 'only Linux shows it'
    it(
      `is named everywhere while it does, and nowhere afterwards: ${name}`,
      { skip },
      async (t) => {
        const rig = await Rig.open(t)
        const { who, end } = await pin(t, rig)
        await until(async () => (await rig.info()).isStarved)

        const info = await rig.info()
        assert.equal(info.pin?.holder.kind, kind)
        assert.ok(info.pin.lagFrames! > 1000)
        if (process.platform === 'linux') {
          const held = info.readSlots!.filter(({ holders }) => holders.length > 0)
          assert.ok(held.some(({ slot, frame }) => slot === info.pin?.slot && frame !== null))
        }
        await until(async () => who.test((await rig.page()).verdict.sentence))
        const page = await rig.page()
        assert.match(page.wal.pin!.who, who)
        assert.equal(page.verdict.code, 'wal_starved')
        const line = rig.lines.find(({ message }) => message.startsWith('a reader keeps'))
        assert.match(String(line?.fields['by']), who)
        assert.equal(rig.lastCheckpoint?.pin?.holder.kind, kind)

        await end()
        await until(async () => !(await rig.info()).isStarved)
        await until(async () => (await rig.page()).verdict.code !== 'wal_starved')
        const ended = rig.events.findLast((event) => event.type === 'starvation')
        assert.deepEqual([ended?.isStarved, ended?.pin?.holder.kind], [false, kind])
        await until(() => rig.lastCheckpoint?.pin === null)
        assert.ok(rig.lines.some(({ message }) => message.endsWith('shrinks again')))
      },
    )
  }
})
