import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { PoolEvent } from '../telemetry/events.ts'
import { createPool } from './create-pool.ts'
import type { PoolError } from './pool/errors.ts'
import { pinLog } from './testing/pinned-log.ts'
import { until } from './testing/until.ts'

const MEBIBYTE = 1024 * 1024
const INSERT = { sql: 'INSERT INTO page (body) VALUES (randomblob(3500))' }
const BATCH = Array.from({ length: 20 }, () => INSERT)

interface Disk {
  readonly folder: string
  remove(): void
}

/** A disk of that size, or `null` where only others may mount one. */
function mountDisk(sizeMib: number): Disk | null {
  const folder = mkdtempSync(join(tmpdir(), 'glasspool-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'disk', folder])
  const remove = (): void => {
    if (mounted.status === 0) spawnSync('umount', [folder])
    rmSync(folder, { recursive: true, force: true })
  }
  if (mounted.status === 0) return { folder, remove }
  remove()
  return null
}

describe('a disk that fills', () => {
  it('stops writers before SQLite runs out of it, and serves them again when there is room', async (t) => {
    const disk = mountDisk(48)
    if (disk === null) return t.skip('no disk can be mounted here')
    const pool = await createPool({ path: join(disk.folder, 'database.sqlite') })
    t.after(async () => {
      await pool.close()
      disk.remove()
    })
    const events: PoolEvent[] = []
    pool.onEvent((event) => void events.push(event))
    await pool.run('CREATE TABLE page (id INTEGER PRIMARY KEY, body BLOB)')
    await pool.run(INSERT.sql)

    const reader = await pinLog(pool)
    let error: PoolError | undefined
    while (error === undefined) {
      await pool.batch(BATCH).catch((reason: PoolError) => void (error = reason))
      // A writer that fills the disk between two looks outruns everybody.
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    assert.equal(error.code, 'WAL_FULL')
    assert.match(error.message, /disk is nearly full/)
    const { headroomBytes, pendingFrames, backpressure } = await pool.wal.getWALInfo()
    assert.equal(backpressure, 'disk')
    // By the rule: less would be left than twice of what is pending, and 4 MiB.
    const leastBytes = 2 * pendingFrames! * 4120 + 4 * MEBIBYTE
    assert.ok(headroomBytes! > 0 && headroomBytes! < leastBytes)

    reader.end()
    await reader.reading
    // What can be copied back now is, and the log gives its room back.
    await until(async () => (await pool.wal.getWALInfo()).backpressure === null)
    await pool.run(INSERT.sql)
    const told = events.flatMap((event) => (event.type === 'backpressure' ? [event.isOn] : []))
    assert.deepEqual(told, [true, false])
  })
})
