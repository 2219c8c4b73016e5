import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Database from 'better-sqlite3'
import { tempDatabase } from '../../testing/temp-db.ts'
import { runLockSafety } from './testing/lock-safety.ts'
import type { Monitor } from './testing/look.ts'
import { startPeer } from './testing/peer-process.ts'

const skip = process.platform === 'linux' ? false : 'how locks are lost is a matter of the system'

/** Rounds with two processes that may take some seconds each. */
const MAX_ROUNDS = 5

describe('looking at the log', { skip }, () => {
  const holder = async (t: it.TestContext, monitor: Monitor): Promise<unknown[]> => {
    const path = tempDatabase(t)
    const setup = new Database(path)
    setup.pragma('journal_mode = WAL')
    setup.exec('CREATE TABLE entry (id INTEGER)')
    setup.close()
    const looker = await startPeer(t, path)
    const other = await startPeer(t, path)
    await looker.ask('BEGIN IMMEDIATE')
    await looker.ask('INSERT INTO entry VALUES (1)')
    const before = await other.ask('BEGIN IMMEDIATE')
    await looker.look(monitor)
    return [before, await other.ask('BEGIN IMMEDIATE')]
  }

  it('leaves the write lock with the process that has it', async (t) => {
    assert.deepEqual(await holder(t, 'safe'), ['SQLITE_BUSY', 'SQLITE_BUSY'])
  })

  it('gives the write lock to another process when it reads the -shm file', async (t) => {
    assert.deepEqual(await holder(t, 'reads-shm'), ['SQLITE_BUSY', 0])
  })
})

/** Not a process that could not begin, or one that gave up. */
const isReal = (damage: string): boolean =>
  /integrity_check|have left|malformed|disk I\/O|SIGBUS|SIGSEGV/.test(damage)

describe('two processes that write, one of which looks at the log every 5 ms', { skip }, () => {
  it('lose no row', async (t) => {
    const { reports, isTimedOut, damage } = await runLockSafety(t, {
      path: tempDatabase(t),
      monitor: 'safe',
      isEnough: (all) => all.every(({ commits }) => commits >= 3000) && all[0]!.looks >= 100,
      killAfterMs: 120_000,
    })
    t.diagnostic(JSON.stringify(reports))
    assert.deepEqual({ damage, isTimedOut }, { damage: [], isTimedOut: false })
    assert.ok(reports[0]!.foreignWriters > 0, 'it has seen the other one write')
  })

  it('lose rows, the database or their lives when it reads the -shm file', async (t) => {
    const damage: string[] = []
    for (let round = 0; round < MAX_ROUNDS && !damage.some(isReal); round += 1) {
      const result = await runLockSafety(t, {
        path: tempDatabase(t),
        monitor: 'reads-shm',
        isEnough: (all) => all.every(({ commits }) => commits >= 3000),
        killAfterMs: 15_000,
      })
      damage.push(...result.damage)
    }
    t.diagnostic(damage.join('; '))
    assert.ok(damage.some(isReal))
  })
})
