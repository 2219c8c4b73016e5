import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { describe, it, type TestContext } from 'node:test'
import Database from 'better-sqlite3'
import { ConnectionPool } from '../../connection-pool.ts'
import { LOOK_INTERVAL_MS } from '../../file-guard.ts'
import { LONGEST_TIMER_MS, systemClock, type Clock } from '../../pool/clock.ts'
import { tempDatabase } from '../../testing/temp-db.ts'
import { until } from '../../testing/until.ts'
import { startChild, type Child } from './testing/child.ts'
import type { OutsiderWish } from './testing/outsider.ts'

type Suffix = '-wal' | '-shm'

type Scene = readonly [
  deleted: readonly Suffix[],
  /** Whether the pool's commit is in the database file already, or in the log alone. */
  commit: 'copied' | 'pending',
  /** When another process opens the database. */
  other: 'nobody else' | 'somebody from before' | 'somebody since',
  /** What becomes of that one before the pool closes. */
  end: 'closes' | 'is killed' | 'stays' | null,
  /** By the guard of the file, before the pool closes. */
  notice: 'noticed' | 'not noticed',
  ids: readonly number[],
]

const scenes: readonly Scene[] = [
  [['-shm'], 'copied', 'somebody since', 'closes', 'noticed', [1, 7]],
  [['-shm'], 'copied', 'somebody since', 'is killed', 'noticed', [1, 7]],
  [['-shm'], 'copied', 'somebody since', 'stays', 'noticed', [1, 7]],
  [['-shm'], 'pending', 'somebody since', 'closes', 'not noticed', [1, 7]],
  [['-shm'], 'pending', 'nobody else', null, 'not noticed', [1]],
  [['-wal'], 'copied', 'somebody since', 'closes', 'not noticed', [1, 7]],
  [['-wal'], 'copied', 'somebody since', 'is killed', 'noticed', [1, 7]],
  [['-wal'], 'pending', 'nobody else', null, 'noticed', [1]],
  [['-wal'], 'pending', 'somebody since', 'closes', 'noticed', [1]],
  [['-wal'], 'pending', 'somebody since', 'stays', 'noticed', [1]],
  [['-wal'], 'pending', 'somebody from before', 'is killed', 'not noticed', [1, 7]],
  [['-wal', '-shm'], 'pending', 'nobody else', null, 'noticed', [1]],
  [['-wal', '-shm'], 'copied', 'somebody since', 'closes', 'noticed', [1, 7]],
]

async function ask(child: Child, wish: OutsiderWish): Promise<string> {
  child.say(wish)
  return child.heard('did')
}

async function openOther(t: TestContext, path: string): Promise<Child> {
  const child = startChild(t, 'outsider.ts', path)
  await ask(child, 'read')
  return child
}

/** A file guard by this clock never comes to look by itself; everything else goes on. */
const clockOfTheBlind: Clock = {
  ...systemClock,
  setTimer: (callback, delayMs, options) =>
    systemClock.setTimer(
      callback,
      delayMs === LOOK_INTERVAL_MS ? LONGEST_TIMER_MS : delayMs,
      options,
    ),
}

async function openPool(t: TestContext, path: string, notice: Scene[4]): Promise<ConnectionPool> {
  const clock = notice === 'noticed' ? systemClock : clockOfTheBlind
  const pool = new ConnectionPool({ path, size: 2 }, { clock })
  t.after(() => pool.close({ timeoutMs: 0 }))
  await pool.open()
  await pool.run('CREATE TABLE entry (id INTEGER)')
  await pool.run('INSERT INTO entry VALUES (1)')
  return pool
}

/** Whether the database is whole, and what is in it. By someone who opens it when all have gone. */
function remains(path: string): unknown {
  const database = new Database(path)
  try {
    const damage = database.pragma('integrity_check', { simple: true })
    return [damage, database.prepare('SELECT id FROM entry ORDER BY id').pluck().all()]
  } finally {
    database.close()
  }
}

describe('a pool whose log or its index was deleted', () => {
  for (const [deleted, commit, other, end, notice, ids] of scenes) {
    const who = end === null ? other : `${other} who ${end}`
    const name = `${deleted.join(' and ')}, ${notice}, its commit ${commit}, with ${who}`
    it(`loses no commit when it closes: ${name}`, { timeout: 60_000 }, async (t) => {
      const path = tempDatabase(t)
      const pool = await openPool(t, path, notice)
      if (commit === 'copied') await pool.wal.checkpoint('PASSIVE')

      let child = other === 'somebody from before' ? await openOther(t, path) : null
      for (const suffix of deleted) rmSync(path + suffix)
      if (notice === 'noticed') await until(() => pool.state === 'failed')
      if (other === 'somebody since') child = await openOther(t, path)
      if (child !== null) {
        // Who needs what is in the deleted log alone can read nothing, and so write nothing.
        const heard = ids.includes(7) ? 'ok' : 'SQLITE_IOERR_SHORT_READ'
        assert.equal(await ask(child, 'write'), heard)
      }
      if (end === 'closes') await ask(child!, 'close')
      if (end === 'is killed') await child!.kill()

      await pool.close()
      if (end === 'stays') {
        assert.equal(await ask(child!, 'read'), 'ok')
        await child!.kill()
      }
      assert.deepEqual(remains(path), ['ok', ids])
    })
  }
})
