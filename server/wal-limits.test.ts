import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { PoolEvent, StarvationEvent } from '../telemetry/events.ts'
import type { ConnectionPool } from './connection-pool.ts'
import { createPool } from './create-pool.ts'
import type { PoolError } from './pool/errors.ts'
import type { PoolOptions } from './pool/options.ts'
import { pinLog } from './testing/pinned-log.ts'
import { tempDatabase } from './testing/temp-db.ts'
import { until } from './testing/until.ts'
import { watch } from './testing/watched.ts'

const MEBIBYTE = 1024 * 1024
const INSERT = { sql: 'INSERT INTO page (body) VALUES (randomblob(3500))' }
const BATCH = Array.from({ length: 50 }, () => INSERT)

async function open(
  t: TestContext,
  options: Partial<PoolOptions>,
): Promise<{ pool: ConnectionPool; events: PoolEvent[] }> {
  const pool = await createPool({ path: tempDatabase(t), ...options })
  t.after(() => pool.close())
  const events: PoolEvent[] = []
  pool.onEvent((event) => void events.push(event))
  await pool.run('CREATE TABLE page (id INTEGER PRIMARY KEY, body BLOB)')
  await pool.run(INSERT.sql)
  return { pool, events }
}

/** Writes until it is refused. */
async function writeUntilRefused(pool: ConnectionPool): Promise<PoolError> {
  for (;;) {
    try {
      await pool.batch(BATCH)
    } catch (error) {
      return error as PoolError
    }
  }
}

describe('maxWalBytes', () => {
  it('lets writers wait, then refuses them with who is in the way, and serves them again afterwards', async (t) => {
    const { pool, events } = await open(t, { maxWalBytes: 4 * MEBIBYTE })
    const reader = await pinLog(pool)
    const error = await writeUntilRefused(pool)
    assert.deepEqual([error.code, error.outcome], ['WAL_FULL', 'not_started'])
    assert.match(error.message, /limit of 4 MiB.*GET \/report on connection \d/)
    assert.deepEqual(
      error.holders.map(({ label }) => label),
      ['GET /report'],
    )
    // What writes before somebody looks again is a quarter of a second's worth, and no more.
    const { frames, backpressure } = await pool.wal.getWALInfo()
    assert.equal(backpressure, 'size')
    const { n: rows } = (await pool.get<{ n: number }>('SELECT count(*) AS n FROM page'))!
    await assert.rejects(pool.run(INSERT.sql), { code: 'WAL_FULL' })
    assert.equal((await pool.wal.getWALInfo()).frames, frames)

    reader.end()
    await reader.reading
    await until(async () => (await pool.wal.getWALInfo()).backpressure === null)
    await pool.run(INSERT.sql)
    const after = (await pool.get<{ n: number }>('SELECT count(*) AS n FROM page'))!
    assert.equal(after.n, rows + 1)
    const told = events.flatMap((event) => (event.type === 'backpressure' ? [event] : []))
    assert.deepEqual(
      told.map(({ isOn, pin: by }) => [isOn, by?.holder.lease?.label]),
      [
        [true, 'GET /report'],
        [false, undefined],
      ],
    )
    assert.equal(pool.stats().writer.failed.wal_full >= 2, true)
  })

  it('does not hold up a pool that closes: what waits is written', async (t) => {
    const { pool } = await open(t, { maxWalBytes: 2 * MEBIBYTE })
    const reader = await pinLog(pool)
    while ((await pool.wal.getWALInfo()).backpressure === null) {
      await pool.batch(BATCH, { timeoutMs: 50 }).catch(() => undefined)
    }
    const waiting = watch(pool.run(INSERT.sql))
    const closing = pool.close()
    await waiting.promise.catch(() => undefined)
    reader.end()
    await Promise.all([reader.reading, closing])
    assert.equal(waiting.state, 'fulfilled')
  })

  it('is no limit when it is 0', async (t) => {
    const { pool } = await open(t, { maxWalBytes: 0 })
    const reader = await pinLog(pool)
    for (let i = 0; i < 60; i += 1) await pool.batch(BATCH)
    assert.equal((await pool.wal.getWALInfo()).backpressure, null)
    reader.end()
    await reader.reading
  })
})

describe('starvation', () => {
  it('is told to onStarvation, whose errors become warnings, and costs the lease nothing', async (t) => {
    const told: StarvationEvent[] = []
    const warnings: string[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning.message)
    process.on('warning', onWarning)
    t.after(() => process.off('warning', onWarning))
    const { pool } = await open(t, {
      onStarvation: (event) => {
        told.push(event)
        throw new Error('the hook is broken')
      },
    })
    const reader = await pinLog(pool)
    while (told.length === 0) await pool.batch(BATCH)
    assert.equal(told[0]?.pin?.holder.lease?.label, 'GET /report')
    reader.end()
    await reader.reading
    await until(() => told.at(-1)?.isStarved === false)
    assert.ok(warnings.includes('the hook is broken'))
  })

  it('takes the lease away after starvationReclaimMs, and the log is copied back', async (t) => {
    const { pool, events } = await open(t, { starvationReclaimMs: 2000 })
    const reader = await pinLog(pool)
    const reading = watch(reader.reading)
    while (reading.state === 'pending') await pool.batch(BATCH)
    const error = reading.error as PoolError
    assert.deepEqual([error.code, error.outcome], ['LEASE_REVOKED', 'rolled_back'])
    assert.match(error.message, /kept the write-ahead log from being copied back for \d+ ms/)
    await until(() => events.some((event) => event.type === 'starvation' && !event.isStarved))
    await until(async () => (await pool.wal.getWALInfo()).pendingFrames === 0)
    reader.end()
  })
})
