import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { ConnectionPool } from '../../connection-pool.ts'
import { createPool } from '../../create-pool.ts'
import { PoolRig } from '../../testing/pool-rig.ts'
import type { ScriptedConnection } from '../../testing/scripted-connection.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { watch } from '../../testing/watched.ts'
import { OtherProcess } from './testing/other-process.ts'

// Neither tarn nor generic-pool knows what a transaction is: there is nothing to compare with.

const POINTS: Readonly<Record<string, RegExp>> = {
  BEGIN: /^BEGIN/,
  'the statement': /^INSERT/,
  COMMIT: /^COMMIT/,
  ROLLBACK: /^ROLLBACK$/,
  'SAVEPOINT of a nested one': /^SAVEPOINT/,
  'RELEASE of a nested one': /^RELEASE/,
  'ROLLBACK TO of a nested one': /^ROLLBACK TO/,
}
const CODES = [
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'SQLITE_CONSTRAINT',
] as const

interface Fault {
  isOn: boolean
  hitCount: number
}

/** Everything that matches fails for as long as the fault is on, as a full disk does. */
function injectFault(connection: ScriptedConnection, at: RegExp, code: string): Fault {
  const fault: Fault = { isOn: true, hitCount: 0 }
  const guard = (sql: string): void => {
    if (!fault.isOn || !at.test(sql)) return
    fault.hitCount += 1
    throw Object.assign(new Error(code), { code })
  }
  const exec = connection.exec.bind(connection)
  const run = connection.run.bind(connection)
  connection.exec = async (...call) => {
    guard(call[0])
    await exec(...call)
  }
  connection.run = async (...call) => {
    guard(call[0])
    return await run(...call)
  }
  return fault
}

/** Comes by every point: an inner transaction, and an end of its own choosing. */
function work(pool: PoolRig['pool'], point: string): Promise<unknown> {
  const mine = new Error('mine')
  return pool.transaction(async (db) => {
    await db.run('INSERT')
    if (point.includes('nested')) {
      await pool.transaction(async (inner) => {
        await inner.run('UPDATE')
        if (point.startsWith('ROLLBACK')) throw mine
      })
    }
    if (point.startsWith('ROLLBACK')) throw mine
  })
}

/** The error that the caller has is that of SQLite, or tells of it. */
function codesOf(error: unknown): unknown[] {
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown }
  return cause === undefined ? [code] : [code, ...codesOf(cause)]
}

describe('a transaction of glasspool that fails', () => {
  for (const [point, at] of Object.entries(POINTS)) {
    for (const code of CODES) {
      it(`with ${code} at ${point} is reported, and the next caller has a clean connection`, async () => {
        const rig = await PoolRig.open({ acquireTimeoutMs: 1000 })
        const { writer } = rig
        const fault = injectFault(writer, at, code)
        const call = watch(work(rig.pool, point))
        // Longer than it waits for a lock that another process holds.
        await rig.advance(5000)
        assert.ok(fault.hitCount > 0, 'the work came by this point')
        const { error } = call
        if (point.startsWith('ROLLBACK')) assert.equal((error as Error).message, 'mine')
        else assert.ok(codesOf(error).includes(code), String(error))
        assert.equal(writer.calls.filter((sql) => sql === 'COMMIT').length, 0, 'nothing was kept')
        fault.isOn = false
        await rig.advance(5000)
        assert.ok(writer.isClosed || !writer.inTransaction, 'it is clean, or gone')
        await rig.pool.transaction((db) => db.run('INSERT'))
        assert.equal(rig.writer.calls.at(-1), 'COMMIT')
        assert.equal(rig.writer.inTransaction, false)
        const { idle, size } = rig.stats.writer
        assert.deepEqual([idle, size], [1, 1])
      })
    }
  }
})

async function openPair(
  t: TestContext,
  options: { readonly acquireTimeoutMs?: number; readonly busyTimeoutMs?: number } = {},
): Promise<{ readonly pool: ConnectionPool; readonly other: OtherProcess }> {
  const path = tempDatabase(t)
  const pool = await createPool({ path, size: 2, ...options })
  t.after(() => pool.close({ timeoutMs: 0 }))
  await pool.run('CREATE TABLE entry (n INTEGER UNIQUE, body TEXT)')
  return { pool, other: await OtherProcess.open(t, path) }
}

const NUMBERS = 'SELECT n FROM entry ORDER BY n'
const numbersOf = async (other: OtherProcess): Promise<unknown[]> =>
  (await other.ask(NUMBERS)).map((row) => row['n'])

/** What was acknowledged is in the file, for everyone to read, and nothing else. */
async function assertKept(
  { pool, other }: { readonly pool: ConnectionPool; readonly other: OtherProcess },
  kept: readonly number[],
): Promise<void> {
  assert.deepEqual(await numbersOf(other), kept)
  await pool.run('INSERT INTO entry (n) VALUES (100)')
  await pool.transaction((db) => db.run('INSERT INTO entry (n) VALUES (101)'))
  assert.deepEqual(await numbersOf(other), [...kept, 100, 101])
}

describe('a transaction of glasspool that fails in a real file', () => {
  it('because the file is full keeps nothing, and what comes after it is kept', async (t) => {
    const pair = await openPair(t)
    const filling = pair.pool.transaction(async (db) => {
      await db.run('INSERT INTO entry (n) VALUES (1)')
      await db.exec('PRAGMA max_page_count = 20')
      for (let n = 2; ; n += 1) {
        await db.run('INSERT INTO entry VALUES (?, ?)', [n, 'x'.repeat(4000)])
      }
    })
    await assert.rejects(filling, { code: 'SQLITE_FULL' })
    await assertKept(pair, [])
  })

  it('because the file is full, and hides it, reports no success that is not in the file', async (t) => {
    const pair = await openPair(t)
    const filling = watch(
      pair.pool.transaction(async (db) => {
        await db.run('INSERT INTO entry (n) VALUES (1)')
        await db.exec('PRAGMA max_page_count = 20')
        const big = 'x'.repeat(200_000)
        await db.run('INSERT INTO entry VALUES (2, ?)', [big]).catch(() => undefined)
      }),
    )
    await filling.promise.catch(() => undefined)
    await assertKept(pair, filling.state === 'fulfilled' ? [1] : [])
  })

  it('because another process holds the lock keeps nothing, and what comes after it is kept', async (t) => {
    const pair = await openPair(t, { busyTimeoutMs: 1, acquireTimeoutMs: 20 })
    await pair.other.ask('BEGIN IMMEDIATE')
    const call = watch(pair.pool.transaction((db) => db.run('INSERT INTO entry (n) VALUES (1)')))
    await call.promise.catch(() => undefined)
    assert.ok(codesOf(call.error).includes('SQLITE_BUSY'), String(call.error))
    await pair.other.ask('ROLLBACK')
    await assertKept(pair, [])
  })

  it('because its snapshot is old keeps nothing, and what comes after it is kept', async (t) => {
    const pair = await openPair(t)
    const call = pair.pool.withConnection(
      async (db) => {
        await db.exec('BEGIN')
        await db.all(NUMBERS)
        await pair.other.ask('INSERT INTO entry (n) VALUES (1)')
        await db.run('INSERT INTO entry (n) VALUES (2)')
      },
      { mode: 'write' },
    )
    await assert.rejects(call, { code: 'SQLITE_BUSY_SNAPSHOT' })
    await assertKept(pair, [1])
  })

  it('because of a constraint keeps nothing, and what comes after it is kept', async (t) => {
    const pair = await openPair(t)
    const call = pair.pool.transaction(async (db) => {
      await db.run('INSERT INTO entry (n) VALUES (1)')
      await db.run('INSERT INTO entry (n) VALUES (1)')
    })
    await assert.rejects(call, { code: 'SQLITE_CONSTRAINT_UNIQUE' })
    await assertKept(pair, [])
  })
})
